"""What the database tells of itself: version, keys, restores, publications, lists, sign-ups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from newsletter.core import audit, clock, keychain
from newsletter.core.errors import NewsletterError
from newsletter.core.settings import Settings
from newsletter.doctor.findings import Finding, Verdict
from newsletter.editorial import discreet, edition_codes, publications
from newsletter.editorial.models import Publication
from newsletter.safekeeping.aftermath import remembered
from subscribers import brakes, list_imports

_BY = {"file": "the key file", "environment": "a key that is set", "passphrase": "a passphrase"}
_OLD_BACKUP = timedelta(days=8)


def looked_at(
    session: Session, settings: Settings, chosen: Sequence[Publication], now: datetime
) -> Iterator[Finding]:
    """All that an open database tells; `chosen` are the publications that are asked about."""
    yield from _wrapping(session, settings)
    yield from _restored(session)
    yield from _backup(session, now)
    yield from _publications(chosen)
    yield from _discreet(settings, chosen)
    yield from _zones(chosen, now)
    yield from _imports(session, chosen)
    yield from _brake(session, settings, now)
    yield from _routes(session, settings)


def _wrapping(session: Session, settings: Settings) -> Iterator[Finding]:
    try:
        master, _ = keychain.opened(session, settings)
    except NewsletterError as err:
        yield Finding("key", Verdict.BAD, str(err))
        return
    text = f"wrapped by {_BY[master.by]}, and all of them open"
    yield Finding("data keys", Verdict.GOOD, text)
    given = {"passphrase": settings.keys.passphrase, "environment": settings.keys.key}
    if idle := [name for name, value in given.items() if value and name != master.by]:
        text = f"{_BY[idle[0]]} stands under [keys], and the keys are not wrapped by it"
        remedy = "take it out, or run 'newsletter keys wrap'"
        yield Finding("data keys", Verdict.WARNING, text, remedy)


def _restored(session: Session) -> Iterator[Finding]:
    found = remembered(session)
    if found is None:
        return
    text = f"restored from a backup of {found['backup_of_at'][:16].replace('T', ' ')} UTC"
    remedies = []
    if not found["accepted_at"]:
        text += "; who left since is not known to it, so no issue goes out yet"
        remedies.append("run 'newsletter restored', which says what to do first")
    if found["doubtful"]:
        text += f"; {found['doubtful']} deliveries may have gone out since"
        remedies.append("see 'newsletter status N', then 'newsletter settle N …'")
    if found["confirmations"]:
        text += (
            f"; so may {found['confirmations']} mails of confirmation or greeting, for which "
            "nothing is to be done: whoever got no confirmation signs up again"
        )
    if remedies:
        yield Finding("restore", Verdict.WARNING, text, "; ".join(remedies))
    else:
        yield Finding("restore", Verdict.GOOD, f"{text}; nothing of it is to be settled")


def _backup(session: Session, now: datetime) -> Iterator[Finding]:
    """When 'newsletter backup' was run last; other ways to make one leave no trace here."""
    made = next((one.at for one in audit.entries(session) if one.deed == "backup"), None)
    rule = "a disk that is lost takes along who wants to leave and who was mailed already"
    if made is None:
        text = "'newsletter backup' was never run here"
        remedy = "run it each week, onto another machine, unless you back up in another way"
        yield Finding("backup", Verdict.UNKNOWN, text, remedy, rule)
    elif now - made > _OLD_BACKUP:
        text = f"the last one is of {made:%Y-%m-%d}, {(now - made).days} days ago"
        yield Finding("backup", Verdict.WARNING, text, "run 'newsletter backup'", rule)
    else:
        yield Finding("backup", Verdict.GOOD, f"the last one is of {made:%Y-%m-%d %H:%M} UTC")


def _publications(chosen: Sequence[Publication]) -> Iterator[Finding]:
    if not chosen:
        yield Finding("publication", Verdict.BAD, "there is none", "run 'newsletter init'")
    for one in chosen:
        lacking = publications.lacks(one)
        for sentence in lacking:
            text, _, remedy = sentence.partition("; ")
            yield Finding(f"publication {one.slug}", Verdict.BAD, text, remedy)
        if not lacking:
            yield Finding(f"publication {one.slug}", Verdict.GOOD, "lacks nothing")


def _discreet(settings: Settings, chosen: Sequence[Publication]) -> Iterator[Finding]:
    """What a discreet edition still lacks, once somebody has begun one."""
    for one in chosen:
        if not one.discreet:
            continue
        lacking = discreet.lacking(one, settings.links_url)
        for sentence in lacking:
            text, _, remedy = sentence.partition(": run ")
            yield Finding(f"discreet edition of {one.slug}", Verdict.BAD, text, f"run {remedy}")
        if not lacking:
            text = "its address and its url are on domains of their own"
            yield Finding(f"discreet edition of {one.slug}", Verdict.GOOD, text)


def _zones(chosen: Sequence[Publication], now: datetime) -> Iterator[Finding]:
    for name in sorted({one.slot_zone for one in chosen}):
        try:
            wall = now.astimezone(clock.zone(name))
        except NewsletterError as err:
            remedy = "pip install --upgrade tzdata"
            yield Finding("time zone", Verdict.BAD, str(err), remedy)
        else:
            text = f"in {name} it is {wall:%Y-%m-%d %H:%M}"
            yield Finding("time zone", Verdict.GOOD, text)


def _imports(session: Session, chosen: Sequence[Publication]) -> Iterator[Finding]:
    for owner in chosen:
        for part in list_imports.unfinished(session, owner.id):
            yield Finding(
                "import of readers",
                Verdict.WARNING,
                f"import {part.number} was broken off at {part.changed_at:%Y-%m-%d %H:%M} UTC: "
                f"{part.rows_done:,} of its rows are stored, the rest is not",
                "give the same file again ('newsletter subscribers import'), or be told no more of "
                f"it ('newsletter subscribers imports --forget {part.number}')",
            )


def _brake(session: Session, settings: Settings, now: datetime) -> Iterator[Finding]:
    limit = settings.signup.per_service_hour
    if at := brakes.held_at(session, now, limit):
        yield Finding(
            "sign-ups",
            Verdict.WARNING,
            f"{limit} within an hour at {at:%Y-%m-%d %H:%M} UTC: the form sent no mail to anybody "
            "after that for a while, and told nobody so",
            "if they were readers, raise per_service_hour under [signup]; else wait",
        )


def _routes(session: Session, settings: Settings) -> Iterator[Finding]:
    """Routes that take nothing, because what they name is not there."""
    languages = {one.slug: one.languages for one in publications.listing(session)}
    for number, route in enumerate(settings.routes, 1):
        if route.publication and route.publication not in languages:
            yield _idle_route(number, f"publication '{route.publication}'", languages)
            continue
        among = [languages[route.publication]] if route.publication else [*languages.values()]
        wanted = route.edition
        if wanted and all(edition_codes.remaining(one, wanted) != wanted for one in among):
            there = (edition for one in among for edition in edition_codes.choices(one))
            yield _idle_route(number, f"edition '{wanted}'", dict.fromkeys(there))


def _idle_route(number: int, what: str, there: Iterable[str]) -> Finding:
    return Finding(
        f"route {number}",
        Verdict.WARNING,
        f"there is no {what}, so this route takes no message",
        f"mend it under [[routes]] in newsletter.toml; there are: {', '.join(there)}",
    )
