"""check_host() of RFC 7208 §4: what a receiver makes of an address that sends as a domain."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network

from newsletter.doctor import spf_record
from newsletter.doctor.findings import Ask
from newsletter.doctor.spf_macros import Question, expanded
from newsletter.doctor.spf_record import SpfRecord, Term

MOST_LOOKUPS = 10
MOST_VOIDS = 2


class Outcome(StrEnum):
    """As RFC 7208 §2.6 names them."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"


_OF = {
    "+": Outcome.PASS,
    "-": Outcome.FAIL,
    "~": Outcome.SOFTFAIL,
    "?": Outcome.NEUTRAL,
}


@dataclass(frozen=True)
class Answered:
    """The outcome, and the piece of a sentence why, when it is an error."""

    outcome: Outcome
    why: str = ""


class _Ended(Exception):
    """An error anywhere ends the whole evaluation."""

    def __init__(self, outcome: Outcome, why: str) -> None:
        self.answered = Answered(outcome, why)
        super().__init__(why)


def evaluated(question: Question, domain: str, ask: Ask) -> Answered:
    """What a receiver would say of this address; never raises."""
    try:
        return Answered(_Evaluation(question, ask).of(domain))
    except _Ended as end:
        return end.answered


class _Evaluation:
    def __init__(self, question: Question, ask: Ask) -> None:
        self._question = question
        self._dns = ask
        self._lookups = 0
        self._voids = 0

    def of(self, domain: str) -> Outcome:
        record = self._record(domain)
        if record is None:
            return Outcome.NONE
        for term in record.terms:
            if self._matches(term, domain):
                return _OF[term.qualifier]
        if record.redirect and not record.ending:
            self._count()
            found = self.of(self._target(record.redirect, domain))
            if found is Outcome.NONE:
                raise _Ended(Outcome.PERMERROR, "its redirect leads to no SPF record")
            return found
        return Outcome.NEUTRAL

    def _record(self, domain: str) -> SpfRecord | None:
        answer = self._dns(domain, "TXT")
        if answer.failed:
            raise _Ended(Outcome.TEMPERROR, f"{domain}: {answer.why}")
        texts = spf_record.records(answer.values)
        if len(texts) > 1:
            raise _Ended(Outcome.PERMERROR, f"{domain} has {len(texts)} SPF records")
        if not texts:
            return None
        record = spf_record.parse(texts[0])
        if record.faults:
            raise _Ended(Outcome.PERMERROR, f"in the record of {domain} {record.faults[0]}")
        return record

    def _matches(self, term: Term, domain: str) -> bool:
        if term.name == "all":
            return True
        if term.network is not None:
            return self._question.address in term.network
        self._count()
        return self._found(term, self._target(term.target, domain))

    def _found(self, term: Term, target: str) -> bool:
        match term.name:
            case "include":
                return self._included(target)
            case "exists":
                return bool(self._ask(target, "A"))
            case "a":
                return self._within(target, term)
            case "mx":
                return any(self._within(host, term, mx=True) for host in self._hosts(target))
        return False  # ptr: advised against (§5.5), and no answer of ours hangs on it

    def _included(self, target: str) -> bool:
        found = self.of(target)
        if found is Outcome.NONE:
            raise _Ended(Outcome.PERMERROR, f"'include:{target}' leads to no SPF record")
        return found is Outcome.PASS

    def _hosts(self, target: str) -> list[str]:
        found = [one.partition(" ")[2] for one in self._ask(target, "MX")]
        if len(found) > MOST_LOOKUPS:
            raise _Ended(Outcome.PERMERROR, f"'mx' of {target} names more than ten machines")
        return [host for host in found if host]

    def _within(self, name: str, term: Term, *, mx: bool = False) -> bool:
        four = self._question.address.version == 4
        found = self._ask(name, "A" if four else "AAAA", counted=not mx)
        length = term.prefix4 if four else term.prefix6
        networks = (ip_network(f"{one}/{length}", strict=False) for one in found if _is_ip(one))
        return any(self._question.address in network for network in networks)

    def _ask(self, name: str, kind: str, *, counted: bool = True) -> tuple[str, ...]:
        answer = self._dns(name, kind)
        if answer.failed:
            raise _Ended(Outcome.TEMPERROR, f"{name}: {answer.why}")
        if answer.void and counted:
            self._voids += 1
            if self._voids > MOST_VOIDS:
                raise _Ended(Outcome.PERMERROR, "more than two names in it lead nowhere")
        return answer.values

    def _target(self, text: str, domain: str) -> str:
        return expanded(text, domain, self._question) if text else domain

    def _count(self) -> None:
        self._lookups += 1
        if self._lookups > MOST_LOOKUPS:
            raise _Ended(Outcome.PERMERROR, "it takes more than ten look-ups")


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
