"""A real name server on loopback, UDP and TCP, that says what a zone holds, or fails as told."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Mapping, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

SERVFAIL = "*servfail*"
SILENT = "*silent*"

Zone = Mapping[tuple[str, str], Sequence[str] | str]
"""(name, kind) → values as text (TXT without quotation marks), SERVFAIL or SILENT."""
_LARGEST = 512
"""RFC 1035 §4.2.1: what is longer is cut off and comes by TCP."""


class NameServer:
    """Threads and sockets; a name that stands nowhere in the zone, nor above one, is NXDOMAIN."""

    def __init__(self, zone: Zone | None = None) -> None:
        self.zone: dict[tuple[str, str], Sequence[str] | str] = dict(zone or {})
        self.asked: list[tuple[str, str, str]] = []

    def __enter__(self) -> NameServer:
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._threads = [
            threading.Thread(target=serve, daemon=True) for serve in (self._datagrams, self._lines)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        # An empty datagram wakes the thread that waits for one.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._tcp.close()
        for thread in self._threads:
            thread.join(5)
        self._udp.close()

    @property
    def place(self) -> str:
        """As the settings name it."""
        return f"127.0.0.1:{self.port}"

    def _datagrams(self) -> None:
        while True:
            try:
                data, sender = self._udp.recvfrom(4096)
            except OSError:
                return
            if not data:
                return
            reply = self._reply(data, "udp")
            if reply is not None:
                self._udp.sendto(reply, sender)

    def _lines(self) -> None:
        while True:
            try:
                sock, _ = self._tcp.accept()
            except OSError:
                return
            with sock, contextlib.suppress(OSError, struct.error):
                sock.settimeout(5)
                (size,) = struct.unpack("!H", sock.recv(2))
                reply = self._reply(sock.recv(size), "tcp")
                if reply is not None:
                    sock.sendall(struct.pack("!H", len(reply)) + reply)

    def _reply(self, data: bytes, way: str) -> bytes | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind, way))
        found = self.zone.get((name, kind), ())
        if found == SILENT:
            return None
        answer = dns.message.make_response(query, recursion_available=True)
        if found == SERVFAIL:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            texts = [_presented(kind, value) for value in found]
            answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, texts))
        elif not any(f".{known}".endswith(f".{name}") for known, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        wire = answer.to_wire(max_size=65535)
        if way == "udp" and len(wire) > _LARGEST:
            cut = dns.message.make_response(query, recursion_available=True)
            cut.flags |= dns.flags.TC
            return cut.to_wire()
        return wire


def _presented(kind: str, value: str) -> str:
    if kind != "TXT":
        return value
    cuts = [value[at : at + 255] for at in range(0, len(value), 255)] or [""]
    return " ".join('"' + cut.replace("\\", "\\\\").replace('"', '\\"') + '"' for cut in cuts)
