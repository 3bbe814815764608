"""A real IMAP and POP3 server for the tests: its own Dovecot in a temporary directory.

Never as root, and with nothing of the system's own Dovecot: own ports of loopback, own files.
"""

from __future__ import annotations

import getpass
import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.smtp_server import make_certificate
from tests.system import PATIENCE, require

PASSWORD = "sésame-ouvre-toi"
"""With a letter that is not ASCII, as passwords are."""
_SECONDS = 20


@dataclass(frozen=True)
class Dovecot:
    """A running server; every name may log in with the one password."""

    base: Path
    certificate: Path
    ports: dict[str, int]
    """By listener: imap, imaps, pop3, pop3s."""
    owner: str

    def mailbox(self) -> Box:
        """A fresh mailbox."""
        name = f"box{uuid4().hex[:8]}"
        directory = self.base / "mail" / name
        box = Box(name, directory, self.owner)
        for room in ("cur", "new", "tmp"):
            box.make(directory / room)
        return box


@dataclass(frozen=True)
class Box:
    """One mailbox, as the Maildir that the server keeps it in."""

    name: str
    directory: Path
    owner: str

    def put(self, *mails: bytes) -> None:
        """Deliver these, in their order."""
        for mail in mails:
            stamp = f"{time.time_ns()}.{uuid4().hex[:8]}.here"
            path = self.directory / "new" / stamp
            path.write_bytes(mail.replace(b"\r\n", b"\n"))
            self._give(path)

    def mails(self, folder: str = "") -> list[bytes]:
        """What lies in a folder now."""
        place = self.directory / (f".{folder}" if folder else "")
        rooms = [place / "new", place / "cur"]
        return [file.read_bytes() for room in rooms if room.is_dir() for file in room.iterdir()]

    def names(self) -> list[str]:
        """The files of the inbox; behind the comma stand their marks."""
        rooms = [self.directory / "new", self.directory / "cur"]
        return [file.name for room in rooms for file in room.iterdir()]

    def make(self, directory: Path) -> None:
        """A directory that the server may write."""
        directory.mkdir(parents=True)
        for one in (directory, directory.parent):
            self._give(one)

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            shutil.chown(path, self.owner)


@contextmanager
def running() -> Iterator[Dovecot]:
    """A server that is gone afterwards."""
    program = require("dovecot", "dovecot-imapd, dovecot-pop3d")
    base = Path(tempfile.mkdtemp(prefix="newsletter-mail-"))
    owner = "nobody" if os.geteuid() == 0 else getpass.getuser()
    account = pwd.getpwnam(owner)
    certificate = make_certificate(base)
    ports = _free_ports("imap", "imaps", "pop3", "pop3s")
    (base / "dovecot.conf").write_text(_settings(base, account, ports))
    for room in ("run", "state", "mail"):
        (base / room).mkdir()
    if os.geteuid() == 0:
        for path in (base, *base.iterdir()):
            shutil.chown(path, account.pw_uid, account.pw_gid)
    process = subprocess.Popen(
        [program, "-F", "-c", base / "dovecot.conf"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        user=account.pw_uid if os.geteuid() == 0 else None,
        group=account.pw_gid if os.geteuid() == 0 else None,
    )
    try:
        _wait_for(ports["imap"], process, base / "log")
        yield Dovecot(base, certificate.path, ports, owner)
    finally:
        process.terminate()
        process.wait(_SECONDS)
        shutil.rmtree(base, ignore_errors=True)


def _free_ports(*names: str) -> dict[str, int]:
    with ExitStack() as stack:
        probes = {n: stack.enter_context(socket.create_server(("127.0.0.1", 0))) for n in names}
        return {name: probe.getsockname()[1] for name, probe in probes.items()}


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"dovecot did not start: {log.read_text() if log.exists() else ''}")


def _settings(base: Path, account: pwd.struct_passwd, ports: dict[str, int]) -> str:
    listeners = "".join(
        f"""
service {protocol}-login {{
  chroot =
  inet_listener {protocol} {{
    port = {ports[protocol]}
  }}
  inet_listener {protocol}s {{
    port = {ports[protocol + "s"]}
    ssl = yes
  }}
}}
"""
        for protocol in ("imap", "pop3")
    )
    return f"""
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{base}/cert.pem
ssl_key = <{base}/key.pem
disable_plaintext_auth = no
mail_location = maildir:{base}/mail/%u
maildir_stat_dirs = yes
mail_fsync = never
default_internal_user = {account.pw_name}
default_login_user = {account.pw_name}
default_internal_group = {grp.getgrgid(account.pw_gid).gr_name}
first_valid_uid = 1
auth_failure_delay = 0
shutdown_clients = yes
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
{listeners}
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={account.pw_uid} gid={account.pw_gid} home={base}/mail/%u
}}
"""
