"""What else befalls a sender: told to stop, frozen, out of disk, forbidden to write, its
database restarted, its clock set, its scheduler doubled.

Each proof sends one issue over real SMTP, does its harm when so many messages were accepted,
lets fresh processes finish, and asks the receiver.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, func, select, text

from newsletter.core.db import open_engine, reading
from newsletter.delivery.ledger import ledger
from newsletter.delivery.models import Chunk
from tests.chaos.companions import Nursery, SinkProcess
from tests.chaos.homes import CONNECTIONS, Home, Template, keep
from tests.chaos.machine import SetClock, emptied, fill, read_only, small_disk
from tests.chaos.verdict import Verdict, equation, judge
from tests.postgres import Server, running_server

GROUP = 200
"""Messages whose intent is durable at once: what another host must call unknown."""


@dataclass
class Scene:
    """One proof's stage: a home, a receiver, workers; and what was found wrong so far."""

    home: Home
    sink: SinkProcess
    nursery: Nursery
    log: Path
    readers: int
    server: Server | None = None
    faults: list[str] = field(default_factory=list)
    verdict: Verdict | None = None
    restarts: int = 0

    def begin(self, nth: int, *, home: Home | None = None) -> int:
        """A worker, and word from the receiver when it holds the n-th message."""
        worker = self.nursery.worker((home or self.home).path)
        self.sink.trap(nth)
        return worker

    def reached(self) -> None:
        """Wait for that moment."""
        self.sink.sprung()

    def expect(self, what: str, *, when: bool) -> None:
        """Note a fault unless it is so."""
        if not when:
            self.faults.append(what)

    def finish(self, *workers: int, unknown_at_most: int = 0) -> Verdict:
        """Wait for these; those that gave up are started again; then judge."""
        for worker in workers:
            code = self.nursery.ended(worker)
            while code != 0 and self.restarts < 10:
                self.restarts += 1
                code = self.nursery.ended(self.nursery.worker(self.home.path))
            self.expect(f"a worker ended with {code}: {self.home.says('said.txt')}", when=code == 0)
        self.verdict = judge(self.home, self.log)
        self.faults += self.verdict.faults(unknown_at_most=unknown_at_most)
        return self.verdict

    def fresh(self) -> int:
        """A worker that nobody disturbs."""
        self.sink.disarm()
        return self.nursery.worker(self.home.path)

    def balanced(self) -> None:
        """The equation holds at this very instant."""
        said = equation(self.home)
        self.expect(said, when=not said)

    def held(self) -> int:
        """Chunks and deliveries that are claimed."""
        engine = open_engine(self.home.url)
        with reading(engine) as session:
            chunks = select(func.count()).select_from(Chunk).where(Chunk.state == "claimed")
            found = ledger(session, self.home.issue_id)
            count = (session.scalar(chunks) or 0) + found.claimed + found.submitting
        engine.dispose()
        return count


class Theatre:
    """Makes scenes: one sink and one nursery for all, a template for each database."""

    def __init__(
        self,
        base: Path,
        sink: SinkProcess,
        nursery: Nursery,
        template: Template,
        server: Server | None = None,
    ) -> None:
        self.base = base
        self.sink = sink
        self.nursery = nursery
        self.template = template
        self.server = server
        self._number = 0

    @property
    def readers(self) -> int:
        """How many each issue has."""
        return self.template.readers

    @contextmanager
    def scene(self, *, nursery: Nursery | None = None, **delivery: object) -> Iterator[Scene]:
        """A fresh home and an empty receiver."""
        self._number += 1
        log = self.base / f"received-{self.template.kind}-{self._number}.txt"
        self.sink.begin(log)
        host, port = self.sink.host, self.sink.port
        with self.template.home(host, port, **delivery) as home:
            mine = nursery or self.nursery
            scene = Scene(home, self.sink, mine, log, self.readers, self.server)
            try:
                yield scene
            except BaseException:
                keep(home)
                mine.end_all()
                raise
            if scene.faults:
                keep(home)


def told_to_stop(theatre: Theatre, nth: int | None = None) -> Scene:
    """SIGTERM in mid-send: exit 0, nothing in doubt, nothing claimed, the rest goes later."""
    with theatre.scene() as scene:
        worker = scene.nursery.worker(scene.home.path)
        scene.sink.trap(nth or theatre.readers // 3, worker, signal.SIGTERM)
        code = scene.nursery.ended(worker)
        scene.expect(f"exit {code} after SIGTERM", when=code == 0)
        scene.expect(f"{scene.held()} still claimed", when=scene.held() == 0)
        so_far = judge(scene.home, scene.log)
        scene.expect("nothing was left to be sent", when=so_far.open > 0)
        scene.expect(f"{so_far.unknown} in doubt after SIGTERM", when=so_far.unknown == 0)
        scene.balanced()
        scene.finish(scene.fresh())
    return scene


def frozen(theatre: Theatre, connections: int = CONNECTIONS) -> Scene:
    """SIGSTOP past the lease, another host takes over and finishes, then SIGCONT."""
    with theatre.scene(connections=connections) as scene:
        other = scene.home.twin(scene.home.path.with_name(f"{scene.home.path.name}-other"))
        worker = scene.nursery.worker(scene.home.path)
        scene.sink.trap(theatre.readers // 4, worker, signal.SIGSTOP)
        scene.reached()
        second = scene.nursery.worker(other.path)
        code = scene.nursery.ended(second)
        scene.expect(f"the one that took over ended with {code}", when=code == 0)
        meanwhile = judge(scene.home, scene.log)
        scene.faults += meanwhile.faults(unknown_at_most=GROUP * CONNECTIONS)
        os.kill(worker, signal.SIGCONT)
        scene.finish(worker, unknown_at_most=GROUP * CONNECTIONS)
        assert scene.verdict
        scene.expect(
            f"a late answer settled nothing: {meanwhile.unknown} unknown before and after",
            when=scene.verdict.unknown < meanwhile.unknown,
        )
        scene.expect(
            f"{scene.verdict.unknown_kept} that arrived stayed in doubt though answered",
            when=scene.verdict.unknown_kept == 0,
        )
    return scene


def frozen_alone(theatre: Theatre) -> Scene:
    """On SQLite a second worker is refused while the first one only sleeps."""
    with theatre.scene() as scene:
        worker = scene.nursery.worker(scene.home.path)
        scene.sink.trap(theatre.readers // 4, worker, signal.SIGSTOP)
        scene.reached()
        code = scene.nursery.ended(scene.nursery.worker(scene.home.path))
        scene.expect(f"the second worker ended with {code}, not refused", when=code == 1)
        os.kill(worker, signal.SIGCONT)
        scene.finish(worker)
    return scene


def server_restarted(theatre: Theatre) -> Scene:
    """PostgreSQL stopped at once and started again, twice in one send."""
    assert theatre.server
    with theatre.scene() as scene:
        worker = scene.begin(theatre.readers // 4)
        scene.reached()
        theatre.server.restart()
        scene.balanced()
        scene.sink.trap(2 * theatre.readers // 3)
        with suppress(RuntimeError, TimeoutError):
            scene.sink.sprung(20)
            theatre.server.restart()
        scene.finish(worker, unknown_at_most=2 * CONNECTIONS)
    return scene


def disk_full(theatre: Theatre) -> Scene:
    """The disk under the home fills up in mid-send; then there is room again."""
    with theatre.scene() as scene, small_disk(theatre.base / "disk", 60) as disk:
        path = disk / "home"
        moved = scene.home.twin(path)
        if theatre.server is None:
            moved = Home(path, f"sqlite:///{path / 'newsletter.db'}", moved.issue_id, moved.names)
        scene.home = moved
        _starved(scene, disk)
    return scene


def _starved(scene: Scene, disk: Path) -> None:
    worker = scene.begin(scene.readers // 4)
    scene.reached()
    ballast = fill(disk)
    scene.sink.trap(scene.sink.kept() + GROUP // 2)
    with suppress(TimeoutError):
        scene.nursery.ended(worker, 8)
        worker = 0
    ballast.unlink()
    scene.balanced()
    scene.finish(worker or scene.fresh(), unknown_at_most=2 * CONNECTIONS)


def server_disk_full(theatre: Theatre) -> Scene:
    """The disk of the PostgreSQL server fills up in mid-send, and it stops."""
    base = theatre.base
    with small_disk(base / "server-disk", 250) as disk, running_server(parent=disk) as server:
        starved = emptied(base / "starved")
        template = Template(starved, theatre.readers, server.url)
        inner = Theatre(starved, theatre.sink, theatre.nursery, template, server)
        with inner.scene() as scene:
            worker = scene.begin(scene.readers // 4)
            scene.reached()
            ballast = fill(disk)
            with suppress(TimeoutError):
                scene.nursery.ended(worker, 8)
                worker = 0
            ballast.unlink()
            with suppress(RuntimeError):
                server.restart()
            scene.balanced()
            scene.finish(worker or scene.fresh(), unknown_at_most=2 * CONNECTIONS)
    return scene


def may_not_write(theatre: Theatre) -> Scene:
    """A database on a disk that is mounted read-only: nothing is sent, and it is said."""
    with theatre.scene() as scene:
        with read_only(scene.home.path):
            code = scene.nursery.ended(scene.nursery.worker(scene.home.path))
            scene.expect("a worker ended well though it may not write", when=code != 0)
            scene.expect("something was sent without a record", when=scene.sink.kept() == 0)
        scene.finish(scene.fresh())
    return scene


def server_read_only(theatre: Theatre) -> Scene:
    """PostgreSQL refuses every write in mid-send, then takes them again."""
    with theatre.scene() as scene:
        worker = scene.begin(scene.readers // 4)
        scene.reached()
        _server_writes(theatre, "on")
        with suppress(TimeoutError):
            scene.nursery.ended(worker, 5)
            worker = 0
        _server_writes(theatre, "off")
        scene.finish(worker or scene.fresh(), unknown_at_most=2 * CONNECTIONS)
    return scene


def _server_writes(theatre: Theatre, read_only_is: str) -> None:
    assert theatre.server
    engine = create_engine(theatre.server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("SET default_transaction_read_only = off"))
        command = f"ALTER SYSTEM SET default_transaction_read_only = {read_only_is}"
        connection.execute(text(command))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


def clock_set(theatre: Theatre, hours: int) -> Scene:
    """The clocks jump in mid-send, of workers and server; a worker is killed after that."""
    jump = signal.SIGUSR1 if hours < 0 else signal.SIGUSR2
    clock = SetClock(emptied(theatre.base / "clock")) if theatre.server else None
    with _same_clock(theatre, clock), theatre.scene() as scene:
        worker = scene.nursery.worker(scene.home.path, "worker with a clock")
        scene.sink.trap(scene.readers // 4, worker, jump)
        scene.reached()
        second = 0
        if clock:
            clock.set(f"{hours:+d}h")
            other = scene.home.path.with_name(f"{scene.home.path.name}-other")
            second = scene.nursery.worker(scene.home.twin(other).path)
        scene.sink.trap(scene.readers // 2, worker)
        code = scene.nursery.ended(worker)
        scene.balanced()
        struck = int(code == -signal.SIGKILL)
        workers = [scene.fresh(), *([second] if second else [])]
        others = GROUP * CONNECTIONS if second else 0
        scene.finish(*workers, unknown_at_most=CONNECTIONS * struck + others)
    return scene


@contextmanager
def _same_clock(theatre: Theatre, clock: SetClock | None) -> Iterator[None]:
    if theatre.server is None or clock is None:
        yield
        return
    theatre.server.stop()
    theatre.server.start(clock.environment)
    try:
        yield
    finally:
        clock.set("+0")
        theatre.server.restart()


ON_A_FILE: Mapping[str, Callable[[Theatre], Scene]] = {
    "SIGTERM": told_to_stop,
    "SIGSTOP, and a second worker": frozen_alone,
    "disk full": disk_full,
    "read-only disk": may_not_write,
    "clock set back an hour": lambda theatre: clock_set(theatre, -1),
    "clock set on an hour": lambda theatre: clock_set(theatre, 1),
}
ON_A_SERVER: Mapping[str, Callable[[Theatre], Scene]] = {
    "SIGTERM": told_to_stop,
    "SIGSTOP past the lease": frozen,
    "PostgreSQL restarted": server_restarted,
    "PostgreSQL's disk full": server_disk_full,
    "disk of the home full": disk_full,
    "read-only database": server_read_only,
    "clock set back an hour": lambda theatre: clock_set(theatre, -1),
    "clock set on an hour": lambda theatre: clock_set(theatre, 1),
}
