"""What the sign-up page says of each publication, read again every half minute.

The page is the one that a crowd opens at once: it must not ask the database each time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from newsletter.app import Services
from newsletter.core.db import reading
from newsletter.core.errors import NotFound
from newsletter.editorial import publications
from newsletter.editorial.models import Publication
from newsletter.web.public.readers import Masthead, masthead

_KEPT = 30.0
_AGAIN = 1.0
"""Seconds before a name that is not there is looked for anew, so that guessing costs nothing."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A publication as a stranger may know it."""

    masthead: Masthead
    about: Mapping[str, str]
    contact: str
    """Where people write to; empty when there is no address yet."""
    is_open: bool
    """Whether somebody can sign up: a confirmation can be sent and its link be opened."""


def notice(services: Services, publication: Publication) -> Notice:
    """What is said of a publication now."""
    contact = publication.reply_to or publication.sender_address
    reachable = bool(services.settings.public.url and publication.sender_address)
    return Notice(
        masthead(publication, services),
        dict(publication.about),
        contact,
        is_open=reachable and publication.archived_at is None,
    )


class Noticeboard:
    """All publications as they stood less than a minute ago. For one loop."""

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._clock = clock
        self._lock = asyncio.Lock()
        self._notices: dict[str, Notice] = {}
        self._read_at = float("-inf")
        self.edition = 0
        """Counts the readings: what was made from an earlier one is out of date."""

    async def notice(self, slug: str) -> Notice:
        """The notice of a publication; NotFound when there is none of this name."""
        if self._is_old(slug):
            async with self._lock:
                if self._is_old(slug):
                    self._notices = await run_in_threadpool(self._read)
                    self._read_at = self._clock()
                    self.edition += 1
        if slug not in self._notices:
            raise NotFound("publication", "there is none of this name")
        return self._notices[slug]

    def _is_old(self, slug: str) -> bool:
        age = self._clock() - self._read_at
        return age > (_KEPT if slug in self._notices else _AGAIN)

    def _read(self) -> dict[str, Notice]:
        with reading(self._services.engine) as session:
            found = publications.listing(session)
            return {publication.slug: notice(self._services, publication) for publication in found}
