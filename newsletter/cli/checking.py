"""`newsletter check N`: every problem of an issue, edition by edition, with place and remedy."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.context import JsonOption, Number, PublicationOption, desk_of, issue_of
from newsletter.cli.output import LEVELS, console, counted, emit, note, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.cli.context import Desk
    from newsletter.core.link_settings import Links
    from newsletter.delivery.preflight import Edition, LinkFound, Report
    from newsletter.editorial.checks import Problem
    from newsletter.editorial.preflight.link_states import Tried

_ENOUGH = 3
"""Sites without any answer from which it is more likely that we have no network."""


def check(
    ctx: typer.Context,
    number: Number,
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="Try no link; count what was found before.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Try every link again, however lately it was tried.")
    ] = False,
    opens: Annotated[
        list[str] | None,
        typer.Option(
            "--opens", metavar="URL", help="You opened this link yourself, and it is good."
        ),
    ] = None,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look whether an issue can be approved; ends with 2 when something must be mended first.

    Tries links that were not tried for a day; each problem is listed with what to do about it.
    """
    from newsletter.core.clock import now
    from newsletter.delivery import preflight

    desk = desk_of(ctx)
    if opens:
        _believe(desk, publication, number, opens)
    if not offline:
        _try_links(desk, publication, number, fresh=fresh)
    with desk.reading() as session:
        owner, issue = issue_of(session, publication, number)
        report = preflight.report(desk.services(), session, issue, now())
        slug = owner.slug
    if as_json:
        emit(_as_json(report, slug, number))
    else:
        _tell(report, number)
    if not report.ready:
        raise typer.Exit(2)


def _believe(desk: Desk, publication: str | None, number: int, opened: list[str]) -> None:
    """Keep it that an editor opened these links of the issue."""
    from newsletter.core.clock import now
    from newsletter.core.errors import InputError
    from newsletter.editorial.preflight import link_checks, links

    with desk.writing() as session:
        owner, issue = issue_of(session, publication, number)
        there = {link.url for link in links.links_of(issue, owner)}
        for url in opened:
            if url not in there:
                raise InputError("--opens", f"issue {number} has no link {url}; write it whole")
            link_checks.opened(session, url, now())


def _try_links(desk: Desk, publication: str | None, number: int, *, fresh: bool) -> None:
    """Try what is due, outside of any transaction, and keep what was found."""
    from newsletter.core.clock import now
    from newsletter.core.visiting import Rules
    from newsletter.editorial.preflight import link_checks, link_round, links

    settings = desk.services().settings.links
    with desk.reading() as session:
        owner, issue = issue_of(session, publication, number)
        urls = [link.url for link in links.links_of(issue, owner)]
        keep_for = timedelta(hours=settings.keep_hours)
        due = link_checks.due(session, urls, now(), keep_for, fresh=fresh)
    if not due:
        return
    rules = Rules(seconds=settings.seconds, loopback=settings.loopback)
    with _progress(len(due)) as step:
        found = list(_stepped(link_round.try_links(due, rules, _pace(settings), now), step))
    if link_round.seems_offline(found, _ENOUGH):
        note("No link gave any answer: this machine seems to have no network. Nothing was kept.")
        return
    with desk.writing() as session:
        link_checks.keep(session, found)


def _pace(settings: Links) -> Any:
    from newsletter.editorial.preflight.link_round import Pace

    return Pace(settings.at_once, settings.whole_seconds)


def _stepped(tried: Iterable[Tried], step: Callable[[], None]) -> Iterator[Tried]:
    for one in tried:
        step()
        yield one


@contextmanager
def _progress(count: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error when somebody looks on, else one line."""
    if not sys.stderr.isatty():
        note(f"Trying {counted(count, 'link')} …")
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("trying links"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=count)
        yield lambda: bar.advance(task)


def _tell(report: Report, number: int) -> None:
    common = report.common
    _tell_problems(common)
    told = list(common)
    for edition in report.editions:
        _tell_edition(edition, common, told)
        told += edition.problems
    _tell_links(report.links)
    errors = sum(problem.level == "error" for problem in report.problems)
    if errors:
        say(f"Issue {number} cannot be approved yet: {counted(errors, 'error')} to mend.")
    else:
        say(f"Issue {number} can be approved. Next: newsletter preview {number} --out preview")


def _tell_edition(edition: Edition, common: list[Problem], told: list[Problem]) -> None:
    """Its figures, and what no edition before has said already."""
    figures = [f"{name:,} bytes of text" for name in [edition.text_bytes] if name]
    if edition.size:
        figures = [f"{edition.size.text} of 100 kB at most"]
    own = [problem for problem in edition.problems if problem not in common]
    new = [problem for problem in own if problem not in told]
    state = "nothing of its own" if not own else counted(len(own), "point") + " of its own"
    if len(new) < len(own):
        state += ", told above" if not new else f", {len(own) - len(new)} of them told above"
    say(f"Edition {edition.name}: {'; '.join([*figures, state])}", "bold")
    _tell_problems(new)


def _tell_problems(problems: Iterable[Problem]) -> None:
    for problem in problems:
        style = LEVELS.get(problem.level)
        say(f"{problem.level:7} {problem.place}: {problem.text}", style)
        if problem.remedy:
            say(f"        → {problem.remedy}")


def _tell_links(found: Iterable[LinkFound]) -> None:
    counts: dict[str, int] = {}
    for one in {one.link.url: one for one in found}.values():
        verdict = one.tried.verdict if one.tried else "not tried"
        counts[verdict] = counts.get(verdict, 0) + 1
    if counts:
        say("Links: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))


def _as_json(report: Report, slug: str, number: int) -> dict[str, Any]:
    return {
        "publication": slug,
        "number": number,
        "ready": report.ready,
        "problems": [_problem(problem) for problem in report.problems],
        "editions": [_edition(edition) for edition in report.editions],
        "links": [_link(found) for found in report.links],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "level": problem.level,
        "check": problem.check,
        "place": problem.place,
        "language": problem.language,
        "text": problem.text,
        "remedy": problem.remedy,
    }


def _edition(edition: Edition) -> dict[str, Any]:
    size = edition.size
    return {
        "edition": edition.name,
        "ready": edition.ready,
        "subjects": list(edition.subjects),
        "html_bytes": size.html if size else None,
        "encoded_bytes": size.encoded if size else None,
        "text_bytes": edition.text_bytes or None,
        "problems": [_problem(problem) for problem in edition.problems],
    }


def _link(found: LinkFound) -> dict[str, Any]:
    tried = found.tried
    return {
        "url": found.link.url,
        "place": found.link.place,
        "verdict": tried.verdict if tried else None,
        "status": tried.status if tried else None,
        "detail": tried.detail if tried else "",
        "checked_at": tried.checked_at.isoformat() if tried else None,
        "blocked": found.blocked.country if found.blocked else "not known",
    }
