"""`newsletter resources add URL …`: links are fetched, and come into the inbox with the rest."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.cli.context import MAIL_LIMIT, Desk, bounded, read_file
from newsletter.cli.output import counted, emit, note, say

if TYPE_CHECKING:
    from newsletter.editorial.pasted_links import Put


@dataclass(frozen=True)
class Given:
    """What was typed."""

    links: list[str]
    file: Path | None
    publication: str | None
    category: str | None
    byline: str | None


def refuse(**options: object) -> None:
    """InputError for what belongs to one thing, not to links: each page says its own."""
    from newsletter.core.errors import InputError

    for name, value in options.items():
        if value is not None:
            option = "--date" if name == "day" else f"--{name.replace('_', '-')}"
            raise InputError(
                option,
                "links are fetched with what their pages say; give either links or the options "
                "of one resource, and put it right with 'newsletter resources edit'",
            )


def add(desk: Desk, given: Given, *, as_json: bool) -> None:
    """Fetch the links, outside of any transaction, and put them into the inbox."""
    from newsletter.core.clock import now
    from newsletter.core.errors import InputError
    from newsletter.editorial import conversions, pasted_links, publications

    settings = desk.services().settings
    urls = [*given.links, *_of_file(given.file)]
    if not urls:
        raise InputError(str(given.file), "there is no link in it; a link starts with https://")
    with desk.reading() as session:
        owner = publications.get(session, given.publication)
        if given.category:
            publications.category(owner, given.category)
    note(f"Fetching {counted(len(dict.fromkeys(urls)), 'link')} …")
    looked = pasted_links.look(urls, settings)
    with desk.writing() as session:
        owner = publications.get(session, given.publication)
        category = publications.category(owner, given.category) if given.category else None
        done = pasted_links.put_in(
            session,
            owner,
            looked,
            category=category,
            byline=given.byline or "",
            now=(moment := now()),
        )
        rows = [_row(put) for put in done]
        notes = conversions.told(conversions.found_now(session, owner, moment))
    if as_json:
        emit({"resources": rows, "notes": notes})
    else:
        _tell(rows, notes)


def _of_file(file: Path | None) -> list[str]:
    from newsletter.editorial.pasted_links import links_in

    if file is None:
        return []
    if str(file) == "-":
        data = bounded(sys.stdin.buffer, MAIL_LIMIT, "--from", "text")
    else:
        data = read_file(file, MAIL_LIMIT)
    return links_in(data.decode("utf-8", "replace"))


def _row(put: Put) -> dict[str, Any]:
    from newsletter.cli.resources import row_of

    found = row_of(put.resource)
    return {**found, "added": not put.again, "warnings": put.problems}


def _tell(rows: list[dict[str, Any]], notes: list[str]) -> None:
    for row in rows:
        titles = " / ".join(row["titles"].values())
        if row["added"]:
            languages = ", ".join(row["titles"])
            said = f"lies in the inbox ({row['published_on']}, {languages}): {titles}"
            say(f"Resource {row['id']} {said} — By {row['byline']}")
        else:
            say(f"Resource {row['id']} lay there already; nothing was added: {titles}")
        for sentence in row["warnings"]:
            say(f"  · {sentence}", "yellow")
        if row["added"] and row["near_duplicate_of"]:
            say(f"  · it resembles resource {row['near_duplicate_of']}; look at both", "yellow")
    for sentence in notes:
        say(f"  · {sentence}", "yellow")
