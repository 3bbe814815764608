"""One message made for one reader: ours against the standard library's `EmailMessage`.

`python -m tests.benchmarks splice`: processor time, in interleaved rounds, 46 kB.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from uuid import UUID

from newsletter.app import Services
from newsletter.core.addresses import Address
from newsletter.core.db import reading
from newsletter.delivery.press import Press, Sheet
from newsletter.editorial.models import Issue
from newsletter.rendering.content import PREFERENCES_URL, UNSUBSCRIBE_URL, RenderedEdition
from newsletter.rendering.edition import render
from newsletter.rendering.message import Recipient
from tests.benchmarks.figures import Figure, at_least, at_most, interleaved, ratio
from tests.benchmarks.issues_made import EDITION, approved, installation

SIZE = 46_000
MESSAGES = 2_000
_AT = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def measure() -> list[Figure]:
    """From a sealed address to the bytes, the splice alone, and the same by the library."""
    with installation("sqlite", delivery={"provider": "memory"}) as services:
        issue_id = approved(services, SIZE)
        with reading(services.engine) as session:
            issue = session.get_one(Issue, issue_id)
            sheet = Press(services).print(issue, EDITION)
        rendered = render(sheet.letter, services.theme)
        ours, library = partial(_all_in, services, sheet), partial(_by_library, rendered)
        times = interleaved(
            {
                "all in": lambda: _cost(ours, MESSAGES),
                "splice": lambda: _cost(_splice(sheet), MESSAGES),
                "library": lambda: _cost(library, 20),
            }
        )
        size = len(ours(1))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    return [
        at_most(f"one message of {size / 1000:.0f} kB, all in", medians["all in"], 0.06, "ms"),
        at_most("the splice alone", medians["splice"], 0.05, "ms"),
        Figure("the same by EmailMessage", f"{medians['library']:.2f} ms"),
        at_least("splice to EmailMessage", ratio(times["library"], times["splice"]), 100),
    ]


def _cost(deed: Callable[[int], object], number: int) -> float:
    """Milliseconds of the processor for one."""
    start = time.process_time()
    for n in range(1, number + 1):
        deed(n)
    return (time.process_time() - start) / number * 1000


def _all_in(services: Services, sheet: Sheet, number: int) -> bytes:
    """As a line does it: the address opened, links and Message-ID made, everything spliced."""
    address = Address(services.sealer.open(_sealed(services, number % 64)))
    return sheet.envelope(
        delivery_id=number, address=address, public_id=UUID(int=number), date=_AT
    ).data


_SEALED: dict[int, bytes] = {}


def _sealed(services: Services, number: int) -> bytes:
    if number not in _SEALED:
        _SEALED[number] = services.sealer.seal(f"reader{number}@example.org")
    return _SEALED[number]


def _splice(sheet: Sheet) -> Callable[[int], bytes]:
    """The same recipient again and again: what the template alone does."""
    token = f"v1.k1.{'x' * 34}.{'y' * 22}"
    recipient = Recipient(
        address=Address("reader@example.org"),
        message_id=f"{'0' * 32}@news.example",
        unsubscribe_url=f"https://news.example.org/u/{token}",
        preferences_url=f"https://news.example.org/p/{token}",
        leave_mailto=f"mailto:desk@news.example?subject=leave%20{token}",
        date=_AT,
    )
    return lambda _: sheet.template.build(recipient)


def _by_library(rendered: RenderedEdition, number: int) -> bytes:
    links = {UNSUBSCRIBE_URL: "u", PREFERENCES_URL: "p"}
    text, html = rendered.text, rendered.html
    for placeholder, kind in links.items():
        link = f"https://news.example.org/{kind}/v1.k1.{number:034d}.{'x' * 22}"
        text, html = text.replace(placeholder, link), html.replace(placeholder, link)
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = "Desk <desk@news.example>", f"reader{number}@example.org"
    message["Subject"], message["Message-ID"] = rendered.subject, f"<{number}@news.example>"
    message.set_content(text, cte="base64")
    message.add_alternative(html, subtype="html", cte="base64")
    return message.as_bytes()
