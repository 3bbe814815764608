"""What the editors and readers of the demo do, step by step, through the same doors as anybody.

Each step is one transaction of its own, as it would be in a real week.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.clock import next_week, week_of, zone
from newsletter.core.clock import now as clock_now
from newsletter.core.db import reading, writing
from newsletter.core.errors import NotFound
from newsletter.core.resources import shipped
from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery import press
from newsletter.delivery.ledger import Ledger, ledger
from newsletter.delivery.models import Delivery
from newsletter.editorial import (
    assembling,
    checks,
    editions,
    filling,
    inbox,
    issue_file,
    issues,
    pictures,
    publications,
)
from newsletter.editorial.models import Issue, Publication
from newsletter.editorial.publication_settings import PublicationSettings, Sender
from newsletter.schedule import slots
from subscribers import audience, importing

SLUG = "weekly"
SAMPLES = shipped("config") / "samples"
_SENDER = "editors@weekly.example.org"
_STREETS = {"en": "12 Sample Street, Mae Sot", "my": "၁၂ နမူနာလမ်း၊ မဲဆောက်"}


def readers(services: Services, now: datetime) -> int:
    """The sample publication and its readers; there already: nothing new."""
    data = (SAMPLES / "subscribers.csv").read_bytes()
    with writing(services.engine) as session:
        publication = _publication(session, now)
        importing.import_csv(
            session,
            services.sealer,
            publication_id=publication.id,
            data=data,
            name="subscribers.csv",
            editions=editions.editions_of(publication),
            default_edition="en",
            now=now,
        )
        return sum(audience.editions_wanted(session, publication.id, now).values())


def _publication(session: Session, now: datetime) -> Publication:
    try:
        return publications.get(session, SLUG)
    except NotFound:
        return publications.create(session, _sample_settings(), now=now)


def _sample_settings() -> PublicationSettings:
    default = publications.default()
    return default.model_copy(
        update={
            "slug": SLUG,
            "sender": Sender(address=_SENDER, names=default.names),
            "postal_addresses": _STREETS,
        }
    )


def _sample() -> issue_file.IssueFile:
    path = SAMPLES / "issue.md"
    return issue_file.parse(path.read_text(encoding="utf-8"), path.name)


def collect(services: Services, now: datetime) -> int:
    """The sample resources into the inbox, one of them in no category yet."""
    with writing(services.engine) as session:
        publication = publications.get(session, SLUG)
        day = now.astimezone(zone(publication.slot_zone)).date() - timedelta(days=2)
        for resource in _sample().resources:
            named = resource.category
            inbox.add(
                session,
                publication,
                byline=resource.byline,
                titles=resource.title,
                urls=resource.link,
                category=publications.category(publication, named) if named else None,
                published_on=day,
                now=now,
            )
        return len(inbox.listing(session, publication))


def _free_week(session: Session, publication: Publication, now: datetime) -> str:
    """The first week from now on that has no issue yet: a second demo makes a second issue."""
    here = zone(publication.slot_zone)
    week = next_week(week_of(now.astimezone(here).date()))
    taken = {issue.week for issue in issues.listing(session, publication)}
    while week in taken:
        week = next_week(week)
    return week


def assemble(services: Services, now: datetime) -> tuple[int, int, list[str]]:
    """The draft: its number, how many resources it took, and what is still missing."""
    with writing(services.engine) as session:
        publication = publications.get(session, SLUG)
        week = _free_week(session, publication, now)
        made = assembling.assemble(session, publication, week=week, now=now)
        # It goes out in a moment and not in its week: readers see the day they get it.
        made.issue.date = now.astimezone(zone(publication.slot_zone)).date()
        return made.issue.number, len(made.taken), list(made.missing)


def write(services: Services, number: int, now: datetime) -> None:
    """The editorial in each language, and its picture."""
    sample = _sample()
    with writing(services.engine) as session:
        issue = _issue(session, number)
        filling.write_texts(session, issue, sample, now)
        picture = (SAMPLES / "featured.png").read_bytes()
        stored = pictures.store(session, picture)
        issues.set_image(issue, stored, sample.image_alternatives, now)


def check(services: Services, number: int) -> list[checks.Problem]:
    """What the pre-flight says."""
    with reading(services.engine) as session:
        issue = _issue(session, number)
        return checks.check(issue, issue.publication)


def approve(services: Services, number: int, now: datetime) -> None:
    """Freeze the content."""
    with writing(services.engine) as session:
        issue = _issue(session, number)
        issues.approve(session, issue, checks.check(issue, issue.publication), now=now)
        press.proof(services, session, issue)


def schedule(services: Services, number: int, at: datetime) -> tuple[str, str]:
    """Give the issue an exact time; the wall time and zone it got."""
    with writing(services.engine) as session:
        issue = _issue(session, number)
        slot = slots.schedule(session, issue.publication, issue, at=at, now=clock_now())
        here = at.astimezone(zone(slot.zone))
        return here.strftime("%Y-%m-%d %H:%M:%S"), slot.zone


def standing(session: Session, number: int) -> tuple[str, Ledger]:
    """Where the issue and its ledger stand."""
    issue = _issue(session, number)
    return issue.status, ledger(session, issue.id)


def stopped_by(services: Services, number: int) -> list[str]:
    """Why the issue does not go out, if something keeps it."""
    with reading(services.engine) as session:
        issue = _issue(session, number)
        return [reason for reason in (issue.held_reason, issue.paused_reason) if reason]


def a_leave_link(services: Services, number: int) -> str:
    """The unsubscribe link of one reader of the issue, as it stands in that reader's mail."""
    with reading(services.engine) as session:
        issue = _issue(session, number)
        wanted = select(func.min(Delivery.subscriber_id)).where(
            Delivery.issue_id == issue.id, Delivery.state == "submitted"
        )
        subscriber_id = session.scalar(wanted)
        if subscriber_id is None:
            return "(nobody was mailed)"
        person = audience.public_id_of(session, subscriber_id)
        token = services.signer.sign(Claim(person, issue.publication_id, Purpose.UNSUBSCRIBE))
    return f"{services.settings.public.url}/u/{token}"


def _issue(session: Session, number: int) -> Issue:
    return issues.get(session, publications.get(session, SLUG), number)
