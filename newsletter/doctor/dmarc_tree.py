"""The DNS Tree Walk of RFC 9989 §4.10, which takes the place of the Public Suffix List.

From a name upwards each parent is asked for a DMARC record, eight questions at the most. The
record of the fewest labels names the organisational domain, unless one says by `psd=` where the
boundary is. Two domains are aligned, relaxed, when they have the same organisational domain.
"""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.doctor import dmarc_record
from newsletter.doctor.dmarc_record import DmarcRecord
from newsletter.doctor.findings import Ask

_MOST_QUESTIONS = 8
_AFTER_LONG_NAMES = 7


@dataclass(frozen=True)
class Step:
    """What stands at one name on the way up; `several` are void all together."""

    domain: str
    text: str = ""
    record: DmarcRecord | None = None
    several: int = 0


@dataclass(frozen=True)
class Walk:
    """The way from a name to the top; `unknown` when the DNS could not say on it."""

    domain: str
    steps: tuple[Step, ...]
    unknown: str = ""

    @property
    def organisation(self) -> str:
        """The organisational domain; the name itself when no record is on the way."""
        found = [step for step in self.steps if step.record is not None]
        if not found:
            return self.domain
        last = found[-1]  # of the fewest labels; a walk also ends where `psd=` says n or y
        if last.record and last.record.psd == "y" and last.domain != self.domain:
            labels = self.domain.split(".")
            return ".".join(labels[-(last.domain.count(".") + 2) :])
        return last.domain

    @property
    def policy(self) -> Step | None:
        """Whose record holds for mail from this name: its own, the organisation's, a suffix's."""
        by_name = {step.domain: step for step in self.steps if step.record is not None}
        wanted = (self.domain, self.organisation)
        own = next((by_name[name] for name in wanted if name in by_name), None)
        suffix = [one for one in by_name.values() if one.record and one.record.psd == "y"]
        return own or next(iter(suffix), None)


def walked(domain: str, ask: Ask) -> Walk:
    """Ask the way up from a domain."""
    domain = domain.lower().rstrip(".")
    steps: list[Step] = []
    for name in _names(domain):
        answer = ask(f"_dmarc.{name}", "TXT")
        if answer.failed:
            return Walk(domain, tuple(steps), f"_dmarc.{name}: {answer.why}")
        texts = dmarc_record.records(answer.values)
        if len(texts) != 1:
            steps.append(Step(name, several=len(texts)))
            continue
        record = dmarc_record.parse(texts[0])
        steps.append(Step(name, texts[0], record))
        if record.psd != "u":
            break
    return Walk(domain, tuple(steps))


def _names(domain: str) -> list[str]:
    """The name and its parents to the top; of a long one only the last seven labels and below."""
    labels = domain.split(".")
    parents = labels[1:] if len(labels) < _MOST_QUESTIONS else labels[-_AFTER_LONG_NAMES:]
    return [domain, *(".".join(parents[at:]) for at in range(len(parents)))]


def aligned(one: str, other: str, ask: Ask, *, strict: bool) -> bool | None:
    """Whether two domains count as one (RFC 9989 §4.10.2); None when the DNS could not say."""
    one, other = one.lower().rstrip("."), other.lower().rstrip(".")
    if one == other:
        return True
    if strict:
        return False
    walks = walked(one, ask), walked(other, ask)
    if any(walk.unknown for walk in walks):
        return None
    return walks[0].organisation == walks[1].organisation
