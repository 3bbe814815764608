"""`newsletter doctor`: the examination told, in sentences and remedies, and records to copy."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.context import JsonOption, PublicationOption, desk_of, examples
from newsletter.cli.output import console, counted, emit, hanging, listed, say

if TYPE_CHECKING:
    from rich.console import Console

    from newsletter.doctor.examining import Examination
    from newsletter.doctor.findings import Finding, Record

_STYLES = {"good": "green", "not known": "cyan", "warning": "yellow", "bad": "red"}
_STATES = {"right": "green", "to set": "yellow", "to change": "yellow", "not known": "cyan"}
_CODES = {"good": 0, "bad": 1, "warning": 3, "not known": 4}
_FRONT = 11


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "newsletter doctor",
            "newsletter doctor --publication weekly --json",
        )
    )(doctor)


def doctor(
    ctx: typer.Context,
    publication: PublicationOption = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask nobody: no name server, no mail server, no page.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at everything mail hangs on: home, keys, mail server, public address, DNS, clock.

    Prints the DNS records to set. Ends with 1 when something is bad, 3 when the worst is a
    warning, 4 when something is only not known, else 0.
    """
    from newsletter.core.clock import now
    from newsletter.doctor.examining import examined

    desk = desk_of(ctx)
    found = examined(desk.home, now(), slug=publication, offline=offline)
    if as_json:
        emit({"home": str(desk.home), **_as_data(found)})
    else:
        _tell(found)
    if code := _CODES[found.verdict.value]:
        raise typer.Exit(code)


def _as_data(found: Examination) -> dict[str, Any]:
    findings = [
        {"area": area, **asdict(one), "verdict": one.verdict.value}
        for area, part in found.parts.items()
        for one in part
    ]
    records = [{**asdict(one), "state": one.state.value, "line": one.line} for one in found.records]
    healthy = found.verdict.value != "bad"
    verdict = found.verdict.value
    return {"healthy": healthy, "verdict": verdict, "findings": findings, "records": records}


def _tell(found: Examination) -> None:
    place = console()
    for area, part in found.parts.items():
        if part:
            place.print(f"{area[:1].upper()}{area[1:]}", style="bold")
            for one in part:
                _tell_finding(place, one)
            place.print()
    _tell_records(place, found.records)
    _sum_up(found)


def _tell_finding(place: Console, one: Finding) -> None:
    verdict = one.verdict.value
    start = f"  {verdict:{_FRONT}}"
    hanging(place, start, f"{one.subject}: {one.found}", _STYLES[verdict])
    blank = " " * (_FRONT + 2)
    if one.remedy:
        hanging(place, f"{blank}→ ", one.remedy)
    if verdict in {"bad", "warning"} and (one.rule or one.source):
        why = f"{one.rule} ({one.source})" if one.rule and one.source else one.rule or one.source
        hanging(place, f"{blank}  ", why, "dim")


def _tell_records(place: Console, records: list[Record]) -> None:
    """Each by name, kind and value, as the pages of domain registrars ask for them."""
    if not records:
        return
    place.print("What the DNS should say", style="bold")
    for one in records:
        hanging(place, f"  {one.state.value:{_FRONT}}", one.why, _STATES[one.state.value])
        _line("name", one.name)
        _line("type", one.kind)
        if one.state.value == "right":
            _line("value", one.value if len(one.value) < 100 else f"{one.value[:60]}… (as it is)")
            continue
        for there in one.there:
            _line("now", there)
        _line("value", one.value)
    place.print()
    waiting = [one for one in records if one.state.value != "right"]
    if waiting:
        place.print("The same as lines of a zone file", style="bold")
        for one in waiting:
            typer.echo(one.line)
        place.print()


def _line(name: str, value: str) -> None:
    """Never wrapped, so that it can be copied as a whole."""
    say(f"{' ' * (_FRONT + 2)}{name:7}{value}")


def _sum_up(found: Examination) -> None:
    verdicts = [one.verdict.value for one in found.findings]
    bad, warnings = verdicts.count("bad"), verdicts.count("warning")
    unknown = verdicts.count("not known")
    parts = [f"{bad} bad"] if bad else []
    parts += [counted(warnings, "warning")] if warnings else []
    parts += [f"{unknown} not known"] if unknown else []
    good = f"{verdicts.count('good')} good"
    text = f"{listed(parts)}, {good}." if parts else f"All {good}."
    say(text, _STYLES[found.verdict.value])
    if bad:
        say("Mend what is bad first: it keeps mail from leaving, or from being believed.")
