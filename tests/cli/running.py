"""A long-running command as a process of its own, and what it says."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cli.command import Command
from tests.system import PATIENCE


class Running:
    """`newsletter COMMAND` while it runs; its standard error is read as it comes."""

    def __init__(self, newsletter: Command, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "newsletter", *args],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=newsletter.whole_environment,
        )
        self.said: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def hears(self, words: str, seconds: float = PATIENCE) -> str:
        """The first line that holds these words, from here on; fails when it does not come."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                break
            self.said.append(line)
            if words in line:
                return line
        raise AssertionError(f"'{words}' was not said, but: {self.said}")

    def stop(self, number: int = signal.SIGTERM, seconds: float = PATIENCE) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.ended(seconds)

    def ended(self, seconds: float = PATIENCE) -> int:
        """Wait for the end; the exit code, with all that was said in `said`."""
        code = self.process.wait(seconds)
        self._reader.join(seconds)
        while not self._lines.empty():
            line = self._lines.get()
            self.said += [line] if line is not None else []
        return code


@contextmanager
def running(newsletter: Command, *args: str) -> Iterator[Running]:
    """One that is gone afterwards, whatever happens."""
    found = Running(newsletter, *args)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.process.kill()
        found.ended()
