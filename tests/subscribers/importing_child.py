"""`newsletter` in a process that kills itself in the middle of an import: `N before|after` …

`before`: at the n-th chunk, when its rows lie in the transaction and are not committed yet.
`after`: as soon as that chunk is committed.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import Any

from newsletter.cli.context import Desk
from newsletter.cli.main import run
from subscribers import importing, list_imports


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Take the two words off the command line and run the rest."""
    count, moment = int(sys.argv.pop(1)), sys.argv.pop(1)
    stored = 0
    importing.CHUNK = 100  # type: ignore[attr-defined]
    real_advance, real_writing = list_imports.advance, Desk.writing

    def advance(*args: Any) -> None:
        nonlocal stored
        real_advance(*args)
        stored += 1
        if stored == count and moment == "before":
            _die()

    @contextmanager
    def writing(desk: Desk) -> Any:
        with real_writing(desk) as session:
            yield session
        if stored == count and moment == "after":
            _die()

    list_imports.advance = advance  # type: ignore[assignment]
    Desk.writing = writing  # type: ignore[method-assign,assignment]
    run()


if __name__ == "__main__":
    main()
