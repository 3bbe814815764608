"""Messages made and signed a second in one process, by one thread and by two.

`python -m tests.benchmarks dkim_speed`: RSA-2048 and Ed25519, 46 kB.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from statistics import median
from uuid import UUID

from newsletter.core.addresses import Address
from newsletter.core.db import reading
from newsletter.delivery.press import Press, Sheet
from newsletter.editorial.models import Issue
from newsletter.rendering import dkim_keys
from tests.benchmarks.figures import Figure, at_least, interleaved
from tests.benchmarks.issues_made import EDITION, approved, installation

SIZE = 46_000
MESSAGES = 1_500
_AT = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
_READER = Address("reader@example.org")


def measure() -> list[Figure]:
    """Each kind of key: by the clock with one thread and with two, and what a message costs."""
    found: list[Figure] = []
    with ExitStack() as held:
        sheets = {kind: _sheet(held, kind) for kind in ("rsa", "ed25519")}
        for kind, sheet in sheets.items():
            deeds = {f"{n}": partial(_rate, sheet, n) for n in (1, 2)}
            rates = {n: median(taken) for n, taken in interleaved(deeds).items()}
            for n, rate in rates.items():
                found.append(Figure(f"made and signed by {kind}, {n} threads", f"{rate:,.0f}/s"))
            cost = median(_cost(sheet) for _ in range(5))
            found.append(Figure(f"made and signed by {kind}, processor", f"{cost:.3f} ms/message"))
            if kind == "rsa":
                found.append(at_least("RSA-2048, one process", max(rates.values()), 2500, "/s"))
    return found


def _sheet(held: ExitStack, kind: str) -> Sheet:
    dkim = {"domain": "news.example", "selector": kind, "key_path": f"{kind}.pem"}
    made = installation("sqlite", delivery={"provider": "memory"}, dkim=dkim)
    services = held.enter_context(made)
    pem = dkim_keys.pem(dkim_keys.generate(kind))
    (services.settings.home / f"{kind}.pem").write_bytes(pem)
    issue_id = approved(services, SIZE)
    with reading(services.engine) as session:
        return Press(services).print(session.get_one(Issue, issue_id), EDITION)


def _rate(sheet: Sheet, threads: int) -> float:
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(_some, sheet, MESSAGES // threads) for _ in range(threads)]:
            done.result()
    return MESSAGES / (time.perf_counter() - start)


def _cost(sheet: Sheet) -> float:
    start = time.process_time()
    _some(sheet, MESSAGES)
    return (time.process_time() - start) / MESSAGES * 1000


def _some(sheet: Sheet, number: int) -> None:
    for n in range(1, number + 1):
        sheet.envelope(delivery_id=n, address=_READER, public_id=UUID(int=n), date=_AT)
