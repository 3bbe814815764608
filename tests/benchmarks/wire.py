"""The SMTP client alone: against Postfix's load client near by, and per round trip far away.

`python -m tests.benchmarks.wire [near]`: figures to compare within one run, never a test.
"""

from __future__ import annotations

import base64
import os
import random
import resource
import smtplib
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from newsletter.core.addresses import Address
from newsletter.core.errors import ProviderError
from newsletter.core.settings import Smtp
from newsletter.providers.base import Envelope
from newsletter.providers.smtp import SmtpConnection, SmtpProvider
from tests.benchmarks.far_away import far_away
from tests.benchmarks.figures import Figure, at_least, at_most, interleaved, ratio
from tests.benchmarks.sinks import fast_sink, smtp_sink, smtp_source
from tests.smtp_server import Certificate, make_certificate

SIZE = 40_960
MESSAGES = 8_000
CONNECTIONS = 20
FAR_CONNECTIONS = 2
ROUND_TRIPS = (20, 100)
_MILLISECONDS = 2000
"""So long each way of talking is given, in each round."""
_ROUNDS = 3

WAYS: dict[str, tuple[dict[str, bool], float, float]] = {
    "lock-step": ({"pipelining": False}, 0.25, 0.0),
    "PIPELINING": ({}, 1, 0.9),
    "CHUNKING": ({"chunking": True}, 2, 1.8),
}
"""Settings, what could be at best, and what is wanted: messages in a round trip."""


class Count:
    """A watch that counts and takes no failure."""

    def __init__(self) -> None:
        self.taken_so_far = 0

    def leaving(self, envelope: Envelope) -> None:
        pass

    def taken(self, envelope: Envelope, answer: str) -> None:
        self.taken_so_far += 1

    def failed(self, envelope: Envelope, error: ProviderError) -> None:
        raise error


def message() -> bytes:
    """A message as our press makes them: mostly base64, few dots."""
    head = b"From: Desk <desk@news.example>\r\nSubject: Rain\r\n\r\n"
    body = base64.encodebytes(random.Random(1).randbytes(SIZE)).replace(b"\n", b"\r\n")
    return (head + body)[: SIZE - 2] + b"\r\n"


def settings(port: int, **changed: object) -> Smtp:
    """Plain and patient."""
    usual: dict[str, object] = {"host": "localhost", "port": port, "security": "none"}
    usual |= {"allow_plain": False, "username": "", "password": "", "timeout": 60}
    usual |= {"final_timeout": 600, "max_per_connection": 1_000_000, "helo": "bench.example"}
    return Smtp.model_validate({**usual, "pipelining": True, "chunking": False, **changed})


def carried(
    wanted: Smtp, connections: int, each: int, data: bytes, *, ready: bool = True
) -> tuple[float, float]:
    """Seconds of the clock, and of the processor, for so many messages on so many lines.

    `ready` as the press hands them over, else each byte is looked at.
    """
    provider = SmtpProvider(wanted)
    lines = [provider.connect() for _ in range(connections)]
    counts = [Count() for _ in lines]
    threads = [
        threading.Thread(target=line.carry, args=(_letters(each, data, ready), count))
        for line, count in zip(lines, counts, strict=True)
    ]
    clock, processor = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - clock, time.process_time() - processor
    assert [count.taken_so_far for count in counts] == [each] * connections
    _close(lines)
    return taken


def _close(lines: list[SmtpConnection]) -> None:
    for line in lines:
        line.close()


def _letters(number: int, data: bytes, ready: bool) -> Iterator[Envelope]:
    for one in range(number):
        reader = Address(f"reader{one}@example.org")
        yield Envelope(one, "desk@news.example", reader, data, ready=ready)


def near() -> list[Figure]:
    """20 connections on this machine: ours and Postfix's own, in turn."""
    data, theirs = message(), []
    cost: dict[bool, list[float]] = {True: [], False: []}

    def ours(port: int, ready: bool) -> float:
        each = MESSAGES // CONNECTIONS
        clock, processor = carried(settings(port), CONNECTIONS, each, data, ready=ready)
        cost[ready].append(processor / MESSAGES * 1000)
        return MESSAGES / clock

    def postfix(port: int) -> float:
        before = _children()
        rate = smtp_source(port, MESSAGES, SIZE, CONNECTIONS)
        theirs.append((_children() - before) / MESSAGES * 1000)
        return rate

    found = []
    for name, sink in (("smtp-sink", smtp_sink), ("a fast sink", _fast_sink)):
        with sink() as port:
            deeds = {
                "ours": partial(ours, port, ready=True),
                "looked at": partial(ours, port, ready=False),
                "smtp-source": partial(postfix, port),
            }
            rates = interleaved(deeds)
        what = f"SMTP client to {name}, {CONNECTIONS} connections: × smtp-source"
        times = ratio(rates["ours"], rates["smtp-source"])
        wanted = sink is smtp_sink
        found.append(at_least(what, times, 1.2) if wanted else Figure(what, f"{times:.2f} ×"))
        found.append(Figure("… messages a second", f"{statistics.median(rates['ours']):,.0f}"))
    beside = f"(smtp-source: {statistics.median(theirs):.3f})"
    cpu = f"SMTP client, processor for a message of 40 kB {beside}"
    looked = f"{statistics.median(cost[False]):.3f} ms"
    return [
        *found,
        at_most(cpu, statistics.median(cost[True]), 0.05, "ms"),
        Figure("… when every byte is looked at for line ends and dots", looked),
    ]


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _fast_sink() -> Iterator[int]:
    with fast_sink() as sink:
        yield sink.port


def far(certificate: Certificate) -> list[Figure]:
    """Messages in a round trip and connection, by each way of talking; with TLS as well."""
    os.environ["SSL_CERT_FILE"] = str(certificate.path)
    data = message()
    found = []
    with _fast_sink() as sink:
        for round_trip in ROUND_TRIPS:
            for secure in (None, certificate):
                with far_away(sink, round_trip, secure) as port:
                    found += _per_round_trip(port, round_trip, secure is not None, data)
    return found


def _per_round_trip(port: int, round_trip: int, secure: bool, data: bytes) -> list[Figure]:
    """A busy machine makes the way longer: each is measured against the way as it is just then."""
    deeds: dict[str, Callable[[], float]] = {"way": partial(_way, port, secure)}
    for name, (changed, best, _) in WAYS.items():
        chosen = settings(port, security="tls" if secure else "none", **changed)
        each = int(_MILLISECONDS / round_trip * best)
        deeds[name] = partial(_each, chosen, each, data)
    taken = interleaved(deeds, _ROUNDS)
    found = []
    for name, (_, _, wanted) in WAYS.items():
        rate = ratio(taken["way"], taken[name])
        what = f"{round_trip} ms away, {name}{', TLS' if secure else ''}: messages in a round trip"
        shown = at_least(what, rate, wanted, "") if wanted else Figure(what, f"{rate:.2f}")
        found.append(shown)
    return found


def _each(chosen: Smtp, each: int, data: bytes) -> float:
    """Milliseconds for a message on one of the lines."""
    clock, _ = carried(chosen, FAR_CONNECTIONS, each, data)
    return clock * 1000 / each


def _way(port: int, secure: bool) -> float:
    """Milliseconds that a word and its answer take now."""
    kind = smtplib.SMTP_SSL if secure else smtplib.SMTP
    taken = []
    with kind("localhost", port) as line:
        for _ in range(11):
            start = time.perf_counter()
            line.noop()
            taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def measure() -> list[Figure]:
    """All of it; about two minutes."""
    with tempfile.TemporaryDirectory() as name:
        return [*near(), *far(make_certificate(Path(name)))]


def main() -> None:
    """Measure and print."""
    for figure in near() if sys.argv[1:] == ["near"] else measure():
        sys.stdout.write(f"{figure.what}: {figure.found} (wanted {figure.wanted or '–'})\n")


if __name__ == "__main__":
    main()
