"""From an error to one sentence and an exit code: 2 for input to mend, 1 for a failure.

A traceback goes into the log, with addresses taken out of it, and never onto the screen
unless --debug asks for it.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

from newsletter.core.errors import InputError, NewsletterError, NotAllowedNow, TokenError

TO_MEND = 2
FAILED = 1


def exit_code(err: BaseException) -> int:
    """2 when the person at the keyboard can mend it, 1 when the installation must be looked at."""
    return TO_MEND if isinstance(err, InputError | NotAllowedNow | TokenError) else FAILED


def report(err: BaseException, home: Path, *, machine: bool, debug: bool) -> int:
    """Say the error on standard error and return the exit code."""
    code = exit_code(err)
    sentence = str(err) if isinstance(err, NewsletterError) else _unexpected(err)
    if code == FAILED:
        log = write_log(err, home)
        sentence += f" (details: {log})" if log else ""
    if debug:
        traceback.print_exception(err, file=sys.stderr)
    show(sentence, machine=machine, err=err)
    return code


def show(sentence: str, *, machine: bool, err: BaseException | None = None, hint: str = "") -> None:
    """`error: <sentence>`, or with --json an object of the field and the message."""
    if machine:
        field = err.field if isinstance(err, InputError) else None
        message = err.message if isinstance(err, InputError) else sentence
        document = {"error": {"field": field or None, "message": message}}
        sys.stderr.write(json.dumps(document, ensure_ascii=False) + "\n")
        return
    from newsletter.cli.output import clean

    sys.stderr.write(clean(f"error: {sentence}\n" + (f"{hint}\n" if hint else "")))


def write_log(err: BaseException, home: Path) -> Path | None:
    """Put the trace into the home's log; None when there is no home or it cannot be written."""
    if not home.is_dir():
        return None
    from newsletter.core import log

    file = log_file(home)
    log.configure(file=file, to_stderr=False)
    log.logger("cli").error("command failed", exc_info=err)
    return file if log.keeps() else None


def log_file(home: Path) -> Path:
    """Where everything is written down."""
    return home / "logs" / "newsletter.log"


def _unexpected(err: BaseException) -> str:
    if isinstance(err, OSError) and err.strerror:
        place = f" ({err.filename})" if err.filename else ""
        return f"the system refused: {err.strerror.lower()}{place}"
    from newsletter.core.log import redact

    text = redact(" ".join(str(err).split())[:160])
    return f"something unforeseen happened ({type(err).__name__}: {text}); please report it"
