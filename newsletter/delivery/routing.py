"""Which provider takes a message. Pure: the rules, the message and who is healthy say it.

Within a route the share of each provider follows its weight, by a hash of the delivery and not by
chance: the same delivery finds the same provider at every try while that is healthy, so that a
provider's idempotency key is met again. (Weighted rendezvous hashing: when one provider is down,
only its deliveries move, to the others by their weights, and they come back afterwards.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from newsletter.core.routing_settings import Route as RouteSection
from newsletter.core.settings import Settings

_WHOLE = float(2**64)


@dataclass(frozen=True, slots=True)
class Route:
    """Who takes what; an empty condition is met by everything."""

    providers: Mapping[str, float]
    fallback: tuple[str, ...] = ()
    publication: str | None = None
    edition: str | None = None
    domains: tuple[str, ...] = ()
    """Receiving domains; `*.example.org` is every one below example.org, and not itself."""
    names: tuple[str, ...] = field(init=False)
    """All providers of the route."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", (*self.providers, *self.fallback))

    def takes(self, publication: str, edition: str, domain: str) -> bool:
        """Whether a message is this route's."""
        return (
            self.publication in (None, publication)
            and self.edition in (None, edition)
            and (not self.domains or any(_meets(domain, one) for one in self.domains))
        )


def _meets(domain: str, wanted: str) -> bool:
    return domain.endswith(wanted[1:]) if wanted.startswith("*.") else domain == wanted


def routes_of(settings: Settings) -> tuple[Route, ...]:
    """The routes in force, the usual provider for everything else as the last of them."""
    return (*map(_route, settings.routes), Route({settings.delivery.provider: 1.0}))


def _route(section: RouteSection) -> Route:
    return Route(
        section.providers,
        section.fallback,
        section.publication,
        section.edition,
        section.domain,
    )


def matching(routes: Sequence[Route], publication: str, edition: str, domain: str) -> Route:
    """The first route that takes such a message; the last takes everything."""
    return next((one for one in routes if one.takes(publication, edition, domain)), routes[-1])


def ranked(route: Route, delivery_id: int) -> tuple[str, ...]:
    """The providers of a route in the order in which this delivery wants them."""
    if len(route.providers) == 1:
        return route.names
    weights = route.providers
    drawn = sorted(weights, key=lambda name: (_draw(delivery_id, name, weights[name]), name))
    return (*drawn, *route.fallback)


def _draw(delivery_id: int, name: str, weight: float) -> float:
    """The smaller the sooner: the waiting time for an event that comes `weight` times as often."""
    digest = blake2b(f"{delivery_id} {name}".encode(), digest_size=8).digest()
    chance = (int.from_bytes(digest) + 0.5) / _WHOLE
    return -math.log(chance) / weight if chance < 1 else 0.0
