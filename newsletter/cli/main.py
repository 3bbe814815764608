"""The program `newsletter`: all commands, the global options, and the one way out.

Light on purpose: typer and the small files beside this one. What is heavy (database, web,
templates) is imported inside the command that needs it.
"""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from newsletter import __version__
from newsletter.cli import (
    auditing,
    bounces,
    burmese,
    dkim,
    doctor,
    files,
    issues,
    keyholders,
    keys,
    moving,
    publication,
    purging,
    resources,
    restored,
    restoring,
    returned,
    roles,
    safekeeping,
    sending,
    serving,
    setup,
    sources,
    subscribers,
    suppressing,
    withdrawing,
)
from newsletter.cli.context import Desk
from newsletter.cli.failures import TO_MEND, report, show

_LATE = {"demo": ("newsletter.cli.demo", "Watch a sample issue go the whole way, on this machine.")}
_GLOBAL_FLAGS = ("--debug",)
_GLOBAL_VALUES = ("--home",)


class LateCommand(TyperCommand):
    """A command whose file is imported only when it is run or asked for its help."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Load the real command and hand over to it."""
        module = importlib.import_module(_LATE[str(self.name)][0])
        maker = typer.Typer(add_completion=False)
        maker.command(name=self.name)(getattr(module, str(self.name)))
        real = typer.main.get_command(maker)
        return real.make_context(info_name, args, parent, **extra)


class Root(TyperGroup):
    """The command itself: global options anywhere on the line, late commands, errors in words."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order in which an editor meets them."""
        return [*super().list_commands(ctx), *_LATE]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name."""
        if cmd_name in _LATE:
            return LateCommand(name=cmd_name, help=_LATE[cmd_name][1])
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take --home and --debug from wherever they stand on the line."""
        return super().parse_args(ctx, hoist(args))

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:
        """Run, and leave with 0 (done), 2 (input to mend) or 1 (failure)."""
        given = list(sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        sys.exit(self._guarded(given, rest, extra))

    def _guarded(self, given: list[str], rest: tuple[Any, ...], extra: dict[str, Any]) -> int:
        machine = "--json" in given
        try:
            code = super().main(given, *rest, **extra)
        except TyperException as err:
            return _usage(err, machine=machine)
        except typer.Abort:
            show("no answer was given; add --yes to be asked nothing", machine=machine)
            return TO_MEND
        except Exception as err:  # noqa: BLE001  (the last door: every error leaves as a sentence)
            desk = _desk(given)
            return report(err, desk.home, machine=machine, debug=desk.debug)
        return code if isinstance(code, int) else 0


def hoist(args: list[str]) -> list[str]:
    """The line with the global options first, so that they may stand anywhere."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(args)
    for arg in waiting:
        if arg == "--":
            return [*front, *rest, arg, *waiting]
        if arg in _GLOBAL_FLAGS or arg.startswith(tuple(f"{v}=" for v in _GLOBAL_VALUES)):
            front.append(arg)
        elif arg in _GLOBAL_VALUES:
            front += [arg, *[value for value in [next(waiting, None)] if value is not None]]
        else:
            rest.append(arg)
    return [*front, *rest]


def _desk(given: list[str]) -> Desk:
    line = hoist(given)
    home = None
    for index, arg in enumerate(line):
        if arg.startswith("--home="):
            home = arg.partition("=")[2]
        elif arg == "--home":
            home = "".join(line[index + 1 : index + 2])
    return Desk(Path(home) if home else None, "--debug" in line)


_PLAIN = (
    (": Input should be ", ": it must be "),
    (": Value error, ", ": "),
    ("a valid integer, unable to parse string as an integer", "a whole number, such as 3"),
    ("a valid number, unable to parse string as a number", "a number, such as 2.5"),
)


def _usage(err: TyperException, *, machine: bool) -> int:
    if type(err).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(err.format_message() + "\n")
        return TO_MEND
    sentence = " ".join(err.format_message().split()).rstrip(".")
    for said, plain in _PLAIN:
        sentence = sentence.replace(said, plain)
    context = getattr(err, "ctx", None)
    hint = f"'{context.command_path} --help' shows how" if context is not None else ""
    show(sentence[:1].lower() + sentence[1:], machine=machine, hint=hint)
    return TO_MEND


app = typer.Typer(
    name="newsletter",
    cls=Root,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"newsletter {__version__}\n")
        raise typer.Exit


@app.callback()
def newsletter(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Where database, key and logs lie (or NEWSLETTER_HOME).",
        ),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the trace of an error on the screen.")
    ] = False,
    _said: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """A weekly newsletter in several languages: collect, assemble, approve, send, and let go.

    A first week: init, import (or resources add), show, check, preview, approve, send.
    """
    if ctx.resilient_parsing:
        return
    desk = Desk(home, debug)
    ctx.obj = desk
    ctx.call_on_close(desk.close)


for room in (
    setup,
    doctor,
    files,
    issues,
    burmese,
    resources,
    sources,
    sending,
    withdrawing,
    returned,
    subscribers,
    suppressing,
    bounces,
    publication,
    auditing,
    serving,
    roles,
):
    room.register(app)
for room in (keys, dkim, safekeeping, restoring, restored, moving, purging, keyholders):
    room.register(app)


def run() -> None:
    """The entry of the installed command; it speaks UTF-8 whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    app()
