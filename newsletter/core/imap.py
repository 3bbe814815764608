"""An IMAP mailbox (RFC 3501): read without marking anything as read, settled by number."""

from __future__ import annotations

import base64
import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from newsletter.core.bounce_settings import Bounces
from newsletter.core.mailbox_lines import LIMIT, Found, NoFolder, NoLogin, NoStartTls

LEFT = "$NotForNewsletter"
"""The keyword of mails that are none of ours, so that they are not fetched again each time."""
_AT_ONCE = 20
_SEARCHED = 5_000
_UID = re.compile(rb"\bUID (\d+)")


class Imap:
    """One line with its folder selected."""

    def __init__(self, settings: Bounces, port: int, context: ssl.SSLContext | None) -> None:
        self._settings = settings
        self._client = _connected(settings, port, context)
        try:
            _log_in(self._client, settings)
            self._total = self._select(settings.folder)
            self._marks = self._keeps_marks()
        except BaseException:
            _drop(self._client)
            raise

    def count(self) -> int:
        """How many mails lie in the folder."""
        return self._total

    def batches(self) -> Iterator[list[Found]]:
        """Twenty at a time; of each its beginning."""
        waiting = self._unread()
        for start in range(0, len(waiting), _AT_ONCE):
            numbers = ",".join(waiting[start : start + _AT_ONCE])
            yield list(self._fetched(numbers))

    def settle(self, done: Sequence[str], left: Sequence[str]) -> None:
        """Move what is done with, or delete it; mark what is left."""
        if left and self._marks:
            _ok(self._client.uid("STORE", ",".join(left), "+FLAGS.SILENT", f"({LEFT})"))
        if done and self._settings.done_folder:
            self._move(",".join(done))
        elif done:
            self._delete(",".join(done))

    def close(self) -> None:
        """Log out."""
        try:
            self._client.logout()
        finally:
            _drop(self._client)

    def _select(self, folder: str) -> int:
        try:
            answer, data = self._client.select(_quoted(folder))
        except imaplib.IMAP4.readonly:
            raise NoFolder(folder, "folder") from None
        if answer != "OK" or not data[0]:
            raise NoFolder(folder, "folder")
        return int(data[0])

    def _keeps_marks(self) -> bool:
        _, told = self._client.response("PERMANENTFLAGS")
        return any(rb"\*" in one or LEFT.encode() in one for one in told if one)

    def _unread(self) -> list[str]:
        """The numbers (UID) of all mails without our mark, asked for in pieces of one line each."""
        found: list[str] = []
        for first in range(1, self._total + 1, _SEARCHED):
            last = min(first + _SEARCHED - 1, self._total)
            unmarked = ["UNKEYWORD", LEFT] if self._marks else []
            data = _ok(self._client.uid("SEARCH", f"{first}:{last}", *unmarked))
            found += [number.decode() for line in data if line for number in line.split()]
        return found

    def _fetched(self, numbers: str) -> Iterator[Found]:
        data = _ok(self._client.uid("FETCH", numbers, f"(UID BODY.PEEK[]<0.{LIMIT}>)"))
        for piece, after in zip(data, [*data[1:], b""], strict=True):
            if not isinstance(piece, tuple):
                continue
            number = _UID.search(piece[0]) or _UID.search(
                after if isinstance(after, bytes) else b""
            )
            if number:
                yield Found(number[1].decode(), piece[1])

    def _move(self, numbers: str) -> None:
        folder = _quoted(self._settings.done_folder)
        verb = "MOVE" if "MOVE" in self._client.capabilities else "COPY"
        answer, _ = self._client.uid(verb, numbers, folder)
        if answer != "OK":  # there is no such folder yet (RFC 3501 §6.4.7)
            self._client.create(folder)
            answer, _ = self._client.uid(verb, numbers, folder)
        if answer != "OK":
            raise NoFolder(self._settings.done_folder, "done_folder")
        if verb == "COPY":
            self._delete(numbers)

    def _delete(self, numbers: str) -> None:
        _ok(self._client.uid("STORE", numbers, "+FLAGS.SILENT", r"(\Deleted)"))
        if "UIDPLUS" in self._client.capabilities:
            _ok(self._client.uid("EXPUNGE", numbers))
        else:
            self._client.expunge()


def _connected(settings: Bounces, port: int, context: ssl.SSLContext | None) -> imaplib.IMAP4:
    host, seconds = settings.host, settings.timeout
    if settings.security == "tls":
        return imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=seconds)
    client = imaplib.IMAP4(host, port, timeout=seconds)
    if settings.security == "starttls":
        try:
            if "STARTTLS" not in client.capabilities:
                raise NoStartTls
            client.starttls(context)
        except BaseException:
            _drop(client)
            raise
    return client


def _drop(client: imaplib.IMAP4) -> None:
    with suppress(OSError):  # after a TLS that failed its socket is none any more
        client.shutdown()


def _log_in(client: imaplib.IMAP4, settings: Bounces) -> None:
    name, password = settings.username, settings.password
    try:
        if "AUTH=PLAIN" in client.capabilities:  # the one that carries any letters (RFC 4616)
            client.authenticate("PLAIN", lambda _: f"\0{name}\0{password}".encode())
        else:
            client.login(_quoted(name), password)
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeError):
        raise NoLogin from None
    # What may be done after the login is more than before it.
    client.capabilities = _capabilities(client)


def _capabilities(client: imaplib.IMAP4) -> tuple[str, ...]:
    data = _ok(client.capability())
    return tuple(str(data[-1], "ascii", "replace").upper().split())


def _ok(answered: tuple[str, list[Any]]) -> list[Any]:
    answer, data = answered
    if answer != "OK":
        raise imaplib.IMAP4.error(answer)
    return data


def _quoted(text: str) -> str:
    """A folder's name on the wire: quoted, in the UTF-7 of IMAP (RFC 3501 §5.1.3)."""
    pieces = re.split(r"([^\x20-\x7e]+)", text.replace("&", "&-"))
    wire = "".join(_shifted(one) if n % 2 else one for n, one in enumerate(pieces))
    escaped = wire.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _shifted(text: str) -> str:
    letters = base64.b64encode(text.encode("utf-16-be")).decode()
    return f"&{letters.rstrip('=').replace('/', ',')}-"
