"""Keyholders: the people of whom two together can purge. Only a scrypt hash is kept of each.

They guard against a mistake and against one person alone at this door. Whoever has the rights of
this system user can destroy the files anyway, and add keyholders; both stand in the audit.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core import audit
from newsletter.core.errors import InputError, NotFound
from newsletter.core.installation import Keyholder
from newsletter.core.master_key import SHORTEST

_N, _R, _P = 2**15, 8, 3
"""32 MB and a quarter of a second (OWASP Password Storage Cheat Sheet)."""
_LONGEST_NAME = 64


def add(session: Session, name: str, passphrase: str, how: str, now: datetime) -> None:
    """Take somebody in; InputError when the name is taken or the passphrase is short."""
    named = _name(name)
    if _find(session, named) is not None:
        raise InputError("name", f"'{named}' is a keyholder already; remove that one first")
    if len(passphrase) < SHORTEST:
        raise InputError("passphrase", f"take at least {SHORTEST} characters, better six words")
    if any(_matches(one, passphrase) for one in session.scalars(select(Keyholder))):
        raise InputError(
            "passphrase", "another keyholder has this one; two people must know two passphrases"
        )
    salt = os.urandom(16)
    digest = _digest(passphrase, salt)
    session.add(Keyholder(name=named, salt=salt, digest=digest, created_at=now))
    audit.note(session, "keyholder_added", how, {"keyholders": len(names(session))}, now)


def remove(session: Session, name: str, how: str, now: datetime) -> None:
    """Let somebody go; NotFound names those there are."""
    found = _find(session, _name(name))
    if found is None:
        there = ", ".join(names(session)) or "there is none"
        raise NotFound("name", f"'{name}' is no keyholder; those are: {there}")
    session.delete(found)
    session.flush()
    audit.note(session, "keyholder_removed", how, {"keyholders": len(names(session))}, now)


def names(session: Session) -> list[str]:
    """All keyholders."""
    return list(session.scalars(select(Keyholder.name).order_by(Keyholder.name)))


def agrees(session: Session, name: str, passphrase: str) -> bool:
    """Whether this is a keyholder and these are their words; an unknown name takes as long."""
    found = _find(session, name.strip())
    salt, digest = (found.salt, found.digest) if found else (b"\0" * 16, b"")
    return hmac.compare_digest(_digest(passphrase, bytes(salt)), bytes(digest))


def _matches(holder: Keyholder, passphrase: str) -> bool:
    return hmac.compare_digest(_digest(passphrase, bytes(holder.salt)), bytes(holder.digest))


def _find(session: Session, name: str) -> Keyholder | None:
    """By the name however it is written: `aye` is Aye, not a second person."""
    wanted = name.casefold()
    return next(
        (one for one in session.scalars(select(Keyholder)) if one.name.casefold() == wanted), None
    )


def _name(name: str) -> str:
    found = name.strip()
    if not 0 < len(found) <= _LONGEST_NAME or not found.isprintable() or "@" in found:
        raise InputError("name", "write a short name, such as Aye, and no mail address")
    return found


def _digest(passphrase: str, salt: bytes) -> bytes:
    room = 256 * _N * _R
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=_N, r=_R, p=_P, maxmem=room, dklen=32)
