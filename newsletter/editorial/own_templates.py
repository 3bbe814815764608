"""Templates that an operator put in place of ours, and what they hold, as one hash.

They lie in `templates/` of the home. An issue is approved as they are then: approval freezes
this hash with the content, so that a changed template never reaches readers unseen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.orm import object_session

from newsletter.core.errors import RenderError
from newsletter.editorial.models import Issue

OPTION = "own_templates"
"""The execution option under which an engine knows the directory; the app sets it."""
_READ = frozenset({".html", ".mjml", ".txt", ".css"})
_PAGES = "web"
"""Pages of the website, which no issue holds."""


def fingerprint(directory: Path) -> str:
    """SHA-256, in hex, over the names and bytes of all templates there; "" while there is none.

    Only what a template may be called counts, so that an editor's `footer.html~` changes nothing.
    RenderError names a file that cannot be read.
    """
    found = sorted(_templates(directory))
    if not found:
        return ""
    whole = hashlib.sha256()
    for path in found:
        name, data = path.relative_to(directory).as_posix(), _bytes(path)
        whole.update(f"{name}\0{len(data)}\0".encode() + data)
    return whole.hexdigest()


def of(issue: Issue) -> str:
    """The fingerprint for the installation that this issue was read from."""
    session = object_session(issue)
    options = session.get_bind().get_execution_options() if session else {}
    directory: Path | None = options.get(OPTION)
    return fingerprint(directory) if directory else ""


def _templates(directory: Path) -> Iterator[Path]:
    for path in directory.rglob("*"):
        parts = path.relative_to(directory).parts
        hidden = any(part.startswith(".") for part in parts)
        if path.suffix in _READ and not hidden and parts[0] != _PAGES and path.is_file():
            yield path


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise RenderError(str(path), None, f"cannot be read: {err.strerror}") from err
