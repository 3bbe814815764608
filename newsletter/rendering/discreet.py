"""The discreet form of an edition: the whole text, below a first screen that says nothing.

What a glance, a list of mails or a lock screen shows is the subject and the first words of the
body, so both are dull, always the same and longer than any program shows; then comes a screen of
nothing, and only then the text. No hidden words: what is hidden is what filters look for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from newsletter.language.dates_digits import N_, digits
from newsletter.rendering import markdown
from newsletter.rendering.content import (
    PREFERENCES_URL,
    UNSUBSCRIBE_URL,
    Block,
    Letter,
    RenderedEdition,
)
from newsletter.rendering.edition import address_of
from newsletter.rendering.environment import Theme
from newsletter.rendering.finishing import finish_mail
from newsletter.rendering.headers import checked
from newsletter.rendering.plaintext import tidy
from newsletter.rendering.promises import require_kept

NAME = N_("Weekly notes")
"""The sender and the subject where a publication has set no other; the number follows it."""
QUIET = N_(
    "These are the notes for this week. They stand together in one place, so that you can read "
    "them whenever you have the time. There is no hurry, and nothing here needs an answer. The "
    "text begins further down."
)
"""Longer than what any mail program shows beside a subject."""
_GAP = 30
"""Empty lines of the text before what is to be read."""
GAP_MARK = "\n[gap]\n"
"""Stands in a text where the empty lines go."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a publication has set, by language; what is missing has a default that says nothing."""

    subjects: Mapping[str, str] = field(default_factory=dict)
    openings: Mapping[str, str] = field(default_factory=dict)


def below_the_fold(said: str) -> str:
    """The finished text, with a screen of nothing where its mark stands."""
    first, _, rest = said.partition(GAP_MARK)
    return tidy(first) + "\n" * _GAP + tidy(rest)


def name_in(theme: Theme, language: str) -> str:
    """The neutral sender's name where none was set."""
    return theme.words(language).gettext(NAME)


def subject_in(theme: Theme, language: str, words: Words, number: int) -> str:
    """The fixed dull subject, and the issue's number so that mails do not fall into one thread."""
    chosen = words.subjects.get(language) or name_in(theme, language)
    plain = " ".join(checked(chosen, "discreet subject").split())
    return f"{plain} {digits(number, theme.rules(language))}"


def render(letter: Letter, theme: Theme, words: Words) -> RenderedEdition:
    """An edition whose letter has a neutral sender already (`editorial.discreet.neutral`).

    InputError names a subject that no header may hold, RenderError the template at fault.
    """
    subject = subject_in(theme, letter.language, words, letter.number)
    parts = [_part(letter, block, theme, words) for block in letter.blocks]
    values: dict[str, Any] = {"subject": subject, "parts": parts}
    html = finish_mail(theme.mjml("mail/discreet.mjml", letter.language, **values))
    said = theme.page("mail/discreet.txt", letter.language, **values)
    text = below_the_fold(said)
    require_kept(html, text)
    return RenderedEdition(
        subject=subject, preheader=parts[0]["opening"] or parts[0]["quiet"], html=html, text=text
    )


def _part(letter: Letter, block: Block, theme: Theme, words: Words) -> dict[str, Any]:
    marks = [note.mark for note in block.footnotes]
    language = block.language
    body = markdown.to_html(block.body, marks, prefix=language, level=2)
    values = {
        "letter": letter,
        "block": block,
        "body": Markup(body),  # noqa: S704 - markdown-it escapes, and knows no raw HTML
        "body_text": markdown.to_text(block.body),
        "address_of": address_of,
        "note_id": lambda mark: markdown.note_id(language, mark),
        "unsubscribe_url": UNSUBSCRIBE_URL,
        "preferences_url": PREFERENCES_URL,
    }
    return {
        "language": language,
        "tall": theme.is_tall(language),
        "opening": words.openings.get(language, ""),
        "html": theme.fragment("mail/discreet_part.html", language, **values),
        "text": theme.page("mail/discreet_part.txt", language, **values),
        "foot": theme.fragment("mail/discreet_foot.html", language, **values),
        "foot_text": theme.page("mail/discreet_foot.txt", language, **values),
        "quiet": theme.words(language).gettext(QUIET),
    }
