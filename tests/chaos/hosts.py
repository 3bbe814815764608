"""Several hosts on one machine: network namespaces with their own addresses, and no way out.

Three workers on three hosts, one database host, one receiver; each worker reaches the database
and the receiver by a cable of its own, so that either can be pulled while the other holds.
One is cut off from the database in mid-send, one is paused past its lease, one is killed, and
the database is restarted: lost 0, doubled 0.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from tests.chaos.calamities import GROUP, Scene, Theatre
from tests.chaos.companions import Nursery, SinkProcess
from tests.chaos.homes import CONNECTIONS, Home, Template, configure
from tests.chaos.machine import require_root, run
from tests.chaos.verdict import equation
from tests.chaos.weather import SLOW
from tests.postgres import Server, running_server

_DATABASE = "10.77.1"
_MAIL = "10.77.2"
_WORKERS = 3


@dataclass(frozen=True)
class Host:
    """A network namespace with a cable to the database's network and one to the receiver's."""

    name: str
    number: int

    @property
    def within(self) -> Sequence[str]:
        """The words before a command that is to run there."""
        return ("ip", "netns", "exec", self.name)

    @property
    def hub(self) -> str:
        """The namespace in the middle."""
        return self.name.rsplit("-", 1)[0] + "-hub"

    def far_end(self, net: str) -> str:
        """The hub's end of a cable."""
        return f"{'d' if net == _DATABASE else 'm'}{self.number}"

    def database_cable(self, state: str) -> None:
        """Pull it (`down`) or plug it in again (`up`)."""
        run("ip", "-netns", self.hub, "link", "set", self.far_end(_DATABASE), state)


@contextmanager
def network() -> Iterator[list[Host]]:
    """The hub, which is database and receiver (10.77.1.1, 10.77.2.1), and three worker hosts."""
    require_root()
    _remove_old()
    prefix = f"chaos{os.getpid()}"
    hosts = [Host(f"{prefix}-w{n}", n) for n in range(1, _WORKERS + 1)]
    names = [f"{prefix}-hub", *(host.name for host in hosts)]
    try:
        for name in names:
            run("ip", "netns", "add", name)
            run("ip", "netns", "exec", name, "ip", "link", "set", "lo", "up")
        for bridge, net in (("database", _DATABASE), ("mail", _MAIL)):
            _bridge(names[0], bridge, f"{net}.1/24")
        for host in hosts:
            for bridge, net in (("database", _DATABASE), ("mail", _MAIL)):
                _plug(names[0], host, bridge, net)
        yield hosts
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _remove_old() -> None:
    """What a run left that was killed itself."""
    listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=False).stdout
    for name in re.findall(r"^chaos[0-9]+-\S+", listed, re.MULTILINE):
        pid = name.removeprefix("chaos").split("-")[0]
        if not Path(f"/proc/{pid}").exists():
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _bridge(hub: str, name: str, address: str) -> None:
    inside = ("ip", "-netns", hub)
    run(*inside, "link", "add", name, "type", "bridge")
    run(*inside, "address", "add", address, "dev", name)
    run(*inside, "link", "set", name, "up")


def _plug(hub: str, host: Host, bridge: str, net: str) -> None:
    far = host.far_end(net)
    pair = ("link", "add", far, "type", "veth", "peer", "name", bridge, "netns", host.name)
    run("ip", "-netns", hub, *pair)
    run("ip", "-netns", hub, "link", "set", far, "master", bridge, "up")
    run("ip", "-netns", host.name, "address", "add", f"{net}.{10 + host.number}/24", "dev", bridge)
    run("ip", "-netns", host.name, "link", "set", bridge, "up")


@dataclass
class Town:
    """Everything of one proof: hosts, server, receiver, and a nursery on each host."""

    hosts: list[Host]
    server: Server
    theatre: Theatre
    nurseries: list[Nursery]

    def homes(self, scene: Scene) -> list[Home]:
        """A home on each host, with the address by which it reaches the database."""
        made = []
        url = make_url(self.server.url).set(database=make_url(scene.home.url).database)
        for host in self.hosts:
            home = scene.home.twin(scene.home.path.with_name(f"{scene.home.path.name}-{host.name}"))
            far = url.render_as_string(hide_password=False)
            configure(home.path, far, f"{_MAIL}.1", scene.sink.port)
            made.append(home)
        return made


@contextmanager
def town(base: Path, readers: int) -> Iterator[Town]:
    """Three hosts and what they share; gone afterwards."""
    with network() as hosts, ExitStack() as stack:
        hub = ("ip", "netns", "exec", hosts[0].hub)
        server = stack.enter_context(running_server(address=f"{_DATABASE}.1", within=hub))
        sink = stack.enter_context(SinkProcess(f"{_MAIL}.1", within=hub))
        nurseries = [stack.enter_context(Nursery(within=host.within)) for host in hosts]
        template = Template(base, readers, server.local_url)
        theatre = Theatre(base, sink, nurseries[0], template, server)
        yield Town(hosts, server, theatre, nurseries)


def a_bad_day(town: Town, back_at: float | None) -> Scene:
    """Cut off, paused, killed, restarted; the first two come `back_at` this share of the send,
    or (None) when the others have finished it."""
    theatre = town.theatre
    with theatre.scene() as scene:
        scene.sink.weather({SLOW: 1.0})
        homes = town.homes(scene)
        cut, paused, killed = (
            nursery.worker(home.path) for nursery, home in zip(town.nurseries, homes, strict=True)
        )
        _at(scene, 0.10)
        town.hosts[0].database_cable("down")
        _at(scene, 0.15, paused, signal.SIGSTOP)
        _at(scene, 0.20, killed, signal.SIGKILL)
        scene.expect("not killed", when=town.nurseries[2].ended(killed) == -signal.SIGKILL)
        fresh = town.nurseries[2].worker(homes[2].path)
        _at(scene, 0.40)
        town.server.restart()
        scene.balanced()
        if back_at is None:
            fresh = _over(town, scene, homes, 2, fresh)
        else:
            _at(scene, back_at)
        os.kill(paused, signal.SIGCONT)
        town.hosts[0].database_cable("up")
        for place, worker in ((0, cut), (1, paused), (2, fresh)):
            if worker:
                _over(town, scene, homes, place, worker)
        scene.finish(scene.fresh(), unknown_at_most=2 * GROUP * CONNECTIONS + CONNECTIONS)
    return scene


def _at(scene: Scene, share: float, pid: int = 0, signal_: signal.Signals = signal.SIGKILL) -> None:
    """Wait until so much of the send was accepted; the signal comes with it."""
    scene.sink.trap(int(scene.readers * share), pid, signal_)
    scene.reached()
    said = equation(scene.home)
    scene.expect(said, when=not said)


def _over(town: Town, scene: Scene, homes: list[Home], place: int, worker: int) -> int:
    """Wait for a worker of this host; one that gave up is started again there. Always 0."""
    for _ in range(5):
        code = town.nurseries[place].ended(worker, 150)
        if code == 0:
            return 0
        scene.restarts += 1
        worker = town.nurseries[place].worker(homes[place].path)
    scene.expect(f"host {place} gave up: {homes[place].says('said.txt')}", when=False)
    return 0
