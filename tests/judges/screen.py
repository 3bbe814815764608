"""A screen that nobody sees, for programs that want one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.judges.bench import CannotJudge

SIZE = "1000x1400x24"


@contextmanager
def screen(scratch: Path) -> Iterator[str]:
    """Its name, as DISPLAY wants it; the server finds a free number by itself."""
    program = shutil.which("Xvfb")
    if program is None:
        raise CannotJudge("Xvfb is not installed (Debian package xvfb)")
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [program, "-displayfd", str(writing), "-screen", "0", SIZE, "-nolisten", "tcp"],
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        if not number:
            raise CannotJudge("Xvfb did not start")
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(timeout=15)
