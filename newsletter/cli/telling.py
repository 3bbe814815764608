"""An issue in words, for a person at a terminal."""

from __future__ import annotations

from collections import Counter
from typing import Any

from newsletter.cli.output import console, counted, hanging, listed, say

_WIDEST = 100


def tell_import(found: dict[str, Any], notes: list[str], *, name: str) -> None:
    """What a file gave, and what in it was not certain."""
    number = found["number"]
    say(f"{name} is now issue {number} of '{found['publication']}', a draft.", "green")
    for language, edition in found["editions"].items():
        paragraphs = counted(len(edition["paragraphs"]), "paragraph")
        notes_found = counted(len(edition["footnotes"]), "footnote")
        say(f'  {language}  "{edition["title"]}"  {found["date"]}: {paragraphs}, {notes_found}')
    for category, count in Counter(r["category"] for r in found["resources"]).items():
        say(f"  {counted(count, 'resource')} under {category or 'no category'}")
    _tell_warnings(found)
    for note in notes:
        say(f"  · {note}")
    say(f"Next: newsletter show {number}, then newsletter check {number}")


def tell_issue(found: dict[str, Any]) -> None:
    """Everything in an issue, the texts shortened."""
    when = f"{found['date']}, {found['week']}" if found.get("week") else found["date"]
    head = f"{found['publication']} {found['number']}  ({when}): {found['status']}"
    say(head, "bold")
    for reason in ("held_reason", "paused_reason"):
        if found.get(reason):
            say(f"  {reason.partition('_')[0]}: {found[reason]}", "yellow")
    for language, edition in found["editions"].items():
        _tell_edition(language, edition)
    category: str | None = "\0"
    for index, resource in enumerate(found["resources"]):
        if resource["category"] != category:
            category = resource["category"]
            say(f"\n{category or 'In no category'}", "bold")
        _tell_resource(index, resource)
    _tell_warnings(found)


def _tell_edition(language: str, edition: dict[str, Any]) -> None:
    say(f"\n{language}  {edition['title']}", "bold")
    authors = listed(edition["authors"]) or "nobody named"
    minutes = edition["reading_minutes"]
    say(f"  by {authors}" + (f", {counted(minutes, 'minute')} to read" if minutes else ""))
    if edition["pull_quote"]:
        say(f"  “{_short(edition['pull_quote'])}”")
    for paragraph in edition["paragraphs"]:
        say(f"  ¶ {_short(paragraph)}")
    for note in edition["footnotes"]:
        say(f"  [{note['mark']}] {_short(note['text'])}")


def _tell_resource(index: int, resource: dict[str, Any]) -> None:
    linked = any(resource["urls"].values())
    for place, (language, title) in enumerate(resource["titles"].items()):
        label = f"{resource['id']:>5}" if place == 0 else " " * 5
        say(f"{label}  {language}  {title}")
    twin = resource["near_duplicate_of"]
    remarks = [
        f"by {resource['byline'] or 'nobody named'}",
        *([] if linked else ["no link"]),
        *(
            []
            if twin is None
            else [f"nearly the same as no. {twin + 1} here (this is {index + 1})"]
        ),
    ]
    say(f"       {', '.join(remarks)}")


def _tell_warnings(found: dict[str, Any]) -> None:
    for warning in found["warnings"]:
        line = f"line {warning['line']}: " if warning.get("line") else ""
        hanging(console(), "  warning: ", line + warning["text"], "yellow")


def _short(text: str) -> str:
    from newsletter.language.cutting import cut

    return cut(text, max(20, min(console().width, _WIDEST) - 6))
