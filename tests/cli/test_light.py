"""Help and light commands start without the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

from tests.cli.command import Command
from tests.system import PATIENCE

HEAVY = ("alembic", "apscheduler", "fastapi", "mjml", "PIL", "playwright", "sqlalchemy", "uvicorn")


def test_main_imports_nothing_heavy() -> None:
    script = (
        "import sys; import newsletter.cli.main; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert done.stdout.strip() == "[]"


def test_a_look_at_the_state_reads_no_texts_and_no_addresses(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    script = (
        "import sys, contextlib; from newsletter.cli.main import app; sys.argv[1:] = ['status']\n"
        "with contextlib.suppress(SystemExit): app()\n"
        "print([n for n in ('markdown_it', 'email_validator', 'jinja2') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=True, timeout=PATIENCE,
        env=newsletter.whole_environment,
    )  # fmt: skip
    assert "next slots" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
