"""The domains of a publication, asked of the DNS: all findings on them, and their records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from newsletter.core.dns import Answer, Said
from newsletter.core.errors import ConfigurationError
from newsletter.core.settings import Settings
from newsletter.doctor import (
    alignment,
    discreet,
    dkim,
    dmarc,
    hints,
    receiving,
    sending_address,
    spf,
)
from newsletter.doctor.findings import Ask, Finding, Record, Verdict
from newsletter.doctor.outgoing import Way, ways
from newsletter.doctor.senders import Sender
from newsletter.rendering import dkim_keys


@dataclass
class Looked:
    """What was found on all domains."""

    findings: list[Finding] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)


def not_asked(_name: str, _kind: str) -> Answer:
    """The DNS of somebody who is offline."""
    return Answer(Said.FAILED, why="not asked (--offline)")


def looked_at(
    senders: Sequence[Sender], settings: Settings, ask: Ask, pointer: Callable[[str], Answer]
) -> Looked:
    """Each domain once, however many publications send from it."""
    looked = Looked()
    relays = ways(settings, ask)
    for domain in dict.fromkeys(one.envelope for one in senders):
        _spf(domain, relays, ask, looked)
    for sender in _each_domain(senders):
        _dkim(sender, settings, ask, looked)
        looked.findings += dmarc.judged(sender.domain, ask)
        looked.records.append(dmarc.record_for(sender.domain, _reports_to(sender), ask))
        looked.findings.append(alignment.judged(sender, relays, ask))
    _receiving(senders, ask, looked)
    for way in relays:
        looked.findings += sending_address.judged(way, pointer, ask)
    looked.findings += discreet.judged(senders, ask)
    looked.findings += [hints.judged(one.domain, ask) for one in _each_domain(senders)]
    return looked


def _each_domain(senders: Sequence[Sender]) -> list[Sender]:
    first: dict[str, Sender] = {}
    for one in senders:
        first.setdefault(one.domain, one)
    return list(first.values())


def _reports_to(sender: Sender) -> str:
    """An address that surely is the editors' own, and on the domain itself."""
    return "" if sender.discreet else sender.reply_to or sender.address


def _spf(domain: str, relays: Sequence[Way], ask: Ask, looked: Looked) -> None:
    if relays and not any(way.own_envelope for way in relays):
        names = ", ".join(way.name for way in relays)
        text = f"{names} sends with a return path of its own, so SPF is asked of that one"
        remedy = "a return path of your own can be set up there; DKIM counts in any case"
        looked.findings.append(Finding(f"SPF of {domain}", Verdict.GOOD, text, remedy))
        return
    found = spf.judged(domain, relays, ask)
    looked.findings += found
    looked.records.append(spf.record_for(domain, relays, ask, found))


def _dkim(sender: Sender, settings: Settings, ask: Ask, looked: Looked) -> None:
    for selector, path in sender.keys:
        if any(dkim.place(sender.signing_domain, selector) == one.name for one in looked.records):
            continue
        try:
            wanted = dkim_keys.record(dkim_keys.load(path))
        except ConfigurationError as err:
            subject = f"DKIM of {sender.signing_domain}, selector {selector}"
            looked.findings.append(Finding(subject, Verdict.BAD, str(err)))
            continue
        finding = dkim.judged(sender.signing_domain, selector, wanted, ask)
        looked.findings.append(finding)
        record = dkim.record_for(sender.signing_domain, selector, wanted, ask, finding)
        looked.records.append(record)
    for selector in settings.doctor.dkim_selectors:
        looked.findings.append(dkim.judged(sender.domain, selector, "", ask))
    if not sender.keys and not settings.doctor.dkim_selectors:
        looked.findings.append(_unsigned(sender))


def _unsigned(sender: Sender) -> Finding:
    begin = f"'newsletter dkim new-key {sender.domain} k1' begins it"
    return Finding(
        f"DKIM of {sender.domain}",
        Verdict.UNKNOWN,
        "nothing is signed here, and whether the relay signs cannot be seen from here",
        f"look into a mail that arrived for 'dkim=pass'; if there is none, {begin}. A relay's "
        "selector goes into dkim_selectors under [doctor]",
        "Gmail, Yahoo and Microsoft want DKIM of whoever sends in bulk",
        "RFC 6376; Google 81126",
    )


def _receiving(senders: Sequence[Sender], ask: Ask, looked: Looked) -> None:
    for domain, part in _receivers(senders):
        finding = receiving.judged(domain, part, ask)
        looked.findings.append(finding)
        if finding.verdict is Verdict.BAD:
            looked.records.append(receiving.record_for(domain, ask))


def _receivers(senders: Sequence[Sender]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for sender in senders:
        for part, domain in sender.receiving:
            if domain not in seen:
                seen.add(domain)
                yield domain, part
