"""Help and light commands start without the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("alembic", "apscheduler", "fastapi", "mjml", "PIL", "playwright", "sqlalchemy", "uvicorn")


def test_main_imports_nothing_heavy() -> None:
    script = (
        "import sys; import newsletter.cli.main; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
