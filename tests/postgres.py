"""A real PostgreSQL for the tests: its own cluster in a temporary directory, also as root."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.system import require


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A server of its own in a temporary directory; initdb refuses root, so not as root.

    `within` are words before each command (`ip netns exec NAME`), `address` is where it listens,
    `parent` is where its directory lies, `options` are more settings (`-c name=value`).
    """

    def __init__(
        self,
        *,
        address: str = "127.0.0.1",
        within: Sequence[str] = (),
        parent: Path | None = None,
        options: str = "",
    ) -> None:
        self._initdb = Path(require("initdb", "postgresql"))
        self._within = within
        self.base = Path(tempfile.mkdtemp(prefix="newsletter-pg-", dir=parent))
        self._user: str | None = None
        if os.geteuid() == 0:
            self._user = "postgres" if _has_user("postgres") else "nobody"
            shutil.chown(self.base, self._user)
        self.port = _free_port()
        self.url = f"postgresql+psycopg://test@{address}:{self.port}/postgres"
        self.local_url = f"postgresql+psycopg://test@/postgres?host={self.base}&port={self.port}"
        self._hba = f"host all all {address}/24 trust\n"
        self._options = (
            f"-p {self.port} -k {self.base} -c listen_addresses={address} "
            f"-c shared_buffers=64MB {options}"
        )

    def make(self) -> None:
        """Lay out the cluster; nothing runs yet."""
        data = self.base / "data"
        self._run(self._initdb, "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync")
        with (data / "pg_hba.conf").open("a", encoding="ascii") as rules:
            rules.write(self._hba)

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Run it; returns when it takes connections."""
        self._control("-l", self.base / "log", "-o", self._options, "start", env=environment)

    def stop(self) -> None:
        """At once, as a crash would: what was committed is found again by its log."""
        self._control("-m", "immediate", "stop")

    def restart(self) -> None:
        """Stop at once and start again at the same address."""
        self.stop()
        self.start()

    def remove(self) -> None:
        """Delete its directory."""
        shutil.rmtree(self.base, ignore_errors=True)

    def _control(self, *words: str | Path, env: Mapping[str, str] | None = None) -> None:
        control = self._initdb.parent / "pg_ctl"
        self._run(control, "-D", self.base / "data", "-w", *words, env=env)

    def _run(self, *command: str | Path, env: Mapping[str, str] | None = None) -> None:
        done = subprocess.run(
            [*self._within, *self._as_user(), *command],
            user=None if self._within else self._user,
            cwd="/",
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr.decode(errors='replace')}")

    def _as_user(self) -> list[str]:
        if not self._within or self._user is None:
            return []
        found = pwd.getpwnam(self._user)
        return ["setpriv", f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups"]


@contextmanager
def running_server(
    *,
    address: str = "127.0.0.1",
    within: Sequence[str] = (),
    parent: Path | None = None,
    options: str = "",
) -> Iterator[Server]:
    """A running server that is gone afterwards, whatever became of it meanwhile."""
    server = Server(address=address, within=within, parent=parent, options=options)
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(RuntimeError):
                server.stop()
    finally:
        server.remove()


@contextmanager
def cluster(*, hasty: bool = False) -> Iterator[str]:
    """The URL of a running server that is gone afterwards.

    A hasty one waits for no disk: only a machine that loses its power would tell the difference.
    """
    options = "-c fsync=off -c full_page_writes=off" if hasty else ""
    with running_server(options=options) as server:
        yield server.url


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
