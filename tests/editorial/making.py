"""A publication ready to send, and words to fill an issue with."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from newsletter.editorial import inbox, issues, publications
from newsletter.editorial.models import Issue, Publication, Resource

NOW = datetime(2026, 11, 18, 6, 0, tzinfo=UTC)
"""A Wednesday; the slot of 2026-W48 is Monday the 23rd, 09:00 in Yangon."""
WEEK = "2026-W48"


def a_publication(session: Session, slug: str = "weekly") -> Publication:
    """English and Burmese, complete enough to send."""
    wanted = publications.default().model_copy(update={"slug": slug})
    made = publications.create(session, wanted, now=NOW)
    publications.set_value(session, made, "sender.address", "weekly@example.org")
    publications.set_value(session, made, "postal_addresses.en", "1 Sample Street, Chiang Mai")
    return made


def a_resource(
    session: Session,
    publication: Publication,
    title: str,
    *,
    category: str | None = "reports",
    day: date = date(2026, 11, 16),
    byline: str = "Rights Watch Network",
    my: str | None = None,
) -> Resource:
    """A linked resource in the inbox."""
    return inbox.add(
        session,
        publication,
        byline=byline,
        titles={"en": title} | ({"my": my} if my else {}),
        urls={"en": f"https://example.org/{len(title)}"},
        category=publications.category(publication, category) if category else None,
        published_on=day,
        now=NOW,
    )


def write(session: Session, issue: Issue, language: str = "en") -> None:
    """A short editorial with one note."""
    texts = {
        "en": ("Rivers and roads", "People walk **on**.[^1]\n\nNobody waits."),
        "my": ("မြစ်များနှင့် လမ်းများ", "ပြည်သူများ ဆက်လက် လျှောက်လှမ်းနေသည်။[^1]"),
    }
    title, body = texts[language]
    issues.set_editorial(
        session,
        issue,
        language,
        title=title,
        body=body,
        footnotes=[{"mark": "1", "text": "Field notes."}],
        now=NOW,
    )


def an_approved_issue(session: Session, publication: Publication, week: str = WEEK) -> Issue:
    """Both editorials, one resource, approved."""
    issue = issues.create(session, publication, day=date(2026, 11, 23), week=week, now=NOW)
    write(session, issue, "en")
    write(session, issue, "my")
    issue.resources.append(a_resource(session, publication, f"Harvest report {week}"))
    issues.approve(session, issue, [], now=NOW)
    return issue
