"""A receiver that never forgets: an SMTP server that is never killed and counts by itself.

What it accepts stands in a file before the answer leaves: one line `kept MESSAGE-ID RECIPIENT`
for each message, `silent` instead of `kept` when it hangs up after that without an answer, and
`gone` when it hangs up without having kept it. One thread, no queue, PIPELINING.

A trap springs at the n-th message: it sends a signal to a process in the middle of a stage.

`python -m tests.chaos.sink [HOST]` prints its port and takes orders as lines of JSON.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.chaos import weather
from tests.chaos.weather import Weather

BEGUN, KEPT, ANSWERED = "begun", "kept", "answered"
"""Stages of a trap: before the body is asked for; kept but not yet answered; answered."""

_GREETING = b"220 sink.example ESMTP\r\n"
_EHLO = b"250-sink.example\r\n250-PIPELINING\r\n250-SIZE 10000000\r\n250 8BITMIME\r\n"
_END = b"\r\n.\r\n"
_HEAD = 16384
"""Bytes of a message that are looked at."""


class _Line:
    """One connection, as far as it was read."""

    __slots__ = ("answers", "body", "data", "recipient", "scanned", "sock", "waits")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.data = bytearray()
        self.answers: list[bytes] = []
        self.body = False
        self.waits = False
        self.recipient = b""
        self.scanned = 0


class Sink:
    """Listens on `host`; `tell` hears of what it was asked to report."""

    def __init__(self, host: str, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server((host, 0), backlog=256)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self.port: int = self._listener.getsockname()[1]
        self._log = os.open(os.devnull, os.O_WRONLY)
        self._weather = Weather({}, "")
        self._traps: list[dict[str, Any]] = []
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self.counts = dict.fromkeys((BEGUN, KEPT, ANSWERED), 0)

    def serve(self, orders: Callable[[], bool]) -> None:
        """Until `orders`, which is called when standard input has something, says False."""
        self._selector.register(sys.stdin, selectors.EVENT_READ, None)
        with self._selector, self._listener:
            while self._turn(orders):
                while self._later and self._later[0][0] <= time.monotonic():
                    heapq.heappop(self._later)[2]()

    def _turn(self, orders: Callable[[], bool]) -> bool:
        going = True
        for key, _ in self._selector.select(self._patience()):
            if key.data is not None:
                key.data()
            else:
                going = orders()
        return going

    def order(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """One order, and the answer to it."""
        match wanted["do"]:
            case "round":
                os.close(self._log)
                self._log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                self._weather = Weather(wanted["chances"], wanted["seed"])
                self._traps.clear()
                self.counts = dict.fromkeys(self.counts, 0)
            case "weather":
                self._weather = Weather(wanted["chances"], wanted["seed"])
            case "trap":
                self._traps.append(wanted)
            case "disarm":
                self._traps.clear()
        return {"done": wanted["do"], **self.counts}

    def _patience(self) -> float | None:
        return max(0.0, self._later[0][0] - time.monotonic()) if self._later else None

    def _after(self, seconds: float, deed: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._later, (time.monotonic() + seconds, self._number, deed))

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            sock, _ = self._listener.accept()
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._weather.at(weather.AT_CONNECT):
                with sock:
                    sock.send(b"421 4.3.2 come back later\r\n")
                return
            line = _Line(sock)
            sock.send(_GREETING)
            self._selector.register(sock, selectors.EVENT_READ, lambda: self._read(line))

    def _read(self, line: _Line) -> None:
        try:
            chunk = line.sock.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._hang_up(line)
            return
        line.data += chunk
        self._work(line)

    def _work(self, line: _Line) -> None:
        """As far as what was read goes; several answers leave as one packet."""
        while not line.waits and line.sock.fileno() >= 0:
            end = line.data.find(_END if line.body else b"\n", max(0, line.scanned - len(_END)))
            if end < 0:
                line.scanned = len(line.data)
                break
            line.scanned = 0
            taken = bytes(line.data[: min(end + 2, _HEAD)])
            del line.data[: end + (len(_END) if line.body else 1)]
            if line.body:
                self._take(line, taken)
            else:
                self._command(line, taken.split(b"\n")[0].strip())
        self._flush(line)

    def _command(self, line: _Line, text: bytes) -> None:
        verb = text[:4].upper()
        match verb:
            case b"EHLO" | b"HELO":
                line.answers.append(_EHLO)
            case b"MAIL":
                self._mail(line)
            case b"RCPT":
                self._rcpt(line, text)
            case b"DATA":
                self._data(line)
            case b"RSET":
                line.recipient = b""
                line.answers.append(b"250 2.0.0 forgotten\r\n")
            case b"NOOP":
                line.answers.append(b"250 2.0.0 fine\r\n")
            case b"QUIT":
                self._hang_up(line, b"221 2.0.0 bye\r\n")
            case _:
                line.answers.append(b"500 5.5.1 what?\r\n")

    def _mail(self, line: _Line) -> None:
        line.recipient = b""
        if self._weather.at(weather.AT_MAIL):
            self._hang_up(line, b"421 4.3.2 enough for now\r\n")
        else:
            line.answers.append(b"250 2.1.0 sender fine\r\n")

    def _rcpt(self, line: _Line, text: bytes) -> None:
        if self._weather.at(weather.AT_RCPT):
            line.answers.append(b"451 4.3.0 try again later\r\n")
            return
        line.recipient = text.partition(b"<")[2].partition(b">")[0]
        line.answers.append(b"250 2.1.5 recipient fine\r\n")

    def _data(self, line: _Line) -> None:
        if not line.recipient:
            line.answers.append(b"554 5.5.1 no recipient\r\n")
            return
        self._reached(BEGUN)
        line.body = True
        line.answers.append(b"354 go on\r\n")

    def _take(self, line: _Line, message: bytes) -> None:
        line.body = False
        struck = self._weather.at(
            weather.AFTER_DOT, weather.KEPT_IN_SILENCE, weather.LOST_IN_SILENCE, weather.SLOW
        )
        if struck == weather.AFTER_DOT:
            line.answers.append(b"451 4.3.0 try again later\r\n")
        elif struck == weather.LOST_IN_SILENCE:
            self._write(b"gone", message, line)
            self._hang_up(line)
        elif struck == weather.KEPT_IN_SILENCE:
            self._write(b"silent", message, line)
            self._reached(KEPT)
            self._hang_up(line)
        else:
            self._write(b"kept", message, line)
            self._reached(KEPT)
            self._answer(line, weather.SLOW_SECONDS if struck else 0.0)

    def _write(self, word: bytes, message: bytes, line: _Line) -> None:
        head = message[: message.find(b"\r\n\r\n") + 2]
        place = (b"\r\n" + head).lower().find(b"\r\nmessage-id:")
        mark = head[place:].split(b"\r\n")[0].partition(b":")[2].strip() if place >= 0 else b"-"
        os.write(self._log, b"%s %s %s\n" % (word, mark, line.recipient))

    def _answer(self, line: _Line, seconds: float) -> None:
        line.answers.append(b"250 2.0.0 kept\r\n")
        if not seconds:
            return
        line.waits = True

        def go_on() -> None:
            line.waits = False
            self._work(line)

        self._after(seconds, go_on)

    def _flush(self, line: _Line) -> None:
        if line.waits or not line.answers or line.sock.fileno() < 0:
            return
        said = b"".join(line.answers)
        line.answers.clear()
        try:
            line.sock.send(said)
        except OSError:
            self._hang_up(line)
        for _ in range(said.count(b"250 2.0.0 kept")):
            self._reached(ANSWERED)

    def _hang_up(self, line: _Line, last: bytes = b"") -> None:
        if line.sock.fileno() < 0:
            return
        self._selector.unregister(line.sock)
        with line.sock, contextlib.suppress(OSError):
            if last or line.answers:
                line.sock.send(b"".join([*line.answers, last]))
            line.answers.clear()

    def _reached(self, stage: str) -> None:
        self.counts[stage] += 1
        if not self._traps:
            return
        for trap in [trap for trap in self._traps if self._springs(trap, stage)]:
            self._traps.remove(trap)
            if trap.get("delay"):
                self._after(trap["delay"], lambda trap=trap: self._spring(trap))  # type: ignore[misc]
            else:
                self._spring(trap)

    def _springs(self, trap: dict[str, Any], stage: str) -> bool:
        return bool(trap["stage"] == stage and self.counts[stage] >= trap["nth"])

    def _spring(self, trap: dict[str, Any]) -> None:
        if trap.get("pid"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(trap["pid"], trap["signal"])
        self._tell({"sprung": trap["stage"], "nth": trap["nth"]})


def main() -> None:
    """Serve until standard input ends."""

    def tell(said: dict[str, Any]) -> None:
        os.write(1, json.dumps(said).encode() + b"\n")

    sink = Sink(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1", tell)
    tell({"port": sink.port})
    rest = bytearray()

    def orders() -> bool:
        read = os.read(0, 65536)
        rest.extend(read)
        while (end := rest.find(b"\n")) >= 0:
            tell(sink.order(json.loads(rest[:end])))
            del rest[: end + 1]
        return bool(read)

    sink.serve(orders)


if __name__ == "__main__":
    main()
