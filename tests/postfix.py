"""A real Postfix of our own for a test: a queue and a mailbox in a directory, on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system import PATIENCE, require

_SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
error     unix - - n - - error
retry     unix - - n - - error
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""
_SETTINGS = """\
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
maillog_file = {base}/log
maillog_file_prefixes = {base}
myhostname = relay.example
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_recipient_restrictions = check_recipient_access regexp:{base}/gone, permit
virtual_mailbox_domains = example.org
virtual_mailbox_base = {base}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
"""


class Postfix:
    """It takes mail for example.org, but for addresses that begin with `gone`."""

    def __init__(self, base: Path, port: int) -> None:
        self._base = base
        self.port = port

    def delivered(self, begins: str, number: int) -> list[Delivered]:
        """What came for addresses that begin so; waits until there are so many."""
        mailbox = self._base / "mail" / "all" / "new"
        until = time.monotonic() + PATIENCE
        found: list[Delivered] = []
        while len(found) < number and time.monotonic() < until:
            time.sleep(0.05)
            paths = list(mailbox.iterdir()) if mailbox.exists() else []
            read = [_read(path.read_text()) for path in paths]
            found = [one for one in read if one.recipient.startswith(begins)]
        return found


@dataclass(frozen=True)
class Delivered:
    """A message in the mailbox."""

    recipient: str
    body: str


def _read(text: str) -> Delivered:
    head, _, body = text.partition("\n\n")
    named = next(line for line in head.splitlines() if line.startswith("Delivered-To:"))
    return Delivered(named.split()[1], body)


@contextmanager
def postfix() -> Iterator[Postfix]:
    """A running server; Postfix's master starts as root only, so that others go without."""
    program = require("postfix", "postfix")
    if os.geteuid() != 0:
        pytest.skip("a Postfix of its own needs root")
    base = Path(tempfile.mkdtemp(prefix="postfix-"))
    base.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    config = _configure(base, port)
    process = subprocess.Popen(
        [program, "-c", config, "start-fg"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        _wait_for(port, process, base)
        yield Postfix(base, port)
    finally:
        subprocess.run([program, "-c", config, "stop"], capture_output=True, check=False)
        process.communicate(timeout=PATIENCE)
        shutil.rmtree(base)


def _configure(base: Path, port: int) -> Path:
    owner = pwd.getpwnam("postfix")
    for name in ("config", "queue", "data", "mail"):
        (base / name).mkdir()
    for name in ("data", "mail"):
        os.chown(base / name, owner.pw_uid, owner.pw_gid)
    settings = _SETTINGS.format(base=base, uid=owner.pw_uid, gid=owner.pw_gid)
    (base / "config" / "main.cf").write_text(settings)
    (base / "config" / "master.cf").write_text(_SERVICES.format(port=port))
    (base / "gone").write_text("/^gone/ 550 5.1.1 no such mailbox\n")
    return base / "config"


def _wait_for(port: int, process: subprocess.Popen[bytes], base: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    log = base / "log"
    raise AssertionError(f"Postfix did not start: {log.read_text() if log.exists() else '-'}")
