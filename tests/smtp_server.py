"""Real SMTP servers for the tests: one that misbehaves by script, one with TLS and logins."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from newsletter.core.clock import now
from tests.system import PATIENCE

DROP = "<drop>"
HANG = "<hang>"
GARBAGE = "\x00\x01 nothing of SMTP"

Script = Callable[[str, int], str | None]
"""(stage, how often it was reached, from 1) → a reply, DROP, HANG, or None for the usual one.

Stages: CONNECT EHLO MAIL RCPT DATA BODY (after its first bytes) DOT RSET. What ends a message by
BDAT (RFC 3030) is the stage DOT too.
"""


def nth(stage: str, visit: int, reply: str) -> Script:
    """Misbehave at one visit of one stage only."""
    return lambda at, count: reply if (at, count) == (stage, visit) else None


_USUAL = {
    "CONNECT": "220 test.example ESMTP",
    "MAIL": "250 2.1.0 sender fine",
    "RCPT": "250 2.1.5 recipient fine",
    "DATA": "354 go on",
    "DOT": "250 2.0.0 kept",
    "RSET": "250 2.0.0 forgotten",
    "QUIT": "221 2.0.0 bye",
}


@dataclass(frozen=True)
class Kept:
    """One message the server answers for."""

    recipient: str
    data: bytes

    @property
    def message_id(self) -> str:
        """As the header says it."""
        found = re.search(rb"^Message-ID: (\S+)", self.data, re.MULTILINE)
        return found[1].decode() if found else ""


class ScriptedServer:
    """Plain threads and sockets. Never forgets: a message is kept before its answer leaves."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        on_kept: Callable[[int], None] | None = None,
        offers: Sequence[str] = (),
        certificate: Certificate | None = None,
    ) -> None:
        """`offers` are words of EHLO; with a certificate every connection begins with TLS."""
        self._script = script or (lambda _stage, _nth: None)
        self._usual = {**_USUAL, "EHLO": _offering(offers)}
        self._context = certificate.context() if certificate else None
        self.on_kept = on_kept or (lambda _count: None)
        self._lock = threading.Lock()
        self._reached: dict[str, int] = {}
        self._open: list[socket.socket] = []
        self._released = threading.Event()
        self.kept: list[Kept] = []
        self.commands: list[str] = []
        self.connections = 0

    def __enter__(self) -> ScriptedServer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self.close_door()
        self._listener.close()
        self._thread.join(5)
        for sock in self._open:
            sock.close()

    def close_door(self) -> None:
        """Be no longer there for anybody who is not in."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)

    def turn_out(self, words: bytes = b"") -> None:
        """An idle limit: say this to all who are in, and hang up."""
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.sendall(words)
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError, _HungUp):
            sock = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            with sock, sock.makefile("rb") as lines:
                self._converse(sock, lines)

    def _converse(self, sock: socket.socket, lines: Any) -> None:
        self._reply(sock, "CONNECT")
        session = _Session()
        while line := lines.readline():
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            verb = text.split(":")[0].split(" ")[0].upper()
            self.commands.append(text)
            if verb == "BDAT":
                self._take_chunk(sock, lines, session, int(text.split(" ")[1]))
                continue
            answer = self._reply(sock, verb, session.objection(verb))
            session.went_on(verb, text, answer)
            if verb == "QUIT":
                return
            if verb == "DATA" and answer == "354":
                self._take(sock, lines, session)

    def _take(self, sock: socket.socket, lines: Any, session: _Session) -> None:
        body = [lines.readline()]
        if body[0] != b".\r\n":
            self._interrupt(sock)
        while body[-1] != b".\r\n":
            line = lines.readline()
            if not line:
                raise _HungUp
            body.append(line)
        data = b"".join(part[1:] if part.startswith(b".") else part for part in body[:-1])
        self._end(sock, session, data)

    def _take_chunk(self, sock: socket.socket, lines: Any, session: _Session, size: int) -> None:
        """RFC 3030 §2: what was announced is read even if it is refused then."""
        begun = lines.read(min(size, 16))
        self._interrupt(sock)
        data = begun + lines.read(size - len(begun))
        if len(data) < size:
            raise _HungUp
        self._end(sock, session, data)

    def _interrupt(self, sock: socket.socket) -> None:
        reply = self._script("BODY", self._count("BODY"))
        if reply is not None:
            self._say(sock, reply)
            raise _HungUp

    def _end(self, sock: socket.socket, session: _Session, data: bytes) -> None:
        recipient, allowed = session.recipient, session.ready
        session.reset()
        if not allowed:
            self._say(sock, "554 5.5.1 no valid recipients")
            return
        answer = self._script("DOT", self._count("DOT"))
        if answer is None or not answer.startswith(("4", "5")):
            with self._lock:
                self.kept.append(Kept(recipient, data))
                count = len(self.kept)
            self.on_kept(count)
        self._say(sock, answer or _USUAL["DOT"])

    def _count(self, stage: str) -> int:
        with self._lock:
            self._reached[stage] = self._reached.get(stage, 0) + 1
            return self._reached[stage]

    def _reply(self, sock: socket.socket, stage: str, objection: str | None = None) -> str:
        reply = self._script(stage, self._count(stage)) or objection
        text = reply if reply is not None else self._usual.get(stage, "500 5.5.1 what?")
        self._say(sock, text)
        return text[:3]

    def _say(self, sock: socket.socket, text: str) -> None:
        if text == DROP:
            sock.shutdown(socket.SHUT_RDWR)
            raise _HungUp
        if text == HANG:
            self._released.wait(PATIENCE)
            raise _HungUp
        sock.sendall(text.encode() + b"\r\n")
        if text.startswith("421"):
            _linger(sock)
            raise _HungUp


class _HungUp(Exception):
    pass


def _linger(sock: socket.socket) -> None:
    """A close with bytes unread is a reset, which may overtake the last words (RFC 1122)."""
    sock.shutdown(socket.SHUT_WR)
    sock.settimeout(2)
    while sock.recv(65536):
        pass


def _offering(words: Sequence[str]) -> str:
    lines = ["test.example", *words, "SIZE 1000000"]
    return "\r\n".join(f"250{' ' if n == len(lines) else '-'}{w}" for n, w in enumerate(lines, 1))


class _Session:
    """Where one connection stands: a server knows a nested MAIL and a message for nobody."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.sender, self.ready, self.recipient = False, False, ""

    def objection(self, verb: str) -> str | None:
        wrong = {"MAIL": self.sender, "RCPT": not self.sender, "DATA": not self.ready}
        return "503 5.5.1 out of turn" if wrong.get(verb) else None

    def went_on(self, verb: str, text: str, answer: str) -> None:
        if verb == "RSET":
            self.reset()
        elif verb == "MAIL" and answer[:1] == "2":
            self.sender = True
        elif verb == "RCPT" and answer[:1] == "2":
            self.ready = True
            self.recipient = text.partition("<")[2].partition(">")[0]


@dataclass(frozen=True)
class Certificate:
    """A certificate for localhost that is its own authority, as files."""

    path: Path
    key_path: Path

    def context(self) -> ssl.SSLContext:
        """For a server."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.path, self.key_path)
        return made


def make_certificate(
    directory: Path,
    name: str = "localhost",
    *,
    begins: timedelta = timedelta(days=-1),
    ends: timedelta = timedelta(days=1),
) -> Certificate:
    """A fresh self-signed certificate for this host name and 127.0.0.1, good between these."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() + begins)
        .not_valid_after(now() + ends)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(directory / "cert.pem", directory / "key.pem")
    made.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


class SecureServer:
    """aiosmtpd with STARTTLS or TLS and a login (`desk` / `secret`); keeps what it accepts."""

    def __init__(self, certificate: Certificate | None, *, at_once: bool = False) -> None:
        self._context = certificate.context() if certificate else None
        self._at_once = at_once
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.kept: list[Kept] = []
        self.secure: list[bool] = []

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        self.secure.append(session.ssl is not None or self._at_once)
        self.kept.append(Kept(envelope.rcpt_tos[0], envelope.content))
        return "250 2.0.0 kept"

    def __enter__(self) -> SecureServer:
        self._thread.start()
        self._server = self._run(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> asyncio.Server:
        context = self._context
        return await self._loop.create_server(
            lambda: SMTP(
                self,
                hostname="localhost",
                loop=self._loop,
                tls_context=None if self._at_once else context,
                require_starttls=context is not None and not self._at_once,
                authenticator=_check_login,
                auth_required=False,
                auth_require_tls=context is not None and not self._at_once,
                enable_SMTPUTF8=True,
            ),
            "127.0.0.1",
            0,
            ssl=context if self._at_once else None,
        )

    async def _close(self) -> None:
        self._server.close()
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _check_login(_server: SMTP, _session: Any, _envelope: Any, _kind: str, data: Any) -> AuthResult:
    good = data.login == b"desk" and data.password == b"secret"
    return AuthResult(success=good, handled=good)
