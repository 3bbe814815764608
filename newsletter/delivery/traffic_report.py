"""How traffic stands, to be looked at: who is in use, who is down, what is left of each pace."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core.routing_settings import domains_of, kind_of, provider_names
from newsletter.core.settings import Settings
from newsletter.delivery import buckets
from newsletter.delivery.models import Outage
from newsletter.delivery.pacing import Bucket
from newsletter.delivery.quiet import quiet_until
from newsletter.delivery.traffic import domain_key, limits_of, provider_key
from newsletter.editorial.models import Publication


def report(
    session: Session, settings: Settings, publications: Iterable[Publication], now: datetime
) -> dict[str, Any]:
    """Providers, paced domains and quiet hours as plain data; nothing is locked or changed."""
    outages = {row.provider: row for row in session.scalars(select(Outage))}
    limits = limits_of(settings)
    held = buckets.peek(session, limits, now) if limits else {}
    providers = [
        {
            "name": name,
            "kind": kind_of(settings, name),
            "usual": name == settings.delivery.provider,
            **_outage(outages.get(name), now),
            "pace": _pace(held.get(provider_key(name))),
        }
        for name in provider_names(settings)
    ]
    domains = [
        {
            "name": name,
            "domains": list(domains_of(name, entry)),
            "pace": _pace(held[domain_key(name)]),
        }
        for name, entry in settings.pacing.items()
    ]
    return {
        "providers": providers,
        "domains": domains,
        "quiet": [_quiet(one, now) for one in publications if one.quiet_hours],
    }


def _outage(outage: Outage | None, now: datetime) -> dict[str, Any]:
    if outage is None:
        return {"state": "in use", "since": None, "until": None, "reason": None}
    return {
        "state": "down" if outage.until_at > now else "to be tried",
        "since": _shown(outage.since_at),
        "until": _shown(outage.until_at),
        "reason": outage.reason,
    }


def _pace(bucket: Bucket | None) -> dict[str, Any] | None:
    if bucket is None:
        return None
    limit = bucket.limit
    return {
        "per_second": limit.per_second,
        "today": bucket.count,
        "cap": limit.cap(bucket.day),
        "warm_up_day": limit.warm_up_day(bucket.day),
        "warm_up_days": len(limit.warm_up) or None,
        "spent_until": _shown(bucket.next_day()) if bucket.is_spent else None,
    }


def _quiet(publication: Publication, now: datetime) -> dict[str, Any]:
    until = quiet_until(publication.quiet_hours, publication.slot_zone, now)
    return {
        "publication": publication.slug,
        "hours": publication.quiet_hours,
        "zone": publication.slot_zone,
        "until": _shown(until) if until else None,
    }


def _shown(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()
