"""Changing what is in the table of data keys: new ones, and another master key around all."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core import key_file, keychain
from newsletter.core.errors import ConfigurationError
from newsletter.core.installation import DataKey
from newsletter.core.key_file import KeyFile
from newsletter.core.keychain import KeyChain
from newsletter.core.keyring import Key
from newsletter.core.master_key import Master
from newsletter.core.settings import Settings


def store(session: Session, master: Master, use: str, keys: Iterable[Key], at: datetime) -> None:
    """Wrap keys and put them into the database; the newest comes first."""
    for key in reversed(list(keys)):  # the newest has the highest number
        wrapped = master.wrap(use, key.kid, key.secret)
        session.add(DataKey(use=use, kid=key.kid, wrapped=wrapped, created_at=at))
        session.flush()


def add_pair(session: Session, chain: KeyChain, at: datetime) -> str:
    """New keys for closing and signing, under one name of their own, which is returned.

    The name of a removed key never comes back, because links keep theirs for ever.
    """
    master = chain.master(session, lock=True)
    taken = set(session.scalars(select(DataKey.kid)))
    number = len(taken)
    while f"k{number}" in taken:
        number += 1
    # The token key is stored last and is never deleted: so SQLite gives no number out twice.
    for use in ("seal", "token"):
        store(session, master, use, [Key(0, f"k{number}", secrets.token_bytes(32))], at)
    return f"k{number}"


def rewrap(session: Session, chain: KeyChain, new: Master, later: Settings) -> Master:
    """Wrap all data keys by another master key; the former one is returned.

    Before it is believed, the database is opened as the next start will open it, with the
    settings of `later`. ConfigurationError when that fails; then the caller lets it fall.
    """
    old = chain.master(session, lock=True)
    keychain.installation(session).wrapping = new.wrapping()
    for row in session.scalars(select(DataKey)):
        secret = old.unwrap(row.use, row.kid, row.wrapped)
        row.wrapped = new.wrap(row.use, row.kid, secret)
    session.flush()
    session.expire_all()
    keychain.opened(session, later)
    return old


@contextmanager
def new_file(settings: Settings, in_force: Callable[[], Master]) -> Iterator[tuple[Master, Master]]:
    """The old master key and a new one for the file in the home; inside the block the database
    changes over.

    Which one is in force is asked when nobody else can change the file any more. The file holds
    both keys meanwhile, and whatever else it held, so that it opens the database on either side
    of the commit, wherever a crash falls. A copy of the old one stays for the backups made with
    it.
    """
    path, new = settings.key_path, Master(secrets.token_bytes(32), "file")
    with key_file.alone(settings.home):
        old = in_force()
        if old.by == "file":
            KeyFile((old.secret,)).save(copy_path(settings, old))
            held = KeyFile.load(path).masters
            KeyFile(tuple(dict.fromkeys((new.secret, old.secret, *held)))).save(path)
        else:
            _require_unused(path)
            KeyFile((new.secret,)).save(path)
        yield old, new
        KeyFile((new.secret,)).save(path)


def copy_path(settings: Settings, old: Master) -> Path:
    """Where the copy of a key file that was replaced lies."""
    return settings.home / f"keys-{old.fingerprint()[:8]}.json"


def _require_unused(path: Path) -> None:
    """A key file that is not in force may still open backups: it is never written over."""
    if path.exists():
        raise ConfigurationError(
            f"{path} is there and not in use; it may be the key of older backups: move it to "
            "where they are, and repeat"
        )
