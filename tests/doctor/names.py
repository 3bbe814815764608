"""A zone in the hand, for judgements: the same words as the real server's, without a socket."""

from __future__ import annotations

from newsletter.core.dns import Answer, Said
from newsletter.doctor.findings import Ask, Finding, Verdict
from tests.dns_server import SERVFAIL, Zone


def asking(zone: Zone) -> Ask:
    """What the DNS would say of it."""
    known = {(name.lower(), kind) for name, kind in zone}

    def ask(name: str, kind: str) -> Answer:
        name = name.lower().rstrip(".")
        values = zone.get((name, kind), ())
        if values == SERVFAIL:
            return Answer(Said.FAILED, why="the name servers could not say (SERVFAIL)")
        if values:
            return Answer(Said.FOUND, tuple(sorted(values)))
        exists = any(f".{one}".endswith(f".{name}") for one, _ in known)
        return Answer(Said.EMPTY if exists else Said.NO_NAME)

    return ask


def of(findings: list[Finding], verdict: Verdict) -> list[str]:
    """What was found with this verdict."""
    return [one.found for one in findings if one.verdict is verdict]
