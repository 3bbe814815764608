"""A network of the judges' own: no way out, documentation addresses, and a DNS that knows us.

SPF, DKIM and DMARC are so judged for real, and a message that fetches something fetches nothing.
"""

from __future__ import annotations

import os
import shutil
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.judges.samples import DNS_IP, RECEIVER_IP, SENDER_IP

_WITHIN = "JUDGES_LAB"
_STRING = 255
"""RFC 1035 §3.3: a TXT record is a row of strings, none longer than this."""


def enter() -> None:
    """Begin again inside namespaces of our own, unless this process already is."""
    if os.environ.get(_WITHIN):
        return
    program = shutil.which("unshare")
    if program is None:
        raise SystemExit("'unshare' is not installed (Debian package util-linux)")
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    os.environ[_WITHIN] = "yes"
    # With the first process all others end, whatever a judge left behind.
    spaces = ("--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
    words = [program, *spaces, *as_root]
    os.execv(program, [*words, sys.executable, "-m", "tests.judges", *sys.argv[1:]])


@contextmanager
def network(scratch: Path, zone: Mapping[tuple[str, str], list[str]]) -> Iterator[None]:
    """Addresses, a name server that has `zone`, and the system told to ask it."""
    for words in (
        ("ip", "link", "set", "lo", "up"),
        *(("ip", "address", "add", f"{ip}/32", "dev", "lo") for ip in _addresses()),
    ):
        subprocess.run(words, check=True, capture_output=True)
    config = scratch / "resolv.conf"
    config.write_text(f"nameserver {DNS_IP}\noptions timeout:2 attempts:1\n")
    real = Path("/etc/resolv.conf").resolve()
    subprocess.run(["mount", "--bind", config, real], check=True, capture_output=True)
    server = _Server((DNS_IP, 53), _Asked)
    server.zone = dict(zone)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        subprocess.run(["umount", real], check=False, capture_output=True)


def _addresses() -> tuple[str, ...]:
    return SENDER_IP, RECEIVER_IP, DNS_IP


class _Server(socketserver.ThreadingUDPServer):
    daemon_threads = True
    allow_reuse_address = True
    zone: dict[tuple[str, str], list[str]]


class _Asked(socketserver.BaseRequestHandler):
    """One question."""

    server: _Server

    def handle(self) -> None:
        """Answer it: what the zone has, nothing for another type, and no such name otherwise."""
        data, line = self.request
        line.sendto(answer(data, self.server.zone), self.client_address)


def answer(data: bytes, zone: Mapping[tuple[str, str], list[str]]) -> bytes:
    """The reply to a question, as bytes."""
    question = dns.message.from_wire(data)
    reply = dns.message.make_response(question, recursion_available=True)
    reply.flags |= dns.flags.AA
    asked = question.question[0]
    name = asked.name.to_text(omit_final_dot=True).lower()
    kind = dns.rdatatype.to_text(asked.rdtype)
    values = zone.get((name, kind), [])
    if values:
        texts = [_quoted(value) if kind == "TXT" else value for value in values]
        reply.answer.append(dns.rrset.from_text(asked.name, 300, "IN", kind, *texts))
    elif not any(known == name or known.endswith(f".{name}") for known, _ in zone):
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply.to_wire(max_size=4096)


def _quoted(text: str) -> str:
    cuts = [text[at : at + _STRING] for at in range(0, len(text), _STRING)]
    return " ".join(f'"{cut}"' for cut in cuts)
