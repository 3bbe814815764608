"""/hooks/{provider}: what providers tell us. Proved, stored, answered; judged later by the worker.

What is not proved costs no database and no page. A database that cannot take it is a 503, upon
which every provider tells it again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.core.log import logger
from newsletter.delivery import events
from newsletter.providers.events import Event
from newsletter.providers.hook import Hook, Refused, Unavailable
from newsletter.providers.webhooks import Hooks
from newsletter.web.forms import body_of
from newsletter.web.gathering import Gathering
from newsletter.web.patience import TROUBLE, Patience

LIMIT = 1_000_000
"""Bytes; a provider's batch is some hundred thousand at most."""
PATIENCE = 8.0
"""Seconds for the database: SparkPost hangs up after ten."""
_AT_ONCE = 16
"""Of the forty threads in which all pages are made: readers who leave are not kept waiting."""
_RETRY_AFTER = "60"
_SILENCE = timedelta(minutes=1)
_log = logger("web.webhooks")


def router(services: Services) -> APIRouter:
    """The routes for providers."""
    made = APIRouter(redirect_slashes=False)
    kept = Gathering(partial(_store, services))
    desk = _Desk(Hooks(services.settings), kept, Patience(PATIENCE))
    made.add_api_route("/hooks/{provider}", desk.show, methods=["GET", "HEAD"])
    made.add_api_route("/hooks/{provider}", desk.hear, methods=["POST"])
    return made


@dataclass(frozen=True, slots=True)
class _Told:
    provider: str
    events: Sequence[Event]


def _store(services: Services, told: Sequence[_Told]) -> None:
    """All of these in one transaction."""
    by_provider: dict[str, list[Event]] = {}
    for one in told:
        by_provider.setdefault(one.provider, []).extend(one.events)
    secret, sealer, at = services.ring.index, services.sealer, now()
    with writing(services.engine) as session:
        for provider, found in sorted(by_provider.items()):
            events.receive(session, secret, sealer, provider, found, at)


@dataclass
class _Grumble:
    """Says in the log what is wrong with a hook, and not again for each of fifty thousand."""

    silent_until: dict[tuple[str, str], datetime] = field(default_factory=dict)
    unsaid: Counter[tuple[str, str]] = field(default_factory=Counter)

    def about(self, what: str, provider: str, reason: str, at: datetime) -> None:
        """At most once a minute of each kind, with how many were not mentioned."""
        key = (what, provider)
        if at < self.silent_until.get(key, at):
            self.unsaid[key] += 1
            return
        self.silent_until[key] = at + _SILENCE
        more = self.unsaid.pop(key, 0)
        _log.warning(what, provider=provider, reason=reason, unmentioned=more)


@dataclass(frozen=True)
class _Desk:
    hooks: Hooks
    kept: Gathering[_Told]
    writes: Patience
    room: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, _AT_ONCE))
    grumble: _Grumble = field(default_factory=_Grumble)

    def show(self, provider: str) -> Response:
        """Providers look whether somebody is there before they begin."""
        return Response(status_code=200 if self._open(provider) else 404)

    async def hear(self, request: Request, provider: str) -> Response:
        """204 when it is stored, or was already; 403 when it is not theirs."""
        body = await body_of(request, LIMIT)
        async with self.room:
            return await run_in_threadpool(self._heard, provider, body, dict(request.headers))

    def _heard(self, provider: str, body: bytes, headers: dict[str, str]) -> Response:
        hook, at = self._open(provider), now()
        if hook is None:
            return Response(status_code=404)
        try:
            told = hook.hear(body, headers, at)
            if told:
                self.writes.within(partial(self.kept.keep, _Told(provider, told)))
        except Refused as err:
            self.grumble.about("hook_refused", provider, str(err), at)
            return Response(status_code=403)
        except Unavailable as err:
            self.grumble.about("hook_not_proved", provider, str(err), at)
        except TROUBLE as err:
            self.grumble.about("hook_not_stored", provider, type(err).__name__, at)
        else:
            return Response(status_code=204)
        return Response(status_code=503, headers={"Retry-After": _RETRY_AFTER})

    def _open(self, provider: str) -> Hook | None:
        hook = self.hooks.get(provider)
        if hook is None:
            return None
        if hook.lacks:
            self.grumble.about("hook_closed", provider, f"{', '.join(hook.lacks)} not set", now())
            return None
        return hook
