"""Passphrases: asked without showing them, or read from a file so that a timer can run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.context import read_file

PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="FILE", help="Its first line is the passphrase."),
]


def first_line(path: Path) -> str:
    """The passphrase in a file; InputError when there is none."""
    from newsletter.core.errors import InputError

    text = read_file(path, 10_000).decode("utf-8", "replace")
    line = text.partition("\n")[0].rstrip("\r")
    if not line:
        raise InputError(str(path), "the first line is empty; write the passphrase there")
    return line


def asked(said: str, *, twice: bool) -> str:
    """What somebody types, not shown; a new one twice."""
    again = "Once more" if twice else False
    answer: str = typer.prompt(said, hide_input=True, confirmation_prompt=again, err=True)
    return answer
