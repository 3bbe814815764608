"""What the doctor says: findings with a verdict each, and records for the DNS."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from newsletter.core.dns import Answer

Ask = Callable[[str, str], Answer]
"""(name, kind of record) → what the DNS says."""


class Verdict(StrEnum):
    """How it stands with one thing, the best first."""

    GOOD = "good"
    UNKNOWN = "not known"
    """Nobody could say: never a reproach."""
    WARNING = "warning"
    BAD = "bad"


_ORDER = list(Verdict)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, by which rule, and what to do."""

    subject: str
    verdict: Verdict
    found: str
    remedy: str = ""
    rule: str = ""
    source: str = ""


class State(StrEnum):
    """How a record of the DNS stands to what is there."""

    RIGHT = "right"
    TO_SET = "to set"
    TO_CHANGE = "to change"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Record:
    """One record as the DNS should have it; `value` is its text, without quotation marks."""

    name: str
    kind: str
    value: str
    why: str
    state: State
    there: tuple[str, ...] = field(default=())
    """What stands there now."""

    @property
    def line(self) -> str:
        """As a line of a zone file: a TXT record in strings of 255 (RFC 1035 §3.3)."""
        shown = self.value
        if self.kind == "TXT":
            cuts = [self.value[at : at + 255] for at in range(0, len(self.value), 255)]
            shown = " ".join(f'"{cut}"' for cut in cuts)
        return f"{self.name}. IN {self.kind} {shown}"


def worst(findings: Iterable[Finding]) -> Verdict:
    """The worst of all verdicts; good when there is none."""
    return max((one.verdict for one in findings), key=_ORDER.index, default=Verdict.GOOD)
