"""`newsletter burmese`: what was converted or put right, what is asked, and the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.context import (
    LARGEST,
    JsonOption,
    PublicationOption,
    desk_of,
    examples,
    issue_of,
)
from newsletter.cli.output import console, counted, emit, hanging, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from newsletter.editorial.deciding import Answer
    from newsletter.editorial.models import Conversion, Issue, Publication

_ALL = "all"
_LINES = 6
"""Differing lines shown of one text; --json has them all."""
_SAID = {
    "asked": "which is right?",
    "converted": "converted, check it",
    "normalised": "put right",
    "accepted": "the proposed text was taken",
    "kept": "the original was kept",
    "replaced": "written anew since",
}
_COLOURS = {"asked": "red", "converted": "yellow"}

Numbers = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="ID", help="Take the proposed text; an id, or all."),
]
Kept = Annotated[
    list[str] | None,
    typer.Option("--keep", metavar="ID", help="Keep the original, or put it back; id, or all."),
]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(
        epilog=examples(
            "newsletter burmese 3   (--accept all takes every proposed text)",
            "newsletter burmese 3 --accept 12 --keep 13",
        )
    )(burmese)


def burmese(
    ctx: typer.Context,
    number: Annotated[
        int | None,
        typer.Argument(
            metavar="[N]", min=1, max=LARGEST, help="An issue; else the settings and the inbox."
        ),
    ] = None,
    *,
    accept: Numbers = None,
    keep: Kept = None,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show texts that came in the old Zawgyi encoding or mistyped, and answer what is asked.

    Original and proposed text stand one above the other. "all" answers everything still asked.
    """
    from newsletter.core.clock import now

    desk = desk_of(ctx)
    if accept or keep:
        with desk.writing() as session:
            owner, issue, rows = _rows(session, publication, number)
            done = _answer(session, rows, accept or [], keep or [], now())
            told = _told(session, _rows(session, publication, number)[2])
            slug, status = owner.slug, issue.status if issue else None
    else:
        with desk.reading() as session:
            owner, issue, rows = _rows(session, publication, number)
            told, done, slug, status = _told(session, rows), [], owner.slug, None
    if as_json:
        emit({"publication": slug, "number": number, "answered": done, "texts": told})
        return
    if accept or keep:
        _tell_answers(done, told, number, status)
    else:
        _tell(told, number)


def _rows(
    session: Session, slug: str | None, number: int | None
) -> tuple[Publication, Issue | None, list[Conversion]]:
    from newsletter.editorial import publications, questions

    if number is None:
        owner = publications.get(session, slug)
        return owner, None, questions.of_desk(session, owner)
    owner, issue = issue_of(session, slug, number)
    return owner, issue, questions.of_issue(session, issue)


def _answer(
    session: Session, rows: list[Conversion], accept: list[str], keep: list[str], now: Any
) -> list[int]:
    """The ids of what was answered otherwise than before."""
    from newsletter.editorial import deciding

    wanted: list[tuple[Conversion, Answer]] = [
        *((row, "accept") for row in _meant(session, rows, accept, "--accept")),
        *((row, "keep") for row in _meant(session, rows, keep, "--keep")),
    ]
    _require_one_answer([row.id for row, _ in wanted])
    return [row.id for row, said in wanted if deciding.decide(session, row, said, now=now)]


def _meant(
    session: Session, rows: list[Conversion], given: list[str], option: str
) -> list[Conversion]:
    from newsletter.core.errors import InputError
    from newsletter.editorial import deciding, questions

    parts = [part.strip() for one in given for part in one.split(",") if part.strip()]
    if _ALL in parts:
        there = questions.standing(session, rows)
        return [row for row in rows if questions.is_open(row, there[row.id])]
    strange = next((part for part in parts if not part.isascii() or not part.isdigit()), None)
    if strange is not None:
        raise InputError(option, f"'{strange}' is no id; write {option} 12, or {option} all")
    return [deciding.chosen(rows, int(part)) for part in dict.fromkeys(parts)]


def _require_one_answer(ids: Sequence[int]) -> None:
    from newsletter.core.errors import InputError

    twice = next((number for number in ids if list(ids).count(number) > 1), None)
    if twice is not None:
        raise InputError("--keep", f"{twice} cannot be accepted and kept at once")


def _told(session: Session, rows: list[Conversion]) -> list[dict[str, Any]]:
    from newsletter.editorial import questions

    there = questions.standing(session, rows)
    return [_one(row, there[row.id]) for row in rows]


def _one(row: Conversion, now_there: str | None) -> dict[str, Any]:
    from newsletter.editorial import conversions, questions

    is_open = questions.is_open(row, now_there)
    moot = row.state == conversions.State.ASKED and not is_open
    gone = moot or now_there not in (row.original, row.proposed)
    return {
        "id": row.id,
        "place": conversions.place_of(row),
        "language": row.language,
        "state": "replaced" if gone else str(row.state),
        "open": is_open,
        "original": row.original,
        "proposed": row.proposed,
        "reasons": list(row.reasons),
        "found_at": row.found_at.isoformat(),
        "decided_at": row.decided_at.isoformat() if row.decided_at else None,
    }


def _tell(told: list[dict[str, Any]], number: int | None) -> None:
    where = f"issue {number}" if number else "the settings and the inbox"
    if not told:
        say(f"Nothing in {where} was converted, put right or asked.")
        return
    for one in told:
        say(f"{one['id']:>5}  {one['place']}: {_SAID[one['state']]}", _COLOURS.get(one["state"]))
        for reason in one["reasons"]:
            hanging(console(), "       · ", reason)
        _tell_both(one["original"], one["proposed"])
    _tell_open(told, number)


def _tell_both(original: str, proposed: str) -> None:
    pairs = _differing(original, proposed)
    for before, after in pairs[:_LINES]:
        hanging(console(), "       original  ", before)
        hanging(console(), "       proposed  ", after)
    if len(pairs) > _LINES:
        say(f"       and {counted(len(pairs) - _LINES, 'line')} more; --json shows all")


def _differing(original: str, proposed: str) -> list[tuple[str, str]]:
    """The lines that differ, paired; both texts whole when their lines do not pair."""
    before, after = original.split("\n"), proposed.split("\n")
    if len(before) != len(after):
        return [(original, proposed)]
    return [(a, b) for a, b in zip(before, after, strict=True) if a != b]


def _tell_answers(
    done: list[int], told: list[dict[str, Any]], number: int | None, status: str | None
) -> None:
    named = ", ".join(str(one) for one in done)
    say(f"Answered: {named}." if done else "Nothing changed: it was answered so before.", "green")
    if status == "draft" and done:
        say(f"Issue {number} is a draft.")
    _tell_open(told, number)


def _tell_open(told: list[dict[str, Any]], number: int | None) -> None:
    waiting = [one["id"] for one in told if one["open"]]
    command = f"newsletter burmese {number}" if number else "newsletter burmese"
    if waiting:
        say(f"{counted(len(waiting), 'question')} to answer before the issue can be approved:")
        say(f"  {command} --accept {waiting[0]}   (the proposed text takes its place; or all)")
        say(f"  {command} --keep {waiting[0]}     (the original is right as it is; or all)")
    elif number:
        say(f"Nothing is asked. Next: newsletter check {number}")
