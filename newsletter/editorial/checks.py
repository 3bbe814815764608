"""Pre-flight checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """Something between the issue and its readers: where, what, and what to do about it."""

    level: Literal["error", "warning"]
    place: str
    text: str
    remedy: str
