"""What a bench found, and how rounds are taken so that a busy machine hurts all sides alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table; `met` says whether it is as good as wanted, where that is known."""

    what: str
    found: str
    wanted: str = ""
    met: bool | None = None


def at_least(what: str, found: float, wanted: float, unit: str = "×") -> Figure:
    """A figure that should be so large."""
    return Figure(what, f"{found:,.2f} {unit}", f"≥ {wanted:g} {unit}", found >= wanted)


def at_most(what: str, found: float, wanted: float, unit: str) -> Figure:
    """A figure that should be no larger."""
    return Figure(what, f"{found:,.3g} {unit}", f"≤ {wanted:g} {unit}", found <= wanted)


def interleaved(
    deeds: Mapping[str, Callable[[], float]], rounds: int = ROUNDS
) -> dict[str, list[float]]:
    """Each deed once in every round; what each returned, round by round."""
    found: dict[str, list[float]] = {name: [] for name in deeds}
    for _ in range(rounds):
        for name, deed in deeds.items():
            found[name].append(deed())
    return found


def ratio(over: list[float], under: list[float]) -> float:
    """The median of the ratios within each round: what was slow for one was slow for both."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))
