"""Messages over one line by DATA, in turn: one body in the air, and the next envelope behind it.

With PIPELINING (RFC 2920) `MAIL RCPT DATA` leave in one write, together with the body of the
message before, and the answers are read behind, in order: one message per round trip.
Without it each command waits for its answer, and the same loop is lock-step.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection

from newsletter.providers.base import Watch
from newsletter.providers.smtp_answers import Broken, Refused, Reply, Stage
from newsletter.providers.smtp_carrier import MESSAGE, PIECE, RECIPIENT, RSET, SENDER, Carrier, Step
from newsletter.providers.smtp_dialogue import DONE, GARBAGE, Dialogue
from newsletter.providers.smtp_letter import Letter, Pile

_END = b".\r\n"
_DATA = b"DATA\r\n"
_LET_IN = re.compile(rb"250 [^\r\n]*\r\n25[012] [^\r\n]*\r\n354 [^\r\n]*\r\n")
_ENVELOPE: tuple[Step, ...] = (SENDER, RECIPIENT, (Stage.DATA, (b"354 ",)))


class Turns(Carrier):
    """One body at a time."""

    def __init__(self, line: Dialogue, place: str, most: int, *, pipelined: bool) -> None:
        super().__init__(line, place, most)
        self._pipelined = pipelined
        self._owed = b""
        """What puts the line in order again before the next MAIL."""

    def carry(self, pile: Pile, watch: Watch) -> None:
        """Go on until the pile or the line ends; everybody is told in order."""
        letter, begun = self._first(pile, watch), False
        while letter is not None:
            following = None
            if self._is_let_in(letter, begun, pile, watch):
                following = self._following(pile)
                self._hand_over(letter, following, watch)
            if self._line.over:
                if following is not None:
                    pile.put_back(following.envelope)
                return
            begun = following is not None and self._pipelined
            letter = following or self._first(pile, watch)

    def _is_let_in(self, letter: Letter, begun: bool, pile: Pile, watch: Watch) -> bool:
        """The server waits for the message; otherwise it was told, or is to begin again.

        A line that was kept and turns out dead at MAIL is not the message's failure.
        """
        try:
            if self._pipelined:
                self._pass_together(letter, begun)
            else:
                self._pass_in_steps(letter)
        except (Refused, Broken) as failure:
            at_first_word = self._line.over and failure.stage is Stage.MAIL
            if at_first_word and self._line.begun > 1:
                pile.put_back(letter.envelope)
            else:
                self._tell(letter, failure, watch)
            return False
        return True

    def _pass_in_steps(self, letter: Letter) -> None:
        self._line.begun += 1
        if self._owed:
            self._line.say(Stage.MAIL, self._owed)
            self._settle()
        try:
            for said, (stage, yes) in zip(
                (letter.mail, letter.rcpt, _DATA), _ENVELOPE, strict=True
            ):
                self._line.say(stage, said)
                self._line.hear(stage, yes)
        except Refused:
            self._owed = RSET
            raise

    def _pass_together(self, letter: Letter, begun: bool) -> None:
        """All three answers are heard, whatever the first one was: the next stand behind them."""
        if not begun:
            self._line.say(Stage.MAIL, self._opening(letter))
            self._settle()
        if self._line.has_heard(_LET_IN):
            return
        _, refused = self._hear_all(_ENVELOPE)
        if refused:
            self._owed = _debt(refused)
            self._line.over = self._line.over or not self._owed
            raise next(iter(refused.values()))

    def _opening(self, letter: Letter) -> bytes:
        self._line.begun += 1
        return b"".join((self._owed, letter.mail, letter.rcpt, _DATA))

    def _settle(self) -> None:
        """Hear that the line is in order again."""
        owed, self._owed = self._owed, b""
        if owed.startswith(_END):
            with contextlib.suppress(Refused):
                self._line.hear(Stage.MAIL, DONE)
        if owed:
            try:
                self._line.hear(Stage.MAIL, DONE)
            except Refused:
                raise self._line.broken(Stage.MAIL, GARBAGE) from None

    def _hand_over(self, letter: Letter, following: Letter | None, watch: Watch) -> None:
        recipient = letter.envelope.recipient.text
        try:
            last = self._say_head(letter.stuffed)
            watch.leaving(letter.envelope)
            behind = self._opening(following) if following and self._pipelined else b""
            self._say_last(last, behind)
            answer = self._line.hear(*MESSAGE)
        except (Refused, Broken) as failure:
            self._tell(letter, failure, watch)
        else:
            watch.taken(letter.envelope, Reply.of(answer).shown(recipient))

    def _say_head(self, body: bytes) -> bytes:
        """All but the last piece, which is returned; a server that objects is heard in time."""
        start = 0
        while len(body) - start > PIECE:
            try:
                self._line.say(Stage.BODY, memoryview(body)[start : start + PIECE])
            finally:
                self._line.hear_objection()
            start += PIECE
        if not start:
            self._line.hear_objection()
        return body[start:] if start else body

    def _say_last(self, last: bytes, behind: bytes) -> None:
        try:
            self._line.say_last(last, _END, behind=behind)
        except Broken:
            self._line.hear_objection()
            raise

    def _tell(self, letter: Letter, failure: Refused | Broken, watch: Watch) -> None:
        if isinstance(failure, Refused) and failure.ends_connection:
            self._line.over = True
        super()._tell(letter, failure, watch)


def _debt(refused: Collection[Stage]) -> bytes:
    """What puts the line in order after these were refused; nothing when only a hang-up does.

    Odd servers wait for a message though they refused its only recipient: a lone dot ends it
    (RFC 2920 §3.1). One that knows a recipient but not the sender would take the lone dot.
    """
    if Stage.DATA in refused:
        return RSET
    return _END + RSET if Stage.RCPT in refused else b""
