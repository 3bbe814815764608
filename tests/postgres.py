"""A real PostgreSQL for the tests: its own cluster in a temporary directory, also as root."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system import require


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def cluster() -> Iterator[str]:
    """The URL of a running server that is gone afterwards; initdb refuses root, so not as root."""
    initdb = Path(require("initdb", "postgresql"))
    base = Path(tempfile.mkdtemp(prefix="newsletter-pg-"))
    user: str | None = None
    if os.geteuid() == 0:
        user = "postgres" if _has_user("postgres") else "nobody"
        shutil.chown(base, user)
    port = _free_port()
    try:
        _run([initdb, "-D", base / "data", "-U", "test", "-A", "trust", "-E", "UTF8"], user)
        options = f"-p {port} -k {base} -c listen_addresses=127.0.0.1 -c shared_buffers=64MB"
        control: list[str | Path] = [initdb.parent / "pg_ctl", "-D", base / "data", "-w"]
        _run([*control, "-l", base / "log", "-o", options, "start"], user)
        try:
            yield f"postgresql+psycopg://test@127.0.0.1:{port}/postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _run(command: list[str | Path], user: str | None) -> None:
    done = subprocess.run(
        command, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.decode(errors='replace')}")
