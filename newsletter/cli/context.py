"""What every command works with: the home, its services, and the two kinds of transaction.

Nothing of the rooms is imported before a command asks for it, so that help comes at once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from newsletter.app import Services
    from newsletter.editorial.models import Issue, Publication

PublicationOption = Annotated[
    str | None,
    typer.Option(
        "--publication",
        "-p",
        metavar="SLUG",
        help="Which publication; needed only when there are several.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines, nothing else.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
EmailArgument = Annotated[str, typer.Argument(metavar="ADDRESS", help="A mail address.")]
LARGEST = 2_147_483_647
"""The largest number that the databases have room for."""
Number = Annotated[
    int, typer.Argument(metavar="N", min=1, max=LARGEST, help="The number of the issue.")
]
FILE_LIMIT = 20_000_000
"""Bytes: more than any post, and than a list of a quarter of a million readers."""
MAIL_LIMIT = 1_000_000
LIST_LIMIT = 2_000_000_000
"""Bytes of a list that is read piece by piece: tens of millions of readers."""


def examples(*commands: str) -> str:
    """The examples under a command's help, one line each."""
    return "Examples:\n\n" + "\n\n".join(f"  {command}" for command in commands)


@dataclass
class Desk:
    """One run of the command: where the home is, and the services once somebody needs them."""

    given: Path | None = None
    debug: bool = False
    _services: list[Services] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """The home in force: the one given, NEWSLETTER_HOME, or this user's own."""
        from newsletter.core.settings import default_home

        return self.given.expanduser().resolve() if self.given else default_home()

    def services(self) -> Services:
        """The opened home; ConfigurationError says what is missing."""
        if not self._services:
            from newsletter.app import open_services

            self.adopt(open_services(self.home))
        return self._services[0]

    def adopt(self, services: Services, *, to_stderr: bool = False) -> None:
        """Work with services that were made elsewhere, and close them at the end."""
        from newsletter.cli.failures import log_file
        from newsletter.core import log

        self._services[:] = [services]
        level = services.settings.logging.level
        log.configure(level, file=log_file(self.home), to_stderr=to_stderr)

    def close(self) -> None:
        """Let go of the database."""
        for services in self._services:
            services.close()
        self._services.clear()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """The one transaction of a command that changes something."""
        from newsletter.core.db import writing

        with writing(self.services().engine) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """The one transaction of a command that only looks."""
        from newsletter.core.db import reading

        with reading(self.services().engine) as session:
            yield session


def desk_of(ctx: typer.Context) -> Desk:
    """The desk that the program laid out before the command began."""
    desk = ctx.find_object(Desk)
    assert desk is not None  # noqa: S101
    return desk


def issue_of(session: Session, slug: str | None, number: int) -> tuple[Publication, Issue]:
    """The publication and its issue of this number; NotFound names what there is."""
    from newsletter.editorial import issues, publications

    publication = publications.get(session, slug)
    return publication, issues.get(session, publication, number)


def read_file(path: Path, limit: int = FILE_LIMIT) -> bytes:
    """The bytes of a file the editor named, `limit` at the most.

    InputError when there is no such file, when it is larger, or when it is a device or a pipe,
    which may never end.
    """
    from newsletter.core.errors import InputError

    try:
        with open_file(path, limit) as file:
            return bounded(file, limit, str(path), "file")
    except OSError as err:
        raise InputError(str(path), _unreadable(err)) from err


def open_file(path: Path, limit: int = LIST_LIMIT) -> BinaryIO:
    """A file the editor named, open for reading piece by piece; InputError as of `read_file`."""
    from newsletter.core.errors import InputError

    try:
        file = open(path, "rb", opener=_at_once)  # noqa: SIM115  (the caller closes)
    except OSError as err:
        raise InputError(str(path), _unreadable(err)) from err
    try:
        status = os.fstat(file.fileno())
        _require_regular(path, status.st_mode)
        _require_small(status.st_size, limit, str(path), "file")
    except BaseException:
        file.close()
        raise
    return file


def _unreadable(err: OSError) -> str:
    if isinstance(err, FileNotFoundError | NotADirectoryError):
        return (
            "there is no such file; mend the path (it counts from the directory you are in, and "
            "one with spaces stands in quotation marks)"
        )
    if isinstance(err, IsADirectoryError):
        return "this is a directory; name one file in it"
    if isinstance(err, PermissionError):
        return "this user may not read the file; give it the right to (chmod u+r)"
    return f"the file cannot be read: {(err.strerror or 'no reason given').lower()}"


def _at_once(path: str, flags: int) -> int:
    # A pipe that nobody writes into would otherwise hold up the opening already.
    return os.open(path, flags | os.O_NONBLOCK)


def _require_regular(path: Path, mode: int) -> None:
    from newsletter.core.errors import InputError

    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise InputError(str(path), "this is no regular file; name one that holds the text")


def bounded(source: IO[bytes], limit: int, field: str, what: str) -> bytes:
    """All that is in the source; InputError when that is more than `limit` bytes."""
    data = source.read(limit + 1)
    _require_small(len(data), limit, field, what)
    return data


def _require_small(size: int, limit: int, field: str, what: str) -> None:
    from newsletter.core.errors import InputError

    if size > limit:
        allowed = limit // 1_000_000
        raise InputError(field, f"the {what} is larger than {allowed} MB; give a smaller one")


def write_file(path: Path, data: bytes) -> None:
    """Write what the editor asked for, making its directory; InputError when that fails."""
    from newsletter.core.errors import InputError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as err:
        reason = (err.strerror or "it cannot be written").lower()
        raise InputError(str(path), f"the file cannot be written: {reason}") from err


def pairs(given: list[str] | None, option: str, form: str = "my=…") -> dict[str, str]:
    """`my=…` pairs as a mapping; InputError shows how to write one."""
    from newsletter.core.errors import InputError

    found: dict[str, Any] = {}
    for item in given or []:
        key, sign, value = item.partition("=")
        if not sign or not key.strip():
            raise InputError(option, f"write it as {option} {form}, not '{item}'")
        found[key.strip()] = value.strip()
    return found
