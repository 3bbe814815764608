"""Words on one SMTP line: commands out, answers in, and how far a message had come at a failure.

smtplib raises the same error whether the line broke before or after the final dot; here nothing
is said or heard without its stage.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Mapping

from newsletter.providers.smtp_answers import Broken, Refused, Reply, Stage
from newsletter.providers.smtp_wire import SILENT, LineLost, Wire

_LONGEST_REPLY = 65536
"""RFC 5321 §4.5.3.1.5 allows 512 bytes a line; real servers write more, none this much."""
_SHORT = 2048
_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)

GARBAGE = "did not speak SMTP"

Yes = tuple[bytes, ...]
DONE: Yes = (b"250 ",)
NOTHING: Yes = ()


class Dialogue:
    """An open, greeted and logged-in line; `features` are the EHLO words in lower case."""

    def __init__(
        self,
        wire: Wire,
        features: Mapping[str, str],
        *,
        timeout: float,
        final_timeout: float,
        hang_up: Callable[[], None],
    ) -> None:
        self.features = features
        self.begun = 0
        """How many envelopes were begun on this line."""
        self.over = False
        """Nothing more can be said on it."""
        self._wire = wire
        self._timeout = timeout
        self._final_timeout = final_timeout
        self._hang_up = hang_up
        self._buffer = b""
        self._at = 0

    def say(self, stage: Stage, *parts: bytes | memoryview) -> None:
        """Write all of it in one go; Broken at this stage."""
        try:
            self._wire.send(parts)
        except LineLost as lost:
            raise self.broken(stage, lost.cause) from None

    def say_last(self, *parts: bytes | memoryview, behind: bytes = b"") -> None:
        """Write what completes a message, and commands behind it.

        Broken only if the message certainly did not leave as a whole. A loss behind it shows
        when the answer is awaited.
        """
        try:
            self._wire.send((*parts, behind))
        except LineLost as lost:
            self.over = True
            if lost.sent < sum(map(len, parts)):
                raise Broken(Stage.BODY, lost.cause) from None

    def hear(self, stage: Stage, yes: Yes) -> bytes:
        """The server's words, if they are one of these; Refused or Broken at this stage."""
        if self._buffer.find(b"\n", self._at) < 0:
            self._listen(stage, self._deadline(stage))
        buffer, at = self._buffer, self._at
        end = buffer.find(b"\r\n", at, at + _SHORT)
        if end < 0 or buffer[at : at + 4] not in yes:
            return self._hear_carefully(stage, yes)
        self._at = end + 2
        return buffer[at:end]

    def has_heard(self, answers: re.Pattern[bytes]) -> bool:
        """True when exactly these answers have come, which are then heard; else nothing is.

        The usual case of many answers at once, at the price of one.
        """
        found = answers.match(self._buffer, self._at)
        if found is not None:
            self._at = found.end()
        return found is not None

    def hear_objection(self, stage: Stage = Stage.BODY) -> None:
        """Raise what the server says though nobody asked: it closes, or wants no more."""
        if self.has_spoken(stage):
            self.over = True
            self.hear(stage, NOTHING)

    def has_spoken(self, stage: Stage) -> bool:
        """Something has come that was not heard yet."""
        if self._at < len(self._buffer):
            return True
        try:
            self._buffer, self._at = self._wire.waiting(), 0
        except LineLost as lost:
            raise self.broken(stage, lost.cause) from None
        return bool(self._buffer)

    def broken(self, stage: Stage, cause: str) -> Broken:
        """The line ends here."""
        self.over = True
        return Broken(stage, cause)

    def quit(self) -> None:
        """End politely, waiting a moment for the goodbye; never raises."""
        self._timeout = min(self._timeout, 2.0)
        if not self.over:
            with contextlib.suppress(Refused, Broken):
                self.say(Stage.MAIL, b"QUIT\r\n")
                self.hear(Stage.MAIL, (b"221 ",))
        self.drop()

    def drop(self) -> None:
        """Hang up at once: what was begun is not taken (RFC 5321 §4.1.1.4)."""
        self.over = True
        self._hang_up()

    def _deadline(self, stage: Stage) -> float:
        limit = self._final_timeout if stage is Stage.DOT else self._timeout
        return time.monotonic() + limit

    def _listen(self, stage: Stage, deadline: float) -> None:
        try:
            chunk = self._wire.receive(deadline)
        except LineLost as lost:
            raise self.broken(stage, lost.cause) from None
        self._buffer = self._buffer[self._at :] + chunk
        self._at = 0

    def _hear_carefully(self, stage: Stage, yes: Yes) -> bytes:
        """Answers of several lines, in pieces, or other than hoped for."""
        reply = self._reply(stage)
        said = b"%d %s" % (reply.code, reply.text.encode())
        if said[:4] in yes:
            return said
        if reply.code < 400:
            raise self.broken(stage, GARBAGE)
        self.over = self.over or reply.code == 421
        raise Refused(stage, reply)

    def _reply(self, stage: Stage) -> Reply:
        deadline = self._deadline(stage)
        lines: list[bytes] = []
        codes: set[bytes] = set()
        size = 0
        while True:
            line = self._line(stage, deadline)
            match = _REPLY_LINE.fullmatch(line)
            size += len(line)
            if match is None or size > _LONGEST_REPLY:
                raise self.broken(stage, GARBAGE)
            codes.add(match[1])
            lines.append((match[3] or b"").strip())
            if match[2] != b"-":
                break
        if len(codes) > 1:
            raise self.broken(stage, GARBAGE)
        return Reply(int(codes.pop()), b" ".join(lines).decode("utf-8", "replace"))

    def _line(self, stage: Stage, deadline: float) -> bytes:
        while (end := self._buffer.find(b"\n", self._at)) < 0:
            if len(self._buffer) - self._at > _LONGEST_REPLY:
                raise self.broken(stage, GARBAGE)
            if time.monotonic() > deadline:
                raise self.broken(stage, SILENT)
            self._listen(stage, deadline)
        line = self._buffer[self._at : end]
        self._at = end + 1
        return line.rstrip(b"\r")
