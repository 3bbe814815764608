"""Messages over one line by BDAT (RFC 3030): whole, unasked, and two of them in the air.

`RSET MAIL RCPT BDAT` and the message leave in one write; the answers come a round trip later.
The price: a line that breaks leaves both messages in doubt, and one whose recipient is refused
was carried for nothing. RSET comes first because the state after a failed BDAT is not defined.
"""

from __future__ import annotations

import contextlib
from collections import deque

from newsletter.providers.base import Watch
from newsletter.providers.smtp_answers import Broken, Refused, Reply, Stage
from newsletter.providers.smtp_carrier import MESSAGE, PIECE, RECIPIENT, RSET, SENDER, Carrier
from newsletter.providers.smtp_dialogue import DONE, GARBAGE, Dialogue
from newsletter.providers.smtp_letter import Letter, Pile
from newsletter.providers.smtp_wire import LOST

IN_THE_AIR = 2
"""Eight would be four times as fast over a long way, and leave eight in doubt."""


class Chunks(Carrier):
    """Whole messages, answered in order."""

    def __init__(self, line: Dialogue, place: str, most: int) -> None:
        super().__init__(line, place, most)
        self._flying: deque[Letter] = deque()

    def carry(self, pile: Pile, watch: Watch) -> None:
        """Go on until the pile or the line ends; everybody is told in order.

        What the pile or `leaving` raises goes through once those in the air were told.
        """
        while self._fill(pile, watch):
            self._land(watch)

    def _fill(self, pile: Pile, watch: Watch) -> bool:
        try:
            while self._has_room() and (letter := self._next(pile, watch)) is not None:
                self._launch(letter, pile, watch)
        except BaseException:
            self._land_all(watch)
            raise
        return bool(self._flying)

    def _has_room(self) -> bool:
        """What was answered already is told before more leaves: less is in doubt then."""
        if self._line.over or len(self._flying) >= IN_THE_AIR:
            return False
        with contextlib.suppress(Broken):
            return not (self._flying and self._line.has_spoken(Stage.DOT))
        return False

    def _next(self, pile: Pile, watch: Watch) -> Letter | None:
        return self._following(pile) if self._flying else self._first(pile, watch)

    def _launch(self, letter: Letter, pile: Pile, watch: Watch) -> None:
        """A line that was kept and turns out dead before anything left is not its failure."""
        kept = self._line.begun > 0
        try:
            if not self._flying:
                self._line.hear_objection(Stage.MAIL)
            self._let_go(letter, watch)
        except (Refused, Broken) as failure:
            self._land_all(watch)
            if kept and failure.stage is Stage.MAIL:
                pile.put_back(letter.envelope)
            else:
                self._tell(letter, failure, watch)
        else:
            self._flying.append(letter)

    def _let_go(self, letter: Letter, watch: Watch) -> None:
        self._line.begun += 1
        body, start = letter.body, 0
        announced = b"BDAT %d LAST\r\n" % len(body)
        opening = b"".join((RSET, letter.mail, letter.rcpt, announced))
        while len(body) - start > PIECE:
            self._line.say(Stage.BODY, opening, memoryview(body)[start : start + PIECE])
            start, opening = start + PIECE, b""
        watch.leaving(letter.envelope)
        self._line.say_last(opening, body[start:] if start else body)

    def _land(self, watch: Watch) -> None:
        letter = self._flying.popleft()
        try:
            answer = self._answer()
        except (Refused, Broken) as failure:
            self._tell(letter, failure, watch)
            while self._line.over and self._flying:
                self._tell(self._flying.popleft(), _unheard(failure), watch)
        else:
            recipient = letter.envelope.recipient.text
            watch.taken(letter.envelope, Reply.of(answer).shown(recipient))

    def _land_all(self, watch: Watch) -> None:
        while self._flying:
            self._land(watch)

    def _answer(self) -> bytes:
        """The yes to a message; Refused when that is certain, else Broken at its end."""
        try:
            self._hear_reset()
            said, refused = self._hear_all((SENDER, RECIPIENT, MESSAGE))
        except Broken as broken:
            raise Broken(Stage.DOT, broken.cause) from None
        if not refused:
            return said
        if not self._line.over and refused.keys() == {Stage.MAIL}:
            raise self._line.broken(Stage.DOT, GARBAGE)
        raise next(iter(refused.values()))

    def _hear_reset(self) -> None:
        try:
            self._line.hear(Stage.MAIL, DONE)
        except Refused:
            if self._line.over:
                raise


def _unheard(failure: Refused | Broken) -> Refused | Broken:
    """What it means for the next in the air: a server that closed with 421 did not read on."""
    if isinstance(failure, Refused) and failure.reply.code == 421:
        return Refused(Stage.MAIL, failure.reply)
    return Broken(Stage.DOT, failure.cause if isinstance(failure, Broken) else LOST)
