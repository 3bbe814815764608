"""Debian's WebKitGTK in the system's Python, which has its bindings; questions go by lines."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.judges.bench import CannotJudge, clean_environment
from tests.judges.screen import screen

_PROGRAM = Path(__file__).parent / "webkit_window.py"


@contextmanager
def session(scratch: Path) -> Iterator[Callable[[dict[str, str]], str]]:
    """A window; a question is answered by what the script in it gave."""
    with screen(scratch) as display:
        process = subprocess.Popen(
            ["/usr/bin/python3", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **clean_environment(),
                "DISPLAY": display,
                "GDK_BACKEND": "x11",
                "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
                "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
                "LIBGL_ALWAYS_SOFTWARE": "1",
            },
        )
        assert process.stdin
        assert process.stdout

        def ask(question: dict[str, str]) -> str:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            answered = process.stdout.readline()
            if not answered:
                assert process.stderr
                raise CannotJudge(f"WebKitGTK: {process.stderr.read()[-300:]}")
            return str(json.loads(answered))

        try:
            yield ask
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
            process.stdout.close()
