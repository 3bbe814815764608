"""Help teaches: every command says what it does and shows two lines that can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from newsletter.cli.main import app


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(_commands(typer.main.get_command(app)))


def test_every_deed_of_an_editor_is_there() -> None:
    wanted = "init import assemble show check preview submit approve schedule send status pause"
    wanted += " resume cancel settle serve migrate doctor audit backup restore purge"
    groups = {
        "resources": "add list edit move drop",
        "subscribers": "add import list growth find story export remove leave erase",
        "publication": "show set apply form",
        "export": "issue",
        "keyholders": "add list remove",
    }
    named: list[tuple[str, ...]] = [(name,) for name in wanted.split()]
    named += [(group, name) for group, names in groups.items() for name in names.split()]
    assert set(named) <= set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_examples_can_be_typed(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    _, *lines = command.epilog.split("\n\n")
    assert len(lines) == 2
    options = {
        option for param in command.params for option in (*param.opts, *param.secondary_opts)
    }
    for line in lines:
        typed = shlex.split(re.sub(r"\s+\(.*\)$", "", line).partition(" > ")[0])
        assert typed[: len(path) + 1] == ["newsletter", *path] or path[-1] == "apply"
        used = {word.partition("=")[0] for word in typed if re.match(r"--?[a-z]", word)}
        assert used <= options | {"--home"}


def test_command_without_its_argument_says_how() -> None:
    done = CliRunner().invoke(app, ["show"])
    assert done.exit_code == 2
    assert done.stderr == "error: missing argument 'N'\n'newsletter show --help' shows how\n"


def test_unknown_option_is_an_error_object_with_json() -> None:
    done = CliRunner().invoke(app, ["status", "--json", "--colour"])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert '"message": "no such option: --colour"' in done.stderr


def test_version() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout[:11]) == (0, "newsletter ")
