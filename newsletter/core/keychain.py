"""The data keys in the database: made with it, wrapped by the master key, read again when new.

docs/decisions/keys.md says why they lie there.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from newsletter.core import master_key
from newsletter.core.db import reading
from newsletter.core.errors import ConfigurationError, NewsletterError
from newsletter.core.installation import DataKey, Installation
from newsletter.core.key_file import KeyFile
from newsletter.core.keyring import Key, Keyring
from newsletter.core.log import logger
from newsletter.core.master_key import FOREIGN, Master
from newsletter.core.settings import Settings

FRESH = 30.0
"""Seconds after which a process looks for newer keys before it closes or signs anything."""

_log = logger("keys")


class KeyChain:
    """The ring of a process that lives long: it learns of keys that another one has made.

    It reads over an engine of its own, so that a thread that holds a connection and needs a key
    never waits for a second one of the same pool. Reading beside a writer is free on SQLite (WAL).
    """

    def __init__(self, engine: Engine, settings: Settings, master: Master, ring: Keyring) -> None:
        self._engine = engine
        self._settings = settings
        self._master = master
        self._ring = ring
        self._read_at = time.monotonic()
        self._lock = threading.Lock()

    def current(self) -> Keyring:
        """The ring, read again every half minute; what cannot be read now is tried later.

        Closing under a key that was removed meanwhile is refused by the database itself.
        """
        if time.monotonic() - self._read_at > FRESH and self._lock.acquire(blocking=False):
            try:
                self._read()
            except NewsletterError as err:
                _log.warning("keys_not_read", reason=str(err))
            finally:
                self._lock.release()
        return self._ring

    def renewed(self, seconds: float = 0) -> Keyring:
        """The ring, read again unless that was begun within so many seconds.

        ConfigurationError when the database or the master key is at fault.
        """
        wanted = time.monotonic() - seconds
        with self._lock:
            if self._read_at <= wanted:  # else another thread has read while we waited
                self._read()
            return self._ring

    def master(self, session: Session) -> Master:
        """The master key in force, which may have been changed since this process began."""
        wrapping = _installation(session).wrapping or {}
        if self._master.fingerprint() != wrapping.get("master"):
            self._master = master_key.matching(self._settings, wrapping)
        return self._master

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _read(self) -> None:
        self._read_at = time.monotonic()
        held = self._ring
        with reading(self._engine) as session:
            found = _ring(session, lambda: self.master(session), held)
        gone = {key.kid: key for key in (*held.retired, *held.seals)}
        for key in found.seals:
            gone.pop(key.kid, None)
        found = replace(found, retired=tuple(gone.values()))
        if found != held:
            self._ring = found


def opened(session: Session, settings: Settings) -> tuple[Master, Keyring]:
    """The master key and the ring of a database.

    ConfigurationError when the master key is missing, damaged or another one.
    """
    known = _installation(session)
    if known.wrapping is None:
        raise ConfigurationError(
            "the keys of this database are not wrapped yet; run 'newsletter migrate'"
        )
    master = master_key.matching(settings, known.wrapping)
    ring = _ring(session, lambda: master)
    if ring.fingerprint() != known.key_fingerprint:
        raise ConfigurationError(FOREIGN.format("the index key in the table data_keys"))
    return master, ring


def establish(session: Session, settings: Settings, at: datetime) -> bool:
    """Give a new database its keys, or take over those of a key file of version 1.

    True when that was done, False when the keys are there. Before, `prepare`; after the commit,
    `finish`. ConfigurationError when the key file is missing or of another database.
    """
    known = session.get(Installation, 1, with_for_update=True)
    if known is not None and known.wrapping is not None:
        return False
    legacy = _legacy(settings)
    if known is not None and legacy is None:
        KeyFile.load(settings.key_path)  # missing or damaged: says so
        raise ConfigurationError(FOREIGN.format(f"the key file {settings.key_path}"))
    ring, master = legacy or Keyring.generate(), master_key.for_new(settings)
    if known is None:
        known = Installation(id=1, key_fingerprint=ring.fingerprint(), created_at=at)
        session.add(known)
    elif known.key_fingerprint != ring.fingerprint():
        raise ConfigurationError(FOREIGN.format(f"the key file {settings.key_path}"))
    known.wrapping = master.wrapping()
    _store(session, master, "index", [Key(0, "i1", ring.index)], at)
    _store(session, master, "seal", ring.seals, at)
    _store(session, master, "token", ring.tokens, at)
    return True


def check_legacy(session: Session, settings: Settings) -> None:
    """ConfigurationError when a database of before wrapped keys and its key file do not match.

    To be asked before that database is changed in any way.
    """
    known = session.scalar(select(Installation.key_fingerprint).where(Installation.id == 1))
    legacy = KeyFile.load(settings.key_path).legacy
    if known is not None and (legacy is None or legacy.fingerprint() != known):
        raise ConfigurationError(FOREIGN.format(f"the key file {settings.key_path}"))


def prepare(settings: Settings) -> None:
    """Put a master key beside the data keys of a version 1 file, before the database needs it.

    Taking over goes file, database, file. Killed after the first step, the file has all it had
    and a master key more, which the next run uses. Killed after the second, the database opens
    with that master key, and the file only still holds too much. The other order would leave a
    moment in which the keys are wrapped by something that is nowhere on disk.
    """
    file = _file(settings)
    if file is not None and file.legacy and not file.masters and by_file(settings):
        replace(file, masters=(secrets.token_bytes(32),)).save(settings.key_path)


def finish(session: Session, settings: Settings) -> None:
    """Take the data keys of version 1 out of the key file, once they stand in the database."""
    file, known = _file(settings), _installation(session)
    if file is None or file.legacy is None or known.wrapping is None:
        return
    if file.legacy.fingerprint() != known.key_fingerprint:
        return  # of another database: not ours to touch
    if known.wrapping["by"] == "file":
        KeyFile(file.masters).save(settings.key_path)
    else:
        settings.key_path.unlink()


def add_pair(session: Session, master: Master, at: datetime) -> str:
    """New keys for closing and signing, under one name of their own, which is returned.

    The name of a removed key never comes back, because links keep theirs for ever.
    """
    _installation(session, lock=True)
    taken = set(session.scalars(select(DataKey.kid)))
    number = len(taken)
    while f"k{number}" in taken:
        number += 1
    # The token key is stored last and is never deleted: so SQLite gives no number out twice.
    for use in ("seal", "token"):
        _store(session, master, use, [Key(0, f"k{number}", secrets.token_bytes(32))], at)
    return f"k{number}"


def rewrap(session: Session, old: Master, new: Master) -> None:
    """Wrap all data keys by another master key; each is opened again before it is believed."""
    _installation(session, lock=True).wrapping = new.wrapping()
    for row in session.scalars(select(DataKey)):
        secret = old.unwrap(row.use, row.kid, row.wrapped)
        row.wrapped = new.wrap(row.use, row.kid, secret)
        if new.unwrap(row.use, row.kid, row.wrapped) != secret:
            raise ConfigurationError("a wrapped key does not open again; nothing was changed")


def _store(session: Session, master: Master, use: str, keys: Iterable[Key], at: datetime) -> None:
    for key in reversed(list(keys)):  # the newest has the highest number
        wrapped = master.wrap(use, key.kid, key.secret)
        session.add(DataKey(use=use, kid=key.kid, wrapped=wrapped, created_at=at))
        session.flush()


def _ring(session: Session, master: Callable[[], Master], held: Keyring | None = None) -> Keyring:
    """All keys, unwrapped; what is held already needs no master key."""
    known = {("seal", key.id, key.kid): key for key in held.seals} if held else {}
    known |= {("token", key.id, key.kid): key for key in held.tokens} if held else {}
    found: dict[str, list[Key]] = {"index": [], "seal": [], "token": []}
    for row in session.scalars(select(DataKey).order_by(DataKey.id.desc())):
        key = known.get((row.use, row.id, row.kid))
        if key is None and not (held and row.use == "index"):
            key = Key(row.id, row.kid, master().unwrap(row.use, row.kid, row.wrapped))
        found[row.use] += [key] if key else []
    index = held.index if held else next((key.secret for key in found["index"]), b"")
    if not (index and found["seal"] and found["token"]):
        raise ConfigurationError(
            "the data keys of this database were destroyed: no address in it can be read by "
            "anybody; begin a new home, or put back a backup"
        )
    return Keyring(index, tuple(found["seal"]), tuple(found["token"]))


def _installation(session: Session, *, lock: bool = False) -> Installation:
    known = session.get(Installation, 1, with_for_update=True if lock else None)
    if known is None:
        raise ConfigurationError(
            "there is no newsletter in this database yet; run 'newsletter init' first"
        )
    return known


def by_file(settings: Settings) -> bool:
    """Whether a new master key would lie in the home, because none is set."""
    return not (settings.keys.passphrase or settings.keys.key)


def _file(settings: Settings) -> KeyFile | None:
    return KeyFile.load(settings.key_path) if settings.key_path.exists() else None


def _legacy(settings: Settings) -> Keyring | None:
    file = _file(settings)
    return file.legacy if file else None
