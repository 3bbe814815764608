"""Sites of the test's own that publish: real HTTP on loopback, changed while the test runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime

from newsletter.app import Services
from tests.http_server import Asked, HttpServer, answer


def reaching_here(services: Services) -> Services:
    """The same installation, whose visits may end on this machine and wait for nothing."""
    settings = services.settings
    hasty = settings.sources.model_copy(update={"pause_seconds": 0, "seconds": 5})
    links = settings.links.model_copy(update={"loopback": True})
    return replace(
        services, settings=settings.model_copy(update={"sources": hasty, "links": links})
    )


@dataclass(frozen=True)
class Item:
    """What a feed tells of one entry."""

    title: str
    path: str
    at: datetime | None
    guid: str = ""


@dataclass
class Site:
    """Answers by path; `feed` is told anew each time."""

    items: list[Item] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked, _nth: int) -> bytes:
        """What stands at a path, the feed under /feed."""
        self.asked.append(asked)
        path = asked.line.split()[1]
        found = self.answers.get(path) or self.answers.get(path.partition("?")[0])
        if found is None and path == "/feed":
            mark = f'"{hash(tuple(self.items))}"'
            if asked.headers.get("if-none-match") == mark:
                return answer(304)
            return answer(200, self.feed, content_type="application/rss+xml", etag=mark)
        return found or answer(404)

    @property
    def feed(self) -> str:
        """RSS of the items as they are now."""
        told = "".join(
            f"<item><title>{one.title}</title><link>{self.url}{one.path}</link>"
            + (f"<pubDate>{format_datetime(one.at)}</pubDate>" if one.at else "")
            + f"<guid isPermaLink='false'>{one.guid or one.path}</guid></item>"
            for one in self.items
        )
        return f"<rss version='2.0'><channel><title>River Watch</title>{told}</channel></rss>"


@contextmanager
def a_site() -> Iterator[Site]:
    """A site that has published nothing yet."""
    site = Site()
    with HttpServer(site.answer) as server:
        site.url = server.url
        yield site
