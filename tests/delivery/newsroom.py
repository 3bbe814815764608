"""A small publication with an approved bilingual issue and readers, made by the real doors."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.delivery.crew import Crew, Lease, Streak
from newsletter.delivery.flight import Recorder
from newsletter.delivery.launching import Launched, launch
from newsletter.delivery.ledger import Ledger, ledger
from newsletter.delivery.models import Delivery
from newsletter.delivery.press import Press
from newsletter.delivery.traffic import Traffic
from newsletter.editorial import checks, inbox, issues, publications
from newsletter.editorial.models import Issue
from newsletter.providers.base import Envelope, Provider
from newsletter.providers.memory import MemoryProvider
from newsletter.worker import Worker
from subscribers import directory

EDITIONS = ("en", "my", "en+my")


def publish(services: Services, readers: int, *, at: datetime | None = None) -> int:
    """An approved issue and its readers (r1@example.org …, editions in turn); the issue's id."""
    with writing(services.engine) as session:
        issue = _write(session, at or now())
        session.flush()
        enrol(services, session, issue.publication_id, [f"r{n}" for n in range(1, readers + 1)])
        problems = checks.check(issue, issue.publication)
        issues.approve(session, issue, problems, now=at or now())
        return issue.id


def enrol(services: Services, session: Session, publication_id: int, names: Sequence[str]) -> None:
    """Active readers of these local parts at example.org."""
    for place, name in enumerate(names):
        directory.add(
            session,
            services.sealer,
            publication_id=publication_id,
            address=f"{name}@example.org",
            edition=EDITIONS[place % len(EDITIONS)],
            how="editor",
            wording="asked at the front desk",
            now=now(),
        )


def _write(session: Session, at: datetime) -> Issue:
    wanted = publications.default()
    wanted.sender.address = "desk@news.example"
    wanted.postal_addresses = {"en": "12 Lane, Chiang Mai", "my": "၁၂ လမ်းသွယ်၊ ချင်းမိုင်မြို့"}
    publication = publications.create(session, wanted, now=at)
    issue = issues.create(session, publication, day=date(2026, 11, 23), now=at)
    texts = {
        "en": ("A Week of Waiting", "The rains came late this year.\n\nThe road stayed shut."),
        "my": ("စောင့်ဆိုင်းရသော တစ်ပတ်", "ယခုနှစ်တွင် မိုးနောက်ကျသည်။\n\nလမ်းများ ပိတ်ထားဆဲဖြစ်သည်။"),
    }
    for language, (title, body) in texts.items():
        issues.set_editorial(
            session, issue, language, title=title, body=body, authors=["Desk"], now=at
        )
    resource = inbox.add(
        session,
        publication,
        byline="Valley Watch",
        titles={"en": "Three villages without a clinic"},
        urls={"en": "https://valley.example/clinic"},
        category=publications.category(publication, "reports"),
        published_on=date(2026, 11, 20),
        now=at,
    )
    inbox.move(session, resource, issue=issue, category=resource.category, now=at)
    return issue


def start(services: Services, issue_id: int, *, at: datetime | None = None) -> Launched:
    """Launch it now."""
    with writing(services.engine) as session:
        return launch(session, session.get_one(Issue, issue_id), at or now())


def work_off(services: Services, worker: Worker | None = None) -> None:
    """Step until nothing is due."""
    mine = worker or Worker(services)
    try:
        while mine.step():
            pass
    finally:
        if worker is None:
            mine.close()


def counts(services: Services, issue_id: int) -> Ledger:
    """The ledger as it stands."""
    with reading(services.engine) as session:
        return ledger(session, issue_id)


def status(services: Services, issue_id: int) -> tuple[str, str | None]:
    """The issue's status and why it is paused."""
    with reading(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        return issue.status, issue.paused_reason


def rows(services: Services, issue_id: int) -> list[Delivery]:
    """All deliveries in order."""
    with reading(services.engine) as session:
        found = select(Delivery).where(Delivery.issue_id == issue_id).order_by(Delivery.id)
        loaded = list(session.scalars(found))
        session.expunge_all()
        return loaded


def taken(services: Services) -> list[Envelope]:
    """What the memory provider was handed, in order."""
    assert isinstance(services.provider, MemoryProvider)
    return services.provider.messages


def use(services: Services, provider: Provider) -> None:
    """Send by this provider instead of the one of the settings."""
    services.__dict__["provider"] = provider
    services.__dict__["providers"] = {services.settings.delivery.provider: provider}


def crew(services: Services, owner: str = "me", *, patient: bool = True) -> Crew:
    """What a line works from, without a worker."""
    return Crew(
        needs=services,
        press=Press(services),
        traffic=Traffic(services.settings, services.providers),
        owner=owner,
        streak=Streak(20),
        stop=threading.Event(),
        lease=Lease(60),
        recorder=Recorder(services.settings.home, owner, 4),
        patient=patient,
    )


def over_smtp(
    services: Services, port: int, username: str = "", *, patience: float = 60, **delivery: object
) -> Services:
    """The same installation, sending to a plain server on this machine over one line."""
    settings = services.settings
    smtp = {"host": "127.0.0.1", "port": port, "security": "none", "helo": "test.example"}
    smtp |= {"username": username, "password": username}
    short = {"timeout": patience, "final_timeout": patience}
    changed = {
        "smtp": settings.smtp.model_copy(update={**smtp, **short}),
        "delivery": settings.delivery.model_copy(
            update={"provider": "smtp", "connections": 1, **delivery}
        ),
    }
    return replace(services, settings=settings.model_copy(update=changed))
