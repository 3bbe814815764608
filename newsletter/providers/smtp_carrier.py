"""What DATA and BDAT have in common: which letter is next, which answers stand out, who is told."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Sequence

from newsletter.core.errors import ProviderError
from newsletter.providers.base import Watch
from newsletter.providers.smtp_answers import Broken, Refused, Stage, judge
from newsletter.providers.smtp_dialogue import DONE, Dialogue, Yes
from newsletter.providers.smtp_letter import Letter, Pile

Step = tuple[Stage, Yes]
SENDER: Step = (Stage.MAIL, DONE)
RECIPIENT: Step = (Stage.RCPT, (b"250 ", b"251 ", b"252 "))
MESSAGE: Step = (Stage.DOT, DONE)
RSET = b"RSET\r\n"
PIECE = 65536
"""Of a large message all but a last piece of at most so many bytes leaves first."""


class Carrier(ABC):
    """Carries messages over one line for as long as it lasts; at most so many."""

    def __init__(self, line: Dialogue, place: str, most: int) -> None:
        self._line = line
        self._place = place
        self._most = most

    @abstractmethod
    def carry(self, pile: Pile, watch: Watch) -> None:
        """Go on until the pile or the line ends; everybody is told in order."""

    def _first(self, pile: Pile, watch: Watch) -> Letter | None:
        """The next that can go over this line; those that cannot are told."""
        while (envelope := pile.take()) is not None:
            if self._line.begun >= self._most:
                pile.put_back(envelope)
                self._line.quit()
                return None
            try:
                return Letter(envelope, self._line.features, self._place)
            except ProviderError as error:
                watch.failed(envelope, error)
        return None

    def _following(self, pile: Pile) -> Letter | None:
        """The one after that, if it can go over this line; nobody is told out of turn."""
        envelope = pile.take()
        if envelope is None:
            return None
        if self._line.begun < self._most:
            with contextlib.suppress(ProviderError):
                return Letter(envelope, self._line.features, self._place)
        pile.put_back(envelope)
        return None

    def _hear_all(self, steps: Sequence[Step]) -> tuple[bytes, dict[Stage, Refused]]:
        """The last words, and each refusal: what was said together is answered together.

        Raises Broken if the line breaks before any refusal; a 421 is the last that is heard.
        """
        said, refused = b"", dict[Stage, Refused]()
        try:
            for stage, yes in steps:
                try:
                    said = self._line.hear(stage, yes)
                except Refused as no:
                    refused[stage] = no
                    if self._line.over:
                        break
        except Broken:
            if not refused:
                raise
        return said, refused

    def _tell(self, letter: Letter, failure: Refused | Broken, watch: Watch) -> None:
        recipient = letter.envelope.recipient.text
        watch.failed(letter.envelope, judge(failure, self._place, recipient))
