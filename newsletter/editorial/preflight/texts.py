"""What the Burmese of an issue may have that readers' telephones show wrongly. Pure.

Old encoding, marks in the wrong order (a dotted circle), long runs without a space (broken in
the middle of a syllable), and spellings that may be meant otherwise, which are hints only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from newsletter.editorial.checks import Level, Problem
from newsletter.editorial.models import Issue, Publication
from newsletter.editorial.ordering import in_order
from newsletter.language.cutting import cut
from newsletter.language.intake import taken_in_together
from newsletter.language.line_breaks import long_runs
from newsletter.language.normalising import changes, spelling_doubts

_MYANMAR = re.compile("[\u1000-\u109f]")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Text:
    """The texts of one place in one language, and the command that changes them."""

    place: str
    language: str
    texts: tuple[str, ...]
    mend: str


def texts_of(issue: Issue, publication: Publication) -> list[Text]:
    """All that readers of an issue will read, place by place."""
    found = [
        Text(
            f"editorial {one.language}",
            one.language,
            (
                *(one.title, one.pull_quote, one.body, one.about),
                *(str(note["text"]) for note in one.footnotes),
            ),
            f"correct the text and run 'newsletter import FILE --issue {issue.number} "
            f"--language {one.language}'",
        )
        for one in issue.editorials
        if one.language in publication.languages
    ]
    for resource in in_order(issue.resources):
        for language, title in resource.titles.items():
            mend = f"'newsletter resources edit {resource.id} --title-in {language}=…'"
            found.append(Text(f"resource {resource.id}", language, (title,), mend))
    found += [
        Text("image", language, (words,), "correct the words in the issue file")
        for language, words in issue.image_alts.items()
    ]
    return [*found, *_standing(publication)]


def judge(texts: Iterable[Text], settled: Collection[str] = ()) -> Iterator[Problem]:
    """The problems of these texts; at most one of a kind for a place.

    `settled` texts are not asked about their encoding again: an editor is asked, or has answered.
    """
    for text in texts:
        whole = "\n".join(text.texts)
        if not _MYANMAR.search(whole):
            continue
        yield from _encoding(text, settled)
        if text.language.partition("-")[0] != "my":
            continue
        yield from _order(text, whole)
        yield from _runs(text, whole)
        yield from _spellings(text, whole)


def _standing(publication: Publication) -> Iterator[Text]:
    """What stands in every issue of the publication."""
    for key in ("names", "about", "postal_addresses", "sender_names"):
        for language, words in getattr(publication, key).items():
            setting = "sender.names" if key == "sender_names" else key
            mend = f"'newsletter publication set {setting}.{language} \"…\"'"
            yield Text(f"publication {setting}", language, (words,), mend)


def _encoding(text: Text, settled: Collection[str]) -> Iterator[Problem]:
    open_ = [one for one in text.texts if one not in settled]
    for taken in taken_in_together(open_, text.language):
        if taken.state in ("converted", "asked"):
            sure = "is" if taken.state == "converted" else "may be"
            shown = " ".join(taken.original.split())[:40]
            told = (
                f"“{shown}…” {sure} in the old Zawgyi encoding, which telephones show as nonsense"
            )
            yield _problem("warning", text, told, f"convert it to Unicode: {text.mend}", "Zawgyi")
            return


def _order(text: Text, whole: str) -> Iterator[Problem]:
    found = changes(whole)
    if found:
        shown = _listed([f"{one.before} → {one.after}" for one in found])
        told = f"letters or marks in the wrong order, or look-alikes: {shown}"
        yield _problem("warning", text, told, text.mend, "order of marks")


def _runs(text: Text, whole: str) -> Iterator[Problem]:
    found = long_runs(whole)
    if found:
        shown = _listed([f"{cut(one.text, 24)} ({len(one.text)})" for one in found])
        told = f"more than 40 letters without a space, where lines break badly: {shown}"
        remedy = f"put spaces between phrases, as Burmese is written: {text.mend}"
        yield _problem("warning", text, told, remedy, "long runs")


def _spellings(text: Text, whole: str) -> Iterator[Problem]:
    found = dict.fromkeys((doubt.found, doubt.instead) for doubt in spelling_doubts(whole))
    if found:
        shown = _listed([f"{word} (or {instead}?)" for word, instead in found])
        told = f"spellings that may be meant otherwise: {shown}"
        yield _problem("hint", text, told, f"where one is wrong: {text.mend}", "spelling")


def _listed(shown: Sequence[str]) -> str:
    more = len(shown) - _SHOWN
    return "; ".join(shown[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _problem(level: Level, text: Text, told: str, remedy: str, check: str) -> Problem:
    return Problem(level, text.place, told, remedy, check, text.language)
