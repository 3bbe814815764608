"""An approved bilingual issue of a wanted size, and as many readers as one likes, by bulk SQL."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text

from newsletter.app import Services, initialise
from newsletter.core.addresses import Address
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.delivery.press import Press
from newsletter.editorial import checks, issues, publications
from newsletter.editorial.models import Issue
from subscribers.models import Consent, Subscriber, Subscription
from tests import postgres
from tests.conftest import fresh_database

EDITION = "en+my"
_BATCH = 20_000
_PARAGRAPHS = {
    "en": "The rains came late this year, and the road to the valley stayed shut.\n\n",
    "my": "ယခုနှစ်တွင် မိုးနောက်ကျသည်။ တောင်ကြားသို့ သွားသော လမ်းများ ပိတ်ထားဆဲဖြစ်သည်။\n\n",
}
_TITLES = {"en": "A Week of Waiting", "my": "စောင့်ဆိုင်းရသော တစ်ပတ်"}


@contextmanager
def installation(kind: str, **sections: Mapping[str, object]) -> Iterator[Services]:
    """A new one on `sqlite` or `postgresql`, durable as it is delivered, with these settings.

    They are written into its file, so that other processes find them too.
    """
    with ExitStack() as held:
        home = Path(held.enter_context(tempfile.TemporaryDirectory())) / "home"
        wanted = {"public": {"url": "https://news.example.org"}, **sections}
        if kind == "postgresql":
            server = held.enter_context(postgres.cluster())
            wanted["database"] = {"url": held.enter_context(fresh_database(server))}
        home.mkdir(mode=0o700)
        (home / "newsletter.toml").write_text(_toml(wanted), encoding="utf-8")
        services = initialise(home)
        held.callback(services.close)
        yield services


def over_smtp(port: int, connections: int = 20) -> dict[str, Mapping[str, object]]:
    """The sections that send to a plain server on this machine."""
    smtp = {"host": "127.0.0.1", "port": port, "security": "none", "max_per_connection": 1_000_000}
    return {"smtp": smtp, "delivery": {"provider": "smtp", "connections": connections}}


def _toml(sections: Mapping[str, Mapping[str, object]]) -> str:
    lines: list[str] = []
    for name, values in sections.items():
        lines.append(f"[{name}]")
        lines += [
            f"{key} = {value}" if isinstance(value, int) else f'{key} = "{value}"'
            for key, value in values.items()
        ]
    return "\n".join(lines) + "\n"


def approved(services: Services, size: int) -> int:
    """An issue whose bilingual message has about so many bytes, and its publication; its id."""
    with writing(services.engine) as session:
        found = publications.listing(session)
        publication = found[0] if found else publications.create(session, _wanted(), now=now())
        earlier = session.scalar(select(func.count()).select_from(Issue)) or 0
        day = date(2026, 1, 5) + timedelta(weeks=earlier)
        issue = issues.create(session, publication, day=day, now=now())
        _write(session, issue, _enough(services, session, issue, size))
        problems = checks.check(issue, publication)
        issues.approve(session, issue, problems, now=now())
        return issue.id


def _wanted() -> Any:
    wanted = publications.default()
    wanted.sender.address = "desk@news.example"
    wanted.postal_addresses = {"en": "12 Lane, Chiang Mai", "my": "၁၂ လမ်းသွယ်၊ ချင်းမိုင်မြို့"}
    return wanted


def _enough(services: Services, session: Any, issue: Issue, size: int) -> int:
    """How many paragraphs make a message of this size."""
    sizes = []
    for paragraphs in (10, 20):
        _write(session, issue, paragraphs)
        sizes.append(message_size(services, issue))
    return max(1, 10 + round((size - sizes[0]) / (sizes[1] - sizes[0]) * 10))


def message_size(services: Services, issue: Issue) -> int:
    """Bytes of the bilingual message as it stands."""
    sheet = Press(services).print(issue, EDITION)
    address = Address("reader000000@example.org")
    sent = sheet.envelope(delivery_id=1, address=address, public_id=UUID(int=1), date=now())
    return len(sent.data)


def _write(session: Any, issue: Issue, paragraphs: int) -> None:
    for language, title in _TITLES.items():
        body = _PARAGRAPHS[language] * paragraphs
        issues.set_editorial(
            session,
            issue,
            language,
            title=title,
            body=body,
            authors=["Desk"],
            now=now(),
        )
    session.flush()


def enrol(services: Services, number: int, edition: str = EDITION) -> None:
    """So many active readers of the first publication, with really sealed addresses."""
    with reading(services.engine) as session:
        publication_id = publications.listing(session)[0].id
    numbers = iter(range(1, number + 1))
    while batch := list(islice(numbers, _BATCH)):
        rows = _rows(services, batch, publication_id, edition)
        with writing(services.engine) as session:
            for table, values in zip((Subscriber, Subscription, Consent), rows, strict=True):
                session.execute(insert(table), values)
    with services.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _rows(
    services: Services, numbers: list[int], publication_id: int, edition: str
) -> tuple[list[dict[str, Any]], ...]:
    texts = [f"reader{n}@example.org" for n in numbers]
    at = now()
    people, held, proofs = [], [], []
    for n, address, value in zip(numbers, texts, services.sealer.sealed_many(texts), strict=True):
        people.append(
            {
                "id": n,
                "public_id": UUID(int=n),
                "sealed_address": value.value,
                "seal_key_id": value.key_id,
                "address_index": services.sealer.blind_index(address),
                "created_at": at,
            }
        )
        held.append(
            {
                "id": n,
                "subscriber_id": n,
                "publication_id": publication_id,
                "state": "active",
                "edition": edition,
                "created_at": at,
                "text_only": False,
            }
        )
        proofs.append(
            {
                "subscription_id": n,
                "kind": "given",
                "how": "import",
                "wording": "a list of 2024",
                "at": at,
            }
        )
    return people, held, proofs
