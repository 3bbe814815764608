"""All that a domain's SPF asks of the DNS at the worst, counted through its includes."""

from __future__ import annotations

from dataclasses import dataclass, field

from newsletter.doctor import spf_record
from newsletter.doctor.findings import Ask
from newsletter.doctor.spf_record import SpfRecord, Term

_ENOUGH = 60
"""Look-ups after which nobody needs to know how many there are."""


@dataclass
class Survey:
    """What was counted; `parts` are the look-ups of each include by its name."""

    lookups: int = 0
    voids: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    parts: dict[str, int] = field(default_factory=dict)
    includes: set[str] = field(default_factory=set)
    """Every domain that is included, at any depth."""


def surveyed(domain: str, record: SpfRecord, ask: Ask) -> Survey:
    """The count over a record that was read already. A macro counts, but is not followed."""
    found = Survey()
    _walk(domain, record, ask, found, (domain,))
    return found


def _walk(domain: str, record: SpfRecord, ask: Ask, found: Survey, way: tuple[str, ...]) -> None:
    terms = list(record.terms)
    if record.redirect and not record.ending:
        terms.append(Term("+", "redirect", record.redirect))
    for term in terms:
        if term.name not in spf_record.LOOKING_UP or found.lookups > _ENOUGH:
            continue
        found.lookups += 1
        target = (term.target or domain).lower().rstrip(".")
        if "%" in target:
            continue
        if term.name in {"include", "redirect"}:
            before = found.lookups
            _enter(target, ask, found, way)
            if len(way) == 1:
                found.parts[target] = 1 + found.lookups - before
        elif term.name in {"a", "mx", "exists"}:
            _look(target, term.name, ask, found)


def _enter(target: str, ask: Ask, found: Survey, way: tuple[str, ...]) -> None:
    if target in way:
        found.faults.append(f"{target} includes itself")
        return
    found.includes.add(target)
    answer = ask(target, "TXT")
    if answer.failed:
        found.unknown.append(f"{target}: {answer.why}")
        return
    texts = spf_record.records(answer.values)
    if len(texts) != 1:
        number = len(texts) or "no"
        found.faults.append(f"{target}, which it includes, has {number} SPF records")
        return
    record = spf_record.parse(texts[0])
    found.faults += [f"in the record of {target} {fault}" for fault in record.faults]
    _walk(target, record, ask, found, (*way, target))


def _look(target: str, name: str, ask: Ask, found: Survey) -> None:
    kinds = ("MX",) if name == "mx" else ("A", "AAAA") if name == "a" else ("A",)
    answers = [ask(target, kind) for kind in kinds]
    if any(one.failed for one in answers):
        found.unknown.append(f"{target}: {next(one.why for one in answers if one.failed)}")
    elif all(one.void for one in answers):
        found.voids.append(target)
