"""How a database comes to its keys: new ones on the first start, or those of an older key file."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core import key_file, master_key
from newsletter.core.errors import ConfigurationError
from newsletter.core.installation import DataKey, Installation
from newsletter.core.key_file import KeyFile
from newsletter.core.keychain import installation
from newsletter.core.keyring import Key, Keyring
from newsletter.core.master_key import FOREIGN
from newsletter.core.rewrapping import store
from newsletter.core.settings import Settings


def establish(session: Session, settings: Settings, at: datetime) -> bool:
    """Give a new database its keys, or take over those of a key file of version 1.

    True when that was done, False when the keys are there. Before, `prepare`; after the commit,
    `finish`. ConfigurationError when the key file is missing or of another database.
    """
    known = session.get(Installation, 1, with_for_update=True)
    if known is not None and known.wrapping is not None:
        return False
    anew = known is None or _purged(session, known)
    legacy = _legacy(settings)
    if not anew and legacy is None:
        KeyFile.load(settings.key_path)  # missing or damaged: says so
        raise ConfigurationError(FOREIGN.format(f"the key file {settings.key_path}"))
    ring, master = legacy or Keyring.generate(), master_key.for_new(settings)
    if known is None:
        known = Installation(id=1, key_fingerprint=ring.fingerprint(), created_at=at)
        session.add(known)
    elif anew:
        known.key_fingerprint = ring.fingerprint()
    elif known.key_fingerprint != ring.fingerprint():
        raise ConfigurationError(FOREIGN.format(f"the key file {settings.key_path}"))
    known.wrapping = master.wrapping()
    store(session, master, "index", [Key(0, "i1", ring.index)], at)
    store(session, master, "seal", ring.seals, at)
    store(session, master, "token", ring.tokens, at)
    return True


def check_legacy(session: Session, settings: Settings) -> None:
    """ConfigurationError when a database of before wrapped keys and its key file do not match.

    To be asked before that database is changed in any way.
    """
    known = session.scalar(select(Installation.key_fingerprint).where(Installation.id == 1))
    if known is None:
        return
    legacy = KeyFile.load(settings.key_path).legacy
    if legacy is None or legacy.fingerprint() != known:
        raise ConfigurationError(FOREIGN.format(f"the key file {settings.key_path}"))


def prepare(session: Session, settings: Settings) -> None:
    """See to it that the key file holds a master key, before the database needs it.

    A database that has its keys is never given another file. Taking over a file of version 1
    goes file, database, file. Killed after the first step, the file has all it had and a master
    key more, which the next run uses. Killed after the second, the database opens with that
    master key, and the file only still holds too much. The other order would leave a moment in
    which the keys are wrapped by something that is nowhere on disk.
    """
    if not by_file(settings):
        return
    file = _file(settings)
    known = session.get(Installation, 1)
    if file is None and (known is None or _purged(session, known)):
        key_file.make(settings.key_path)
    if file is not None and file.legacy and not file.masters:
        replace(file, masters=(secrets.token_bytes(32),)).save(settings.key_path)


def finish(session: Session, settings: Settings) -> None:
    """Leave nothing in the key file but the master key in force.

    Data keys of version 1 go once they stand in the database, and so does the second of two
    master keys, when a change from one to the other was interrupted.
    """
    file, known = _file(settings), installation(session)
    if file is None or known.wrapping is None:
        return
    if file.legacy and file.legacy.fingerprint() != known.key_fingerprint:
        return  # of another database: not ours to touch
    if known.wrapping["by"] == "file":
        master = master_key.matching(settings, known.wrapping)
        if file.legacy or file.masters != (master.secret,):
            KeyFile((master.secret,)).save(settings.key_path)
    elif file.legacy:
        settings.key_path.unlink()


def _purged(session: Session, known: Installation) -> bool:
    """Whether this database begins anew; ConfigurationError while a purge is not through."""
    if known.purged_at is None or known.wrapping is not None:
        return False
    if session.scalar(select(DataKey.id).limit(1)) is not None:
        raise ConfigurationError(
            "a purge of this newsletter was begun and is not through; run "
            "'newsletter purge --now' to end it"
        )
    return True


def by_file(settings: Settings) -> bool:
    """Whether a new master key would lie in the home, because none is set."""
    return not (settings.keys.passphrase or settings.keys.key)


def _file(settings: Settings) -> KeyFile | None:
    return KeyFile.load(settings.key_path) if settings.key_path.exists() else None


def _legacy(settings: Settings) -> Keyring | None:
    file = _file(settings)
    return file.legacy if file else None
