"""Whether mail to an address of ours can arrive: its domain's MX, or at least a machine."""

from __future__ import annotations

from newsletter.core.dns import Answer
from newsletter.doctor.findings import Ask, Finding, Record, State, Verdict

PLACEHOLDER = "THE-NAME-OF-THE-SERVER-THAT-TAKES-YOUR-MAIL"
_RULE = "who answers a newsletter must reach somebody; a sender that takes no mail is not believed"
_SOURCE = "RFC 5321 §5.1; RFC 7505; Google 81126"


def judged(domain: str, part: str, ask: Ask) -> Finding:
    """Whether the domain of an address takes mail; `part` says which address it is."""
    subject = f"mail to {domain}"
    answer = ask(domain, "MX")
    if answer.failed:
        return Finding(subject, Verdict.UNKNOWN, answer.why, "look again later", _RULE, _SOURCE)
    if not answer.values:
        return _without(subject, domain, part, ask)
    hosts = [value.partition(" ")[2] for value in answer.values]
    if not any(hosts):
        text = f"the domain of {part} says that it takes no mail (null MX)"
        return _bad(subject, text, "name a mail server in its MX record, or use another address")
    found = {host: _machine(host, ask) for host in hosts if host}
    if any(one.values for one in found.values()):
        named = ", ".join(found)
        return Finding(subject, Verdict.GOOD, f"taken by {named}", rule=_RULE, source=_SOURCE)
    if any(one.failed for one in found.values()):
        why = next(one.why for one in found.values() if one.failed)
        return Finding(subject, Verdict.UNKNOWN, why, "look again later", _RULE, _SOURCE)
    text = f"the MX record of {domain} names {', '.join(found)}, which has no address"
    return _bad(subject, text, "name the right mail server in it")


def _bad(subject: str, text: str, remedy: str) -> Finding:
    return Finding(subject, Verdict.BAD, text, remedy, _RULE, _SOURCE)


def record_for(domain: str, ask: Ask) -> Record:
    """The record of a domain that takes no mail yet; which server it is nobody here knows."""
    there = ask(domain, "MX").values
    state = State.TO_CHANGE if there else State.TO_SET
    return Record(
        domain, "MX", f"10 {PLACEHOLDER}.", "who takes mail for this domain", state, there
    )


def _without(subject: str, domain: str, part: str, ask: Ask) -> Finding:
    machine = _machine(domain, ask)
    if machine.failed:
        return Finding(subject, Verdict.UNKNOWN, machine.why, "look again later", _RULE, _SOURCE)
    if machine.values:
        return Finding(
            subject,
            Verdict.WARNING,
            f"{domain} has no MX record, so mail goes to the machine of that name, if it takes any",
            "name its mail server in an MX record",
            _RULE,
            _SOURCE,
        )
    text = f"nothing takes mail to {domain}, the domain of {part}"
    return _bad(subject, text, "name its mail server in an MX record, or use another address")


def _machine(name: str, ask: Ask) -> Answer:
    """The first answer with an address in it, else one that says why there is none."""
    four, six = ask(name, "A"), ask(name, "AAAA")
    if four.values:
        return four
    return six if six.values or six.failed else four
