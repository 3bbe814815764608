"""The weather a receiving server makes: by probability and seed, so that it can be had again."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

AT_CONNECT: Final = "421 at connect"
AT_MAIL: Final = "421 at MAIL"
AT_RCPT: Final = "451 at RCPT"
AFTER_DOT: Final = "451 after the dot"
KEPT_IN_SILENCE: Final = "kept, and hung up without an answer"
LOST_IN_SILENCE: Final = "not kept, and hung up without an answer"
SLOW: Final = "a slow answer"
SLOW_SECONDS: Final = 0.05

ROUGH: Final[Mapping[str, float]] = {
    AT_CONNECT: 0.02,
    AT_MAIL: 0.002,
    AT_RCPT: 0.005,
    AFTER_DOT: 0.003,
    KEPT_IN_SILENCE: 0.002,
    LOST_IN_SILENCE: 0.002,
    SLOW: 0.003,
}


class Weather:
    """Draws what goes wrong at each step; of several kinds at one step at most one."""

    def __init__(self, chances: Mapping[str, float], seed: str) -> None:
        self._chances = dict(chances)
        self._draw = random.Random(seed)

    def at(self, *kinds: str) -> str:
        """The kind that strikes now, or ''."""
        if not self._chances:
            return ""
        drawn = self._draw.random()
        for kind in kinds:
            drawn -= self._chances.get(kind, 0.0)
            if drawn < 0:
                return kind
        return ""
