"""Processes that a proof talks to by lines of JSON: the sink, and the nursery of workers.

The nursery is an interpreter that has everything imported, holds no engine and no thread, and
forks a worker in a few milliseconds: a fresh start would take longer than what is to be proved.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

CODE = Path(__file__).resolve().parents[2]
PATIENCE = 90.0
"""Seconds after which something that should have happened never will."""


class _Companion:
    """A process of its own, ended when its standard input closes."""

    def __init__(
        self,
        module: str,
        *words: str,
        within: Sequence[str] = (),
        code: Path = CODE,
        env: Mapping[str, str] | None = None,
    ) -> None:
        command = [*within, sys.executable, "-W", "error", "-m", module, *words]
        self._process = subprocess.Popen(
            command, cwd=code, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        self._aside: list[dict[str, Any]] = []
        self._ear = threading.Thread(target=self._listen, daemon=True)
        self._ear.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._ear.join(10)

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._said.put(json.loads(line))
        self._said.put({"over": True})

    def _ask(self, **wanted: Any) -> dict[str, Any]:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        return self._await("done", wanted["do"])

    def _await(self, key: str, value: object = None, seconds: float = PATIENCE) -> dict[str, Any]:
        """The next thing said that has this key; the rest is kept for later."""
        for place, said in enumerate(self._aside):
            if key in said and value in (None, said[key]):
                return self._aside.pop(place)
        while True:
            try:
                said = self._said.get(timeout=seconds)
            except queue.Empty:
                raise TimeoutError(f"nothing was heard of '{key}' in {seconds:g} s") from None
            if "over" in said:
                raise RuntimeError(f"the process ended before it said '{key}'")
            if key in said and value in (None, said[key]):
                return said
            self._aside.append(said)


class SinkProcess(_Companion):
    """The receiver; it outlives every sender."""

    def __init__(self, host: str = "127.0.0.1", within: Sequence[str] = ()) -> None:
        super().__init__("tests.chaos.sink", host, within=within)
        self.host = host
        self.port: int = self._await("port")["port"]

    def begin(self, log: Path, chances: Mapping[str, float] | None = None, seed: str = "") -> None:
        """From now on write into this file, count from 0 and forget the traps."""
        self._aside.clear()
        self._ask(do="round", log=str(log), chances=chances or {}, seed=seed)

    def weather(self, chances: Mapping[str, float], seed: str = "") -> None:
        """It changes from now on."""
        self._ask(do="weather", chances=chances, seed=seed)

    def trap(
        self,
        nth: int,
        pid: int = 0,
        signal_: signal.Signals = signal.SIGKILL,
        *,
        stage: str = "kept",
        delay: float = 0.0,
    ) -> None:
        """At the n-th message send the signal (to nobody: only tell, see `sprung`)."""
        self._ask(do="trap", nth=nth, pid=pid, signal=int(signal_), stage=stage, delay=delay)

    def disarm(self) -> None:
        """Take away what has not sprung."""
        self._ask(do="disarm")

    def sprung(self, seconds: float = PATIENCE) -> None:
        """Wait until a trap has sprung."""
        self._await("sprung", seconds=seconds)

    def kept(self) -> int:
        """How many messages it holds since `begin`."""
        return int(self._ask(do="count")["kept"])


class Nursery(_Companion):
    """Where workers come from."""

    def __init__(
        self,
        within: Sequence[str] = (),
        code: Path = CODE,
        env: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__("tests.chaos.nursery", within=within, code=code, env=env)
        self._await("ready")
        self._living: set[int] = set()

    def worker(self, home: Path, kind: str = "worker") -> int:
        """Start one on this home; its process id."""
        pid = int(self._ask(do="bear", home=str(home), kind=kind)["pid"])
        self._living.add(pid)
        return pid

    def end_all(self) -> None:
        """Kill whoever still lives."""
        for pid in sorted(self._living):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self.ended(pid)

    def ended(self, pid: int, seconds: float = PATIENCE) -> int:
        """Wait for its end: the exit code, negative for a signal.

        One that outlasts all patience shows on standard error where its threads stand.
        """
        try:
            code = int(self._await("ended", pid, seconds)["code"])
        except TimeoutError:
            if seconds >= PATIENCE:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGQUIT)
            raise
        self._living.discard(pid)
        return code

    def is_over(self, pid: int) -> int | None:
        """Its exit code if it has ended."""
        try:
            return self.ended(pid, 0.0001)
        except TimeoutError:
            return None
