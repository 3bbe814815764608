"""The data keys in the database: made with it, wrapped by the master key, read again when new.

docs/decisions/keys.md says why they lie there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from newsletter.core import master_key
from newsletter.core.db import reading
from newsletter.core.errors import ConfigurationError, NewsletterError
from newsletter.core.installation import DataKey, Installation, require_keys
from newsletter.core.keyring import Key, Keyring
from newsletter.core.log import logger
from newsletter.core.master_key import FOREIGN, Master
from newsletter.core.settings import Settings

FRESH = 5.0
"""Seconds after which a process looks for newer keys before it closes or signs anything; so long
a rotation may wait for processes that still write under the old one."""

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
        self._over = False
        self._lock = threading.Lock()

    def current(self) -> Keyring:
        """The ring, read again every few seconds; what cannot be read now is tried later.

        Closing under a key that was removed meanwhile is refused by the database itself.
        ConfigurationError once the keys were destroyed or are those of another newsletter.
        """
        stale = self._over or time.monotonic() - self._read_at > FRESH
        if stale and self._lock.acquire(blocking=False):
            try:
                self._read()
            except NewsletterError as err:
                if self._over:
                    raise
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
            if (
                self._over or self._read_at <= wanted
            ):  # else another thread has read while we waited
                self._read()
            return self._ring

    def master(self, session: Session, *, lock: bool = False) -> Master:
        """The master key in force, which may have been changed since this process began.

        With `lock` it stays in force until the transaction ends: whoever wraps anything by it
        needs that. ConfigurationError when there is none (any more).
        """
        wrapping = _wrapping(session, installation(session, lock=lock))
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
            if installation(session).key_fingerprint != held.fingerprint():
                self._over = True
                require_keys(session)
                raise ConfigurationError(FOREIGN.format("the key that this program began with"))
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
    known = installation(session)
    master = master_key.matching(settings, _wrapping(session, known))
    ring = _ring(session, lambda: master)
    if ring.fingerprint() != known.key_fingerprint:
        raise ConfigurationError(FOREIGN.format("the index key in the table data_keys"))
    return master, ring


def _wrapping(session: Session, known: Installation) -> dict[str, Any]:
    require_keys(session)
    if known.wrapping is None:
        raise ConfigurationError(
            "the keys of this database are not wrapped yet; run 'newsletter migrate'"
        )
    return known.wrapping


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


def installation(session: Session, *, lock: bool = False) -> Installation:
    """The one row, with `lock` for one caller at a time; ConfigurationError when there is none."""
    known = session.get(Installation, 1, with_for_update=True if lock else None)
    if known is None:
        raise ConfigurationError(
            "there is no newsletter in this database yet; run 'newsletter init' first"
        )
    return known
