"""Runs the command as an editor would: in a process of its own, or quicker, in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from newsletter.cli.main import app
from tests.system import PATIENCE


@dataclass(frozen=True)
class Ran:
    """How a run of the command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON: nothing else may stand there."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error object of a run with --json."""
        found: dict[str, Any] = json.loads(self.err)["error"]
        return found


@dataclass(frozen=True)
class Command:
    """`newsletter` on one home."""

    home: Path
    environment: dict[str, str]
    own_process: bool = False

    def __call__(self, *args: object, stdin: str = "") -> Ran:
        words = [str(arg) for arg in args]
        if not self.own_process:
            ran = CliRunner().invoke(app, words, input=stdin, env=self.settings)
            return Ran(ran.exit_code, ran.stdout, ran.stderr)
        done = subprocess.run(
            [sys.executable, "-m", "newsletter", *words],
            input=stdin.encode(),
            capture_output=True,
            env=self.whole_environment,
            timeout=PATIENCE,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    @property
    def apart(self) -> Command:
        """The same command, in a process of its own."""
        return replace(self, own_process=True)

    @property
    def settings(self) -> dict[str, str]:
        """Which home, and how it sends."""
        own = {"NEWSLETTER_HOME": str(self.home), "NEWSLETTER_DELIVERY__CONNECTIONS": "1"}
        return {**own, **self.environment}

    @property
    def whole_environment(self) -> dict[str, str]:
        """What a process of this home is started with."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NEWSLETTER")}
        return {**kept, **self.settings}

    def ok(self, *args: object, stdin: str = "") -> Ran:
        """Run, and insist that it was done."""
        ran = self(*args, stdin=stdin)
        assert ran.code == 0, ran
        return ran

    def refused(self, *args: object, stdin: str = "") -> str:
        """Run, and insist that the editor was told in one sentence what to mend."""
        ran = self(*args, stdin=stdin)
        assert (ran.code, ran.out) == (2, ""), ran
        assert ran.err.startswith("error: "), ran
        assert "Traceback" not in ran.err
        return ran.err
