"""Messages over one line by DATA, in turn: one body in the air, and the next envelope behind it.

With PIPELINING (RFC 2920) `MAIL RCPT DATA` leave in one write, together with the body of the
message before, and the answers are read behind, in order: one message per round trip.
Without it each command waits for its answer, and the same loop is lock-step.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection

from newsletter.core.errors import ProviderError
from newsletter.providers.base import Watch
from newsletter.providers.smtp_answers import Broken, Refused, Reply, Stage, judge
from newsletter.providers.smtp_dialogue import DONE, GARBAGE, Dialogue, Yes
from newsletter.providers.smtp_letter import Letter, Pile, stuffed

_END = b".\r\n"
_DATA = b"DATA\r\n"
_RSET = b"RSET\r\n"
_PIECE = 65536
_STEPS: tuple[tuple[Stage, Yes], ...] = (
    (Stage.MAIL, DONE),
    (Stage.RCPT, (b"250 ", b"251 ", b"252 ")),
    (Stage.DATA, (b"354 ",)),
)


class Turns:
    """What is owed and begun on one line; used for as long as the line lasts."""

    def __init__(self, line: Dialogue, place: str, most: int, *, pipelined: bool) -> None:
        self._line = line
        self._place = place
        self._most = most
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
            for said, (stage, yes) in zip((letter.mail, letter.rcpt, _DATA), _STEPS, strict=True):
                self._line.say(stage, said)
                self._line.hear(stage, yes)
        except Refused:
            self._owed = _RSET
            raise

    def _pass_together(self, letter: Letter, begun: bool) -> None:
        """All three answers are heard, whatever the first one was: the next stand behind them."""
        if not begun:
            self._line.say(Stage.MAIL, self._opening(letter))
            self._settle()
        refused: dict[Stage, Refused] = {}
        try:
            for stage, yes in _STEPS:
                try:
                    self._line.hear(stage, yes)
                except Refused as no:
                    refused[stage] = no
                    if self._line.over:
                        break
        except Broken:
            if not refused:
                raise
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
        body = stuffed(letter.body)
        recipient = letter.envelope.recipient.text
        try:
            last = self._say_head(body)
            watch.leaving(letter.envelope)
            behind = self._opening(following) if following and self._pipelined else b""
            self._line.say_last(last, _END, behind=behind)
            answer = self._line.hear(Stage.DOT, DONE)
        except (Refused, Broken) as failure:
            self._tell(letter, failure, watch)
        else:
            watch.taken(letter.envelope, Reply.of(answer).shown(recipient))

    def _say_head(self, body: bytes) -> bytes:
        """All but the last piece; a server that objects meanwhile is heard in time."""
        start = 0
        while len(body) - start > _PIECE:
            try:
                self._line.say(Stage.BODY, memoryview(body)[start : start + _PIECE])
            except Broken:
                self._line.hear_objection()
                raise
            self._line.hear_objection()
            start += _PIECE
        if not start:
            self._line.hear_objection()
        return body[start:] if start else body

    def _tell(self, letter: Letter, failure: Refused | Broken, watch: Watch) -> None:
        if isinstance(failure, Refused) and failure.ends_connection:
            self._line.over = True
        recipient = letter.envelope.recipient.text
        watch.failed(letter.envelope, judge(failure, self._place, recipient))


def _debt(refused: Collection[Stage]) -> bytes:
    """What puts the line in order after these were refused; nothing when only a hang-up does.

    Odd servers wait for a message though they refused its only recipient: a lone dot ends it
    (RFC 2920 §3.1). One that knows a recipient but not the sender would take the lone dot.
    """
    if Stage.DATA in refused:
        return _RSET
    return _END + _RSET if Stage.RCPT in refused else b""
