"""Files in and out: import, export."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.context import (
    LARGEST,
    Desk,
    JsonOption,
    Number,
    PublicationOption,
    desk_of,
    examples,
    issue_of,
    read_file,
    write_file,
)
from newsletter.cli.output import emit, say
from newsletter.cli.telling import tell_import


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(
        "import",
        epilog=examples(
            "newsletter import week-47.txt",
            "newsletter import burmese.md --issue 3",
        ),
    )(import_)
    exporting = typer.Typer(no_args_is_help=True, help="Write things out as files.")
    exporting.command(
        "issue",
        epilog=examples(
            "newsletter export issue 3 > issue-3.md", "newsletter export issue 3 --out issue-3.md"
        ),
    )(export_issue)
    app.add_typer(exporting, name="export")


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A weekly post, or an issue file.")],
    *,
    publication: PublicationOption = None,
    language: Annotated[
        str | None, typer.Option("--language", metavar="LANG", help="Language of the editorial.")
    ] = None,
    category: Annotated[
        str | None, typer.Option("--category", help="For resources that stand under no heading.")
    ] = None,
    issue: Annotated[
        int | None,
        typer.Option(
            "--issue",
            metavar="N",
            min=1,
            max=LARGEST,
            help="Write only its texts and image, into this one.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read a published weekly post, or the project's own issue file, into a draft issue.

    What was not understood is reported with its line. The same file twice changes nothing.
    With --issue a translation or a corrected text goes into an issue that is there.
    """
    desk = desk_of(ctx)
    if issue is not None:
        _rewrite(desk, publication, issue, file, language=language, as_json=as_json)
    else:
        _store(desk, publication, file, language=language, category=category, as_json=as_json)


def _store(
    desk: Desk,
    publication: str | None,
    file: Path,
    *,
    language: str | None,
    category: str | None,
    as_json: bool,
) -> None:
    from newsletter.core.clock import now
    from newsletter.editorial import importing, issues, publications

    data = read_file(file)
    settings = desk.services().settings
    with _as_typed(file), desk.writing() as session:
        owner = publications.get(session, publication)
        done = importing.store(
            session,
            owner,
            data,
            file.name,
            language=language,
            category=publications.category(owner, category) if category else None,
            directory=file.resolve().parent,
            languages=settings.languages,
            now=now(),
        )
        found = issues.describe(done.issue, settings.languages)
        notes, again = list(done.notes), done.again
    if as_json:
        emit({**found, "again": again, "notes": notes})
    elif again:
        say(f"{'. '.join(notes)}.")
    else:
        tell_import(found, notes, name=file.name)


def _rewrite(
    desk: Desk,
    publication: str | None,
    number: int,
    file: Path,
    *,
    language: str | None,
    as_json: bool,
) -> None:
    from newsletter.core.clock import now
    from newsletter.editorial import issues
    from newsletter.editorial.rewriting import rewrite

    data = read_file(file)
    settings = desk.services().settings
    with _as_typed(file), desk.writing() as session:
        _, found = issue_of(session, publication, number)
        notes = rewrite(
            session,
            found,
            data,
            file.name,
            language=language,
            directory=file.resolve().parent,
            languages=settings.languages,
            now=now(),
        )
        described = issues.describe(found, settings.languages)
    if as_json:
        emit({**described, "again": False, "notes": notes})
        return
    say(f"Issue {number} is a draft with what {file.name} says:", "green")
    for sentence in notes:
        say(f"  · {sentence}")
    say(f"Next: newsletter show {number}, then newsletter check {number}")


@contextmanager
def _as_typed(file: Path) -> Iterator[None]:
    """An error about the file names it by the path that was typed, and not by its last part."""
    from newsletter.core.errors import InputError

    try:
        yield
    except InputError as err:
        name, colon, line = err.field.partition(":")
        if name != file.name:
            raise
        raise InputError(f"{file}{colon}{line}", err.message) from err


def export_issue(
    ctx: typer.Context,
    number: Number,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to; else standard output.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
    publication: PublicationOption = None,
) -> None:
    """Write an issue as one Markdown file with all its languages; "import" reads it again.

    With --out its image is put beside it. A language without a text gets a place to fill in.
    """
    from newsletter.editorial import exporting, pictures

    desk = desk_of(ctx)
    with desk.reading() as session:
        _, issue = issue_of(session, publication, number)
        text, image = exporting.issue_file(issue), issue.image_name
        media = desk.services().settings.media_path
        picture = pictures.load(session, image, media) if image and out else b""
    if out is None:
        typer.echo(text, nl=False)
        return
    data = {out: text.encode()}
    if image:
        data[out.parent / image] = picture
    _write_all(data, force=force)
    beside = f", its image to {out.parent / image}" if image else ""
    say(f"Issue {number} is written to {out}{beside}.")


def _write_all(files: dict[Path, bytes], *, force: bool) -> None:
    """Write all files or, when one of them is there with other content, none."""
    from newsletter.core.errors import InputError

    for path, data in files.items():
        if path.exists() and not force and not (path.is_file() and path.read_bytes() == data):
            raise InputError("--out", f"{path} is there already; --force writes over it")
    directory = next(iter(files)).parent
    if not directory.exists():
        say(f"Making the directory {directory}.")
    for path, data in files.items():
        write_file(path, data)
