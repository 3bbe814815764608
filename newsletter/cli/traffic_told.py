"""The part of `newsletter status` about providers, paces and quiet hours, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from newsletter.cli.output import counted, listed, minute, say, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from newsletter.core.settings import Settings
    from newsletter.editorial.models import Publication


def traffic_of(
    session: Session, settings: Settings, publications: Sequence[Publication]
) -> dict[str, Any]:
    """How traffic stands now, as plain data."""
    from newsletter.core.clock import now
    from newsletter.delivery.traffic_report import report

    return report(session, settings, publications, now())


def tell_traffic(traffic: dict[str, Any]) -> None:
    """What bounds or holds up the sending; one provider that is well is not worth a word."""
    providers = traffic["providers"]
    if len(providers) > 1 or any(one["pace"] or one["state"] != "in use" for one in providers):
        table(
            ["provider", "kind", "state", "pace", "today"],
            ([_named(one), one["kind"], _state(one), *_paced(one["pace"])] for one in providers),
            title="Providers",
            below=("state", "pace", "today"),
            width=90,
        )
    table(
        ["domain", "pace", "today"],
        ([listed(one["domains"]), *_paced(one["pace"])] for one in traffic["domains"]),
        title="Receiving domains with a pace of their own",
        below=("pace", "today"),
    )
    for one in traffic["quiet"]:
        if one["until"]:
            hours = f"{one['hours']} {one['zone']}"
            say(f"{one['publication']}: quiet hours ({hours}) until {minute(one['until'])}")


def _named(provider: dict[str, Any]) -> str:
    return f"{provider['name']} (usual)" if provider["usual"] else str(provider["name"])


def _state(provider: dict[str, Any]) -> str:
    if provider["state"] == "in use":
        return "in use"
    if provider["state"] == "down":
        return f"down until {minute(provider['until'])}: {provider['reason']}"
    return f"to be tried with one message, down since {minute(provider['since'])}"


def _paced(pace: dict[str, Any] | None) -> tuple[str | None, str | None]:
    """The pace, and what is left of today."""
    if pace is None:
        return None, None
    rate = f"{pace['per_second']:g} a second" if pace["per_second"] else None
    if pace["cap"] is None:
        return rate, counted(pace["today"], "message")
    today = f"{pace['today']:,} of {pace['cap']:,}"
    if pace["warm_up_day"]:
        today += f", day {pace['warm_up_day']} of {pace['warm_up_days']} of its warm-up"
    return rate, today
