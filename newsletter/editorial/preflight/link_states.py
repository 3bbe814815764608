"""What became of a link when it was tried, and what that means for an issue. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from newsletter.core.visiting import Trouble, Visit
from newsletter.editorial.checks import Level, Problem
from newsletter.editorial.preflight.blocked import BlockedSite, known
from newsletter.editorial.preflight.links import Link

Verdict = Literal["alive", "dead", "doubtful", "refused"]
_DEAD = frozenset({404, 410})
_WORDS = {
    401: "it asks for a password",
    402: "it asks for money",
    403: "it lets no programs in, or is closed",
    405: "it lets no programs in",
    406: "it lets no programs in",
    429: "it was asked too often",
    451: "it says that a court or an office closed it",
    503: "it is busy or lets no programs in",
    999: "it lets no programs in",
}
BY_HAND = "an editor opened it"


@dataclass(frozen=True, slots=True)
class Tried:
    """A link as it was found at an instant."""

    url: str
    verdict: Verdict
    status: int | None
    detail: str
    checked_at: datetime


def verdict(found: Visit) -> tuple[Verdict, str]:
    """What a visit says of a link, with words for an editor; "" for one that is alive.

    Dead is only what its own site calls gone (404, 410), or what has no machine at all. Sites
    that keep programs out answer 403, 429 or 503 to what a reader opens well.
    """
    if found.trouble is Trouble.REFUSED:
        return "refused", found.detail
    if found.trouble is Trouble.NO_SUCH_HOST:
        return "dead", found.detail
    if found.status is None:
        return "doubtful", found.detail
    if found.status < 400:
        return "alive", ""
    if found.status in _DEAD:
        return "dead", f"its site says that there is no such page ({found.status})"
    words = "it could not be shown" if found.status >= 500 else "its site would not show it"
    return "doubtful", f"{_WORDS.get(found.status, words)} ({found.status})"


def judge(
    links: Iterable[Link],
    tried: Mapping[str, Tried],
    blocked: Mapping[str, BlockedSite],
    *,
    number: int,
    approved: bool,
    now: datetime,
) -> Iterator[Problem]:
    """The problems of an issue's links as they were last tried.

    A dead link stops an approval. In an issue that is approved it is a warning: it died since,
    and no reader should go without the issue for it.
    """
    untried: dict[str, Link] = {}
    closed: dict[str, list[Link]] = {}
    for link in links:
        found = tried.get(link.url)
        if found is None:
            untried[link.url] = link
        else:
            yield from _of_one(link, found, number, approved, now)
        if site := known(link.url, blocked):
            closed.setdefault(site.host, []).append(link)
    for host, those in closed.items():
        yield _closed(blocked[host], those)
    if untried:
        many = f"{len(untried)} links have" if len(untried) > 1 else "one link has"
        text = f"{many} not been tried yet, so nobody knows whether they open"
        yield Problem("warning", "links", text, f"run 'newsletter check {number}'", "dead links")


def _of_one(
    link: Link, found: Tried, number: int, approved: bool, now: datetime
) -> Iterator[Problem]:
    shown = f"{link.url[:90]}: {found.detail}"
    again = f"open it yourself; if it opens, run 'newsletter check {number} --opens {link.url}'"
    when = f", tried {age(now - found.checked_at)} ago"
    if found.verdict == "dead":
        level: Level = "warning" if approved else "error"
        text = f"dead link {shown}{when}{', since it was approved' if approved else ''}"
        yield _problem(level, link, text, f"{again}; else give another address: {link.mend}")
    elif found.verdict == "refused":
        text = f"link that cannot be tried {shown}{when}"
        yield _problem("warning", link, text, f"give a public address: {link.mend}")
    elif found.verdict == "doubtful":
        yield _problem("warning", link, f"doubtful link {shown}{when}", again)


def _closed(site: BlockedSite, links: list[Link]) -> Problem:
    where = ", ".join(dict.fromkeys(link.place for link in links))
    country = {"MM": "Myanmar"}.get(site.country, site.country)
    text = f"{site.host} is known to be blocked in {country} ({site.source}, {site.seen})"
    remedy = "say what matters in the mail itself, or link to another place that has it as well"
    return Problem("hint", where, text, remedy, "blocked sites", _common(links))


def _common(links: list[Link]) -> str | None:
    languages = {link.language for link in links}
    return languages.pop() if len(languages) == 1 else None


def age(since: timedelta) -> str:
    """`5 minutes`, `3 hours`, `2 days`."""
    seconds = max(0, int(since.total_seconds()))
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def _problem(level: Level, link: Link, text: str, remedy: str) -> Problem:
    return Problem(level, link.place, text, remedy, "dead links", link.language)
