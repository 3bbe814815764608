"""Pre-flight: what stands between an issue and its readers. Pure over loaded rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from newsletter.editorial import questions
from newsletter.editorial.duplicates import near_duplicates
from newsletter.editorial.models import Editorial, Issue, Publication, Resource
from newsletter.editorial.ordering import in_order
from newsletter.editorial.picture_names import lacking_words
from newsletter.editorial.publications import lacks
from newsletter.rendering.markdown import plain_blocks

Level = Literal["error", "warning", "hint"]
_SAID_OF_THE_ROWS = ("no_category", "near_duplicate", "footnote")
"""Warnings of the import that are judged anew here, as the issue stands now."""
_RANK = {"error": 0, "warning": 1, "hint": 2}
_MARK = re.compile(r"\[\^([^\]\s]+)\]")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something between the issue and its readers: where, what, and what to do about it."""

    level: Level
    place: str
    text: str
    remedy: str
    check: str = "content"
    """Which check found it: its heading in docs/checks.md."""
    language: str | None = None
    """The language whose readers it concerns; None: all of them."""


def check(
    issue: Issue, publication: Publication, languages: Collection[str] | None = None
) -> list[Problem]:
    """All problems of an issue, errors first. An error forbids approval, a warning asks for a
    second look, a hint may be wrong. `languages` are those of the settings; None asks nothing
    about them."""
    strange = [c for c in publication.languages if languages is not None and c not in languages]
    unknown = [_unknown(language) for language in strange]
    found = [*unknown, *_publication(publication), *content(issue, publication)]
    return in_rank(found)


def in_rank(problems: Iterable[Problem]) -> list[Problem]:
    """Errors first, then warnings, then hints; else as they came."""
    return sorted(problems, key=lambda problem: _RANK[problem.level])


def content(issue: Issue, publication: Publication) -> Iterator[Problem]:
    """The problems of what the issue says, without those of the publication itself."""
    yield from _editorials(issue, publication)
    yield from _image(issue, publication)
    yield from _hosted(publication)
    yield from _logo(publication)
    yield from _resources(issue, publication)
    yield from (Problem("error", *asked) for asked in questions.problems(issue))
    for warning in issue.warnings:
        if warning.get("kind") in _SAID_OF_THE_ROWS:
            continue
        place = f"line {warning['line']}" if warning.get("line") else "import"
        text = str(warning.get("text", ""))
        yield Problem("warning", place, text, "look at the imported file", "import")


def title_of(resource: Resource, languages: list[str]) -> str:
    """The title by which editors know a resource: the first there is in the languages' order."""
    told = (resource.titles.get(language) for language in [*languages, *resource.titles])
    return next((title for title in told if title), "")


def twins(resources: list[Resource], languages: list[str]) -> dict[int, int]:
    """Which of these resources resemble an earlier one: index of the later → of the earlier."""
    return near_duplicates([(title_of(r, languages), r.byline) for r in resources])


def _publication(publication: Publication) -> Iterator[Problem]:
    for sentence in lacks(publication):
        text, _, remedy = sentence.partition("; ")
        yield Problem("error", "publication", text, remedy, "publication")


def _unknown(language: str) -> Problem:
    return Problem(
        "error",
        "publication",
        f"nothing says how '{language}' is written (its name, dates, digits)",
        f"add [languages.{language}] to newsletter.toml, or take the language away with "
        "'newsletter publication set languages …'",
        "publication",
    )


def _editorials(issue: Issue, publication: Publication) -> Iterator[Problem]:
    written = {e.language: e for e in issue.editorials}
    if not written and not issue.resources:
        yield Problem(
            "error",
            "issue",
            "it is empty: no editorial and no resources",
            f"import an editorial, or run 'newsletter assemble {_week(issue)}'",
        )
    for language in publication.languages:
        if language in written:
            yield from _editorial(written[language], issue)
        else:
            yield _missing(language, publication, issue, written)


def _week(issue: Issue) -> str:
    return f"--week {issue.week}" if issue.week else "--week YYYY-Www"


def _missing(
    language: str, publication: Publication, issue: Issue, written: dict[str, Editorial]
) -> Problem:
    fallback = publication.fallback_language
    place = f"editorial {language}"
    remedy = f"import its text with {_import_text(issue, language)}"
    if fallback in written:
        text = f"there is none; readers of '{language}' get the one in '{fallback}'"
        return Problem("warning", place, text, remedy, "translation", language)
    return Problem(
        "error",
        place,
        f"there is no editorial in '{language}', and the issue is not sent without it",
        f"{remedy}, or let another language stand in with "
        f"'newsletter publication set fallback_language {publication.languages[0]}'",
        "translation",
        language,
    )


def _import_text(issue: Issue, language: str) -> str:
    return f"'newsletter import FILE --issue {issue.number} --language {language}'"


def _editorial(editorial: Editorial, issue: Issue) -> Iterator[Problem]:
    language = editorial.language
    place = f"editorial {language}"
    remedy = f"correct the file and run {_import_text(issue, language)}"
    if not editorial.title.strip():
        yield Problem("error", place, "it has no title", remedy, "translation", language)
    if not editorial.body.strip():
        yield Problem("error", place, "it has no text", remedy, "translation", language)
    elif not plain_blocks(editorial.body):
        text = "nothing of its text would be seen: it holds no more than marks or notes"
        yield Problem("error", place, text, remedy, "translation", language)
    marks = dict.fromkeys(_MARK.findall(editorial.body))
    notes = [str(note["mark"]) for note in editorial.footnotes]
    for mark in marks:
        if mark not in notes:
            text = f"the text refers to note {mark}, which is not there"
            yield Problem("error", place, text, remedy, "notes", language)
    for mark in notes:
        if mark not in marks:
            text = f"note {mark} stands below the text but nothing refers to it"
            remedy = f"write [^{mark}] where it belongs"
            yield Problem("warning", place, text, remedy, "notes", language)


def _image(issue: Issue, publication: Publication) -> Iterator[Problem]:
    if issue.image_name is None:
        if issue.image_expected:
            yield Problem(
                "warning",
                "image",
                "the text says that a featured image stands there, but none is given",
                "name the image in an issue file and run "
                f"'newsletter import FILE --issue {issue.number}', or send without one",
            )
        return
    for language in lacking_words(issue.image_alts, publication.languages):
        yield Problem(
            "error",
            "image",
            f"it has no words in '{language}' for readers who do not see it",
            f"say what is on it in '{language}' (alternative text) in the issue file, or write "
            "image_decorative = true there if it tells nothing",
            "alternative text",
            language,
        )


def _hosted(publication: Publication) -> Iterator[Problem]:
    if publication.hosted_images:
        yield Problem(
            "warning",
            "publication",
            "mails fetch their pictures from our own https address: whoever opens one is seen "
            "doing so, by our server and by the network on the way (never in text-only and "
            "discreet mail)",
            "'newsletter publication set hosted_images false' puts the pictures into the mail",
            "remote content",
        )


def _logo(publication: Publication) -> Iterator[Problem]:
    if publication.logo_name is None:
        return
    for language in publication.languages:
        if not publication.logo_alts.get(language, "").strip():
            yield Problem(
                "error",
                "logo",
                f"it has no words in '{language}' for readers who do not see it",
                f"give it anew: 'newsletter publication logo FILE --alt {language}=\"…\" …'",
                "alternative text",
                language,
            )


def _resources(issue: Issue, publication: Publication) -> Iterator[Problem]:
    ordered = in_order(issue.resources)
    languages = publication.languages
    if not ordered and issue.editorials:
        text = "there are no resources in this issue"
        yield Problem("warning", "resources", text, "run 'newsletter resources list'")
    for resource in ordered:
        yield from _resource(resource, languages)
    for later, earlier in twins(ordered, languages).items():
        one, other = ordered[later], ordered[earlier]
        yield Problem(
            "warning",
            f"resource {one.id}",
            f"“{_short(one, languages)}” is nearly the same as resource {other.id}{_lines(one)}",
            f"keep both, or run 'newsletter resources drop {one.id}'",
            "near duplicates",
        )
    for language in languages:
        without = sum(not r.titles.get(language) for r in ordered)
        if without:
            text = (
                f"{without} of {len(ordered)} without a title in '{language}': "
                "readers get the one there is"
            )
            remedy = f"'newsletter resources edit ID --title-in {language}=…'"
            yield Problem("warning", "resources", text, remedy, "translation", language)


def _resource(resource: Resource, languages: list[str]) -> Iterator[Problem]:
    place, title = f"resource {resource.id}", _short(resource, languages)
    if resource.category is None:
        yield Problem(
            "warning",
            place,
            f"“{title}” stands under no category{_lines(resource)}",
            f"'newsletter resources move {resource.id} --category NAME'",
            "category",
        )
    if not any(resource.urls.values()):
        yield Problem(
            "warning",
            place,
            f"“{title}” has no link{_lines(resource)}",
            f"'newsletter resources edit {resource.id} --url https://…'",
            "links",
        )


def _short(resource: Resource, languages: list[str]) -> str:
    title = title_of(resource, languages)
    return title if len(title) <= 60 else f"{title[:59].rstrip()}…"


def _lines(resource: Resource) -> str:
    return f" (line {resource.lines[0]})" if resource.lines else ""
