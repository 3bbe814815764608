"""The name that a sending machine bears (PTR), and whether that name leads back to it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from newsletter.core.dns import Answer
from newsletter.doctor.findings import Ask, Finding, Verdict
from newsletter.doctor.outgoing import Way

_RULE = "a sending machine has a name (PTR), and the name has its address"
_SOURCE = "Google 81126; RFC 1912 §2.1"


def judged(way: Way, pointer: Callable[[str], Answer], ask: Ask) -> list[Finding]:
    """One finding for each address that a relay sends from; none for a provider's."""
    if way.include or not way.own_envelope:
        return []
    return [_one(address, way, pointer(address), ask) for address in way.addresses]


def _one(address: str, way: Way, answer: Answer, ask: Ask) -> Finding:
    subject = f"name of {address}"
    if answer.failed:
        return Finding(subject, Verdict.UNKNOWN, answer.why, "look again later", _RULE, _SOURCE)
    wrong = Verdict.WARNING if way.guessed else Verdict.BAD
    guess = f", if {way.name} sends from there" if way.guessed else ""
    who = "whoever leases you the machine sets its PTR record"
    if not answer.values:
        text = f"the address bears no name{guess}"
        return Finding(subject, wrong, text, who, _RULE, _SOURCE)
    kind = "A" if ip_address(address).version == 4 else "AAAA"
    answers = {name: ask(name, kind) for name in answer.values}
    confirmed = [name for name, found in answers.items() if address in found.values]
    if confirmed:
        return Finding(subject, Verdict.GOOD, confirmed[0], rule=_RULE, source=_SOURCE)
    if why := next((found.why for found in answers.values() if found.failed), ""):
        return Finding(subject, Verdict.UNKNOWN, why, "look again later", _RULE, _SOURCE)
    text = f"its name is {answer.values[0]}, and that name has another address or none{guess}"
    remedy = f"give {answer.values[0]} the address {address}, or {who}"
    return Finding(subject, wrong, text, remedy, _RULE, _SOURCE)
