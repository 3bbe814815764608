"""Who may leave now, and by which provider: routes, pace and outages, shared by all workers.

Without paces nothing is asked of the database but, once a second, which providers are down.

For the sender:
- `admit` comes last in its transaction, after `down` and `up` (these in the order of the names),
  because the buckets it takes from stay locked until the end of it (PostgreSQL). They are locked
  in one order, so two workers never wait for each other.
- A message that may have gone out over one provider is never given to another: whoever tries such
  a one again (by an idempotency key) names the provider in `Candidate.only`.
- `now` is best the database's clock, so that several hosts share one time.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from newsletter.core.routing_settings import domains_of
from newsletter.core.settings import Settings
from newsletter.delivery import buckets
from newsletter.delivery.outages import Down, Outages
from newsletter.delivery.pacing import Bucket, Limit
from newsletter.delivery.routing import Route, matching, ranked, routes_of
from newsletter.providers.base import Provider

_REMEMBERED = 20_000
"""How many pairs of edition and domain keep their route in memory."""

_LOOK_AGAIN = timedelta(minutes=15)


class Candidate(NamedTuple):
    """A message that would leave now; `domain` is the receiving one (ASCII, lower case)."""

    delivery_id: int
    edition: str
    domain: str
    only: str | None = None
    """The one provider that may take it, because it may have taken it already."""


class Go(NamedTuple):
    """It may leave, by this provider; its tokens are taken."""

    provider: str


@dataclass(frozen=True, slots=True)
class Wait:
    """It may not leave before this instant (UTC), in words for editors; nothing was taken."""

    until: datetime
    reason: str


class Traffic:
    """The one door of a worker to routes, paces and outages; used by all its lines at once."""

    def __init__(self, settings: Settings, providers: Mapping[str, Provider]) -> None:
        self._names = frozenset(providers)
        self._routes = routes_of(settings)
        self._limits = limits_of(settings)
        self._domains = paced_domains(settings)
        self._outages = Outages()
        self._remembered: dict[tuple[str, str, str], Route] = {}
        self._lock = threading.Lock()

    def admit(
        self,
        session: Session,
        publication_slug: str,
        candidates: Sequence[Candidate],
        now: datetime,
    ) -> list[Go | Wait]:
        """For each candidate, in their order, whether it may leave now and by whom.

        Tokens are taken for each Go within the caller's transaction. Whose provider has spent its
        day, or is down, goes by the next of its route; Wait when nobody is left.
        """
        wanted = [self._wanted(publication_slug, one) for one in candidates]
        named_ = frozenset(name for names in wanted for name in names)
        down = self._outages.standing(session, named_, now)
        limits = self._limits_for(candidates, named_) if self._limits else {}
        held = buckets.lock(session, limits, self._limits, now) if limits else {}
        turn = _Turn(self._names, self._domains, held, down, now)
        answers = [turn.answer(one, names) for one, names in zip(candidates, wanted, strict=True)]
        if held:
            buckets.store(session, held)
        return answers

    def down(self, session: Session, provider: str, reason: str, now: datetime) -> None:
        """A provider is not to be had: nobody uses it for 1 minute, then 2, 5 and 15.

        `reason` is stored and shown: without addresses and keys. Said again while the pause
        lasts, by a line that had not heard of it, it changes nothing.
        """
        self._outages.begin(session, provider, reason, now)

    def up(self, session: Session, provider: str) -> None:
        """A provider answered, be it with a refusal; ends its outage if that was the probe.

        Costs nothing otherwise, so it may be said as often as one likes. A probe of which neither
        `up` nor `down` is said is made again half a minute later.
        """
        self._outages.end(session, provider)

    def _wanted(self, publication: str, candidate: Candidate) -> tuple[str, ...]:
        if candidate.only is not None:
            return (candidate.only,)
        if len(self._routes) == 1:
            return self._routes[0].names
        key = (publication, candidate.edition, candidate.domain)
        route = self._remembered.get(key)
        if route is None:
            route = matching(self._routes, *key)
            with self._lock:
                if len(self._remembered) >= _REMEMBERED:
                    self._remembered.clear()
                self._remembered[key] = route
        return ranked(route, candidate.delivery_id)

    def _limits_for(
        self, candidates: Sequence[Candidate], names: Iterable[str]
    ) -> dict[str, Limit]:
        keys = {provider_key(name) for name in names}
        keys |= {self._domains[one.domain] for one in candidates if one.domain in self._domains}
        return {key: self._limits[key] for key in keys if key in self._limits}


class _Turn:
    """One call of `admit`: what is left while one message after the other is answered."""

    def __init__(
        self,
        names: frozenset[str],
        domains: Mapping[str, str],
        held: Mapping[str, Bucket],
        down: dict[str, Down],
        now: datetime,
    ) -> None:
        self._names = names
        self._domains = domains
        self._held = held
        self._down = down
        self._now = now
        self._queues: Counter[str] = Counter()

    def answer(self, candidate: Candidate, names: Iterable[str]) -> Go | Wait:
        """Where this message goes, or what it waits for."""
        towards = self._domains.get(candidate.domain, "")
        if (wait := self._spent(towards)) is not None:
            return wait
        waits = []
        for name in names:
            wait = self._absent(name) or self._spent(provider_key(name))
            if wait is None:
                return self._leave(name, towards)
            waits.append(wait)
        return min(waits, key=lambda one: one.until)

    def _leave(self, name: str, towards: str) -> Go | Wait:
        """It goes now if both buckets have a token for it, else when the later one has."""
        keys = [key for key in (towards, provider_key(name)) if key in self._held]
        waits = [self._queued(key) for key in keys if self._held[key].is_empty]
        if waits:
            return max(waits, key=lambda one: one.until)
        for key in keys:
            self._held[key].take()
        if name in self._down:  # it is the probe, and the only one
            self._down[name] = replace(self._down[name], may_probe=False)
        return Go(name)

    def _queued(self, key: str) -> Wait:
        self._queues[key] += 1
        bucket = self._held[key]
        reason = f"{shown(key)} takes {bucket.limit.per_second:g} a second"
        return Wait(bucket.token_at(self._queues[key]), reason)

    def _spent(self, key: str) -> Wait | None:
        bucket = self._held.get(key)
        if bucket is None or not bucket.is_spent:
            return None
        warming = " in its warm-up" if bucket.limit.warm_up_day(bucket.day) else ""
        reason = f"{shown(key)} has had its {bucket.count} messages of today (UTC){warming}"
        return Wait(bucket.next_day(), reason)

    def _absent(self, name: str) -> Wait | None:
        if name not in self._names:
            reason = f"there is no provider '{name}' in the settings any more"
            return Wait(self._now + _LOOK_AGAIN, reason)
        down = self._down.get(name)
        if down is None or down.may_probe:
            return None
        return Wait(down.until, f"{name} is down: {down.reason}")


def provider_key(name: str) -> str:
    """The bucket of a provider."""
    return f"provider:{name}"


def domain_key(name: str) -> str:
    """The bucket of a receiving domain, or of those that share one under this name."""
    return f"domain:{name}"


def shown(key: str) -> str:
    """A bucket as editors know it."""
    return key.partition(":")[2]


def limits_of(settings: Settings) -> dict[str, Limit]:
    """The limits that are set, by the key of their bucket; usually none."""
    found = {}
    for name, entry in settings.providers.items():
        if entry.is_paced:
            found[provider_key(name)] = Limit(
                entry.per_second, entry.per_day, entry.warm_up, entry.warm_up_from
            )
    for name, pacing in settings.pacing.items():
        found[domain_key(name)] = Limit(pacing.per_second, pacing.per_day)
    return found


def paced_domains(settings: Settings) -> dict[str, str]:
    """Receiving domain → the key of its bucket."""
    return {
        domain: domain_key(name)
        for name, entry in settings.pacing.items()
        for domain in domains_of(name, entry)
    }
