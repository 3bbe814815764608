"""How long subject and preheader are, for the narrow list of mails on a telephone. Pure.

A telephone shows 35 to 40 letters of a subject, Burmese or Latin alike; Burmese needs half as
many again for the same meaning, so that what matters stands first or is lost.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from newsletter.editorial.checks import Level, Problem

_LIMITS = {"my": (45, 60)}
_USUAL = (60, 90)
"""Code points of a subject from which it is long, and from which much of it is lost."""
_PREHEADERS = {"my": 30}
_USUAL_PREHEADER = 40
"""Code points of the line beside the subject; its end is cut by whoever renders it."""
_REPLY = re.compile(r"^\s*(re|fwd?|aw|wg|sv)\s*:", re.IGNORECASE)


def judge(
    subject: str, preheader: str, title: str, language: str, sender_name: str
) -> Iterator[Problem]:
    """Problems of what stands in the list of mails before one is opened.

    `title` is the editorial's, of which the subject may hold the beginning only.
    """
    yield from _subject(subject, title, language)
    yield from _preheader(subject, preheader, language)
    yield from _sender(sender_name, language)


def _subject(subject: str, title: str, language: str) -> Iterator[Problem]:
    long, lost = _LIMITS.get(language, _USUAL)
    size = len(subject)
    shorter = f"put what matters first, or shorten the title in '{language}'"
    if " ".join(title.split()) not in subject:
        text = f"the title in '{language}' is so long that the subject holds its beginning only"
        yield _problem("warning", text, shorter)
    elif size > long:
        much = "most of it is" if size > lost else "its end is"
        text = (
            f"the subject has {size} letters and signs: {much} not seen on a telephone, which "
            f"shows about 40; up to {long} is well"
        )
        yield _problem("warning", text, shorter)
    if found := _REPLY.match(subject):
        text = f"the subject begins with '{found[0].strip()}' as if it were an answer"
        yield _problem("warning", text, "leave that out: Gmail asks for it and filters count it")


def _preheader(subject: str, preheader: str, language: str) -> Iterator[Problem]:
    short = _PREHEADERS.get(language, _USUAL_PREHEADER)
    remedy = f"begin the editorial in '{language}', or its pull quote, with a sentence that tells"
    if not preheader:
        yield _problem("warning", "nothing stands beside the subject in the list of mails", remedy)
    elif preheader.rstrip("…") in subject:
        yield _problem("warning", "the line beside the subject says the same as it", remedy)
    elif len(preheader) < short:
        text = (
            f"the line beside the subject has {len(preheader)} letters and signs; with fewer than "
            f"{short} some programs fill it with what comes next, such as a link"
        )
        yield _problem("hint", text, remedy)


def _sender(name: str, language: str) -> Iterator[Problem]:
    if any(unicodedata.category(letter) == "So" for letter in name):
        yield _problem(
            "warning",
            f"there is a picture sign in the sender's name '{name}', which Gmail asks to leave out",
            f"run 'newsletter publication set sender.names.{language} \"…\"'",
        )


def _problem(level: Level, text: str, remedy: str) -> Problem:
    return Problem(level, "subject", text, remedy, "subject and preheader")
