"""What a judge says: of its planted bad sample, of ours, and by which figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.judges.bench import Bench


@dataclass(frozen=True)
class Ruling:
    """One judge's words. It stands when the bad sample was refused and ours has no faults."""

    version: str
    refused: str
    """What it said of the bad sample; "" when that one passed, and nothing it says counts."""
    faults: list[str] = field(default_factory=list)
    """Of our samples, each beginning with the sample's name."""
    figures: str = ""

    @property
    def stands(self) -> bool:
        """Whether the judge can tell good from bad and found ours good."""
        return bool(self.refused) and not self.faults


Judge = Callable[[Bench], Ruling]
