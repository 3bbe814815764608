"""Publications: made, found, changed, and what one of them still lacks before it can send."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.core import clock
from newsletter.core.errors import InputError, NotAllowedNow, NotFound
from newsletter.editorial import arrivals, conversions, issues
from newsletter.editorial.models import Category, Issue, Publication, Resource
from newsletter.editorial.ordering import heading
from newsletter.editorial.publication_settings import (
    CategorySettings,
    Discreet,
    PublicationSettings,
    Sender,
    WeeklySlot,
    default,
    differences,
    with_value,
)
from newsletter.editorial.states import Status
from newsletter.editorial.theme_settings import Theme

__all__ = [
    "PublicationSettings",
    "apply",
    "category",
    "create",
    "default",
    "get",
    "heading",
    "lacks",
    "listing",
    "set_value",
    "settings_of",
]

_FROZEN = (Status.APPROVED, Status.SCHEDULED)


def create(session: Session, wanted: PublicationSettings, *, now: datetime) -> Publication:
    """A new publication; InputError when its slug is taken."""
    if _by_slug(session, wanted.slug) is not None:
        raise InputError("slug", f"there is already a publication called '{wanted.slug}'")
    publication = Publication(created_at=now, categories=[])
    wanted, door = _taken_in(session, publication, wanted, now)
    _write(publication, wanted)
    for position, category in enumerate(wanted.categories):
        publication.categories.append(
            Category(key=category.key, names=dict(category.names), position=position)
        )
    session.add(publication)
    session.flush()
    door.close()
    return publication


def _taken_in(
    session: Session, publication: Publication, wanted: PublicationSettings, now: datetime
) -> tuple[PublicationSettings, conversions.Door]:
    """The settings with their texts as they are to be kept, each judged by itself."""
    kept = wanted.model_copy(deep=True)
    each = conversions.Document(publication, [])
    door = conversions.Door(session, publication, document=each, now=now)
    arriving = list(arrivals.of_settings(kept))
    texts = door.take([one for _, one in arriving])
    for (place, one), text in zip(arriving, texts, strict=True):
        place[str(one.language)] = text
    return kept, door


def get(session: Session, slug: str | None) -> Publication:
    """The publication of this slug; None means the only one there is that is not archived.

    Raises NotFound, or InputError when a name is needed, naming those there are.
    """
    known = select(Publication.slug).order_by(Publication.slug)
    slugs = list(session.scalars(known))
    if not slugs:
        raise NotFound("publication", "there is none yet; run 'newsletter init' first")
    meant = list(session.scalars(known.where(Publication.archived_at.is_(None)))) or slugs
    if slug is None and len(meant) > 1:
        raise InputError(
            "publication", f"there are several; say which with --publication: {', '.join(meant)}"
        )
    found = _by_slug(session, slug or meant[0])
    if found is None:
        raise NotFound("publication", f"there is no '{slug}'; there is {', '.join(slugs)}")
    return found


def listing(session: Session) -> list[Publication]:
    """All publications by slug."""
    return list(session.scalars(select(Publication).order_by(Publication.slug)))


def settings_of(publication: Publication) -> PublicationSettings:
    """What the publication is told about itself, ready to be changed and applied again."""
    return PublicationSettings(
        slug=publication.slug,
        names=dict(publication.names),
        languages=list(publication.languages),
        sender=Sender(
            address=publication.sender_address,
            names=dict(publication.sender_names),
            reply_to=publication.reply_to,
            leave_address=publication.leave_address,
        ),
        discreet=Discreet.model_validate(publication.discreet),
        theme=Theme.model_validate(publication.theme),
        subject_prefixes=dict(publication.subject_prefixes),
        about=dict(publication.about),
        postal_addresses=dict(publication.postal_addresses),
        fallback_language=publication.fallback_language,
        quiet_hours=publication.quiet_hours,
        unknown_policy=_policy(publication),
        welcome_mail=publication.welcome_mail,
        goodbye_mail=publication.goodbye_mail,
        hosted_images=publication.hosted_images,
        search_engines=publication.search_engines,
        slot=WeeklySlot(
            weekday=publication.slot_weekday,
            time=publication.slot_time,
            zone=publication.slot_zone,
            stale_minutes=publication.stale_minutes,
        ),
        categories=[
            CategorySettings(key=c.key, names=dict(c.names)) for c in publication.categories
        ],
    )


def _policy(publication: Publication) -> Literal["never", "look"]:
    return "look" if publication.unknown_policy == "look" else "never"


def apply(
    session: Session,
    publication: Publication,
    wanted: PublicationSettings,
    *,
    now: datetime | None = None,
) -> list[str]:
    """Make the publication what is wanted and say each change in a line; nothing changed: empty.

    What readers would see differently takes approved issues back to draft, and that is said too.
    Raises NotAllowedNow for a category in which resources stand and for the slug of a
    publication that readers already have mail from, because its links carry it.
    """
    wanted, door = _taken_in(session, publication, wanted, now or clock.now())
    changes = list(differences(settings_of(publication), wanted))
    if not changes:
        return []
    if wanted.slug != publication.slug:
        _may_be_renamed(session, publication, wanted.slug)
    frozen = frozen_issues(session, publication)
    _change_categories(session, publication, wanted.categories)
    _write(publication, wanted)
    session.flush()
    changes += conversions.told(door.close())
    return [*changes, *reopen(frozen, now)]


def set_value(
    session: Session,
    publication: Publication,
    dotted_key: str,
    value: str,
    *,
    now: datetime | None = None,
) -> list[str]:
    """Change one setting, such as `sender.address`, `names.my`, `slot.time`,
    `languages` (en,my), or `categories.reports.my`, which also makes a new category.

    Returns the changes as `apply`; InputError names the key and what is wrong with it.
    """
    field, _, language = dotted_key.strip().partition(".")
    if field == "names" and language in publication.languages and not value.strip():
        raise InputError(dotted_key, "a newsletter needs a name in each of its languages; give one")
    wanted = with_value(settings_of(publication), dotted_key, value)
    return apply(session, publication, wanted, now=now)


def lacks(publication: Publication) -> list[str]:
    """What is missing before anything can be sent: one sentence each, with its remedy."""
    first = publication.languages[0]
    found = []
    if not publication.sender_address:
        found.append(
            "the publication has no sender address; run "
            "'newsletter publication set sender.address you@example.org'"
        )
    if not any(publication.postal_addresses.values()):
        found.append(
            "the publication has no postal address, which mail to many people must carry; run "
            f"'newsletter publication set postal_addresses.{first} \"…\"'"
        )
    found.extend(
        f"the publication has no name in '{language}'; run "
        f"'newsletter publication set names.{language} \"…\"'"
        for language in publication.languages
        if not publication.names.get(language)
    )
    return found


def category(publication: Publication, name_or_key: str) -> Category:
    """The category of this key or of this name in any language, whatever its case."""
    wanted = name_or_key.strip().casefold()
    for found in publication.categories:
        if wanted in {found.key.casefold(), *(name.casefold() for name in found.names.values())}:
            return found
    there = ", ".join(f"{c.key} ({heading(c, publication.languages[0])})" for c in _of(publication))
    raise NotFound("category", f"there is no '{name_or_key.strip()}'; there is {there or 'none'}")


def _of(publication: Publication) -> list[Category]:
    return sorted(publication.categories, key=lambda c: c.position)


def _by_slug(session: Session, slug: str) -> Publication | None:
    return session.scalar(select(Publication).where(Publication.slug == slug))


def _write(publication: Publication, wanted: PublicationSettings) -> None:
    publication.slug = wanted.slug
    publication.names = dict(wanted.names)
    publication.languages = list(wanted.languages)
    publication.sender_address = wanted.sender.address
    publication.sender_names = dict(wanted.sender.names)
    publication.reply_to = wanted.sender.reply_to
    publication.leave_address = wanted.sender.leave_address
    publication.theme = wanted.theme.chosen()
    publication.discreet = wanted.discreet.model_dump(exclude_defaults=True)
    publication.welcome_mail = wanted.welcome_mail
    publication.goodbye_mail = wanted.goodbye_mail
    publication.hosted_images = wanted.hosted_images
    publication.search_engines = wanted.search_engines
    publication.subject_prefixes = dict(wanted.subject_prefixes)
    publication.about = dict(wanted.about)
    publication.postal_addresses = dict(wanted.postal_addresses)
    publication.fallback_language = wanted.fallback_language
    publication.quiet_hours = wanted.quiet_hours
    publication.unknown_policy = wanted.unknown_policy
    publication.slot_weekday = wanted.slot.weekday
    publication.slot_time = wanted.slot.time
    publication.slot_zone = wanted.slot.zone
    publication.stale_minutes = wanted.slot.stale_minutes


def _may_be_renamed(session: Session, publication: Publication, slug: str) -> None:
    if _by_slug(session, slug) is not None:
        raise InputError("slug", f"there is already a publication called '{slug}'")
    gone_out = select(Issue.number).where(
        Issue.publication_id == publication.id, Issue.launched_at.is_not(None)
    )
    if session.scalar(gone_out.limit(1)) is not None:
        raise NotAllowedNow(
            f"the slug '{publication.slug}' stands in mail that readers already have; it must stay"
        )


def frozen_issues(session: Session, publication: Publication) -> list[Issue]:
    """Those that were approved as they stand now; to be asked before the publication changes."""
    held = (Issue.status == Status.HELD) & Issue.content_hash.is_not(None)
    found = session.scalars(
        select(Issue).where(
            Issue.publication_id == publication.id, Issue.status.in_(_FROZEN) | held
        )
    )
    return [issue for issue in found if issues.content_hash(issue) == issue.content_hash]


def reopen(frozen: list[Issue], now: datetime | None) -> list[str]:
    """Take those that readers would now see differently back to draft, and say so."""
    said = []
    for issue in frozen:
        if issues.content_hash(issue) != issue.content_hash:
            issues.touched(issue, now or issue.changed_at)
            said.append(f"issue {issue.number} is a draft again: look at it and approve it anew")
    return said


def _change_categories(
    session: Session, publication: Publication, wanted: list[CategorySettings]
) -> None:
    there = {c.key: c for c in publication.categories}
    for key in there.keys() - {c.key for c in wanted}:
        _remove_category(session, publication, there[key])
    for position, entry in enumerate(wanted):
        found = there.get(entry.key)
        if found is None:
            found = Category(key=entry.key, names={}, position=position)
            publication.categories.append(found)
        found.names, found.position = dict(entry.names), position
    publication.categories.sort(key=lambda c: c.position)


def _remove_category(session: Session, publication: Publication, category: Category) -> None:
    count = session.scalar(select(func.count()).where(Resource.category_id == category.id))
    if count:
        raise NotAllowedNow(
            f"{count} resources stand in the category '{category.key}'; "
            "move them with 'newsletter resources move' before it goes"
        )
    publication.categories.remove(category)
