"""Taking an issue off the web after it went out: its pages, its place in feeds, its picture.

Mail that is out cannot be called back; this is for the link that somebody finds a year later.
"""

from __future__ import annotations

from datetime import datetime

from newsletter.core.errors import NotAllowedNow
from newsletter.editorial.models import Issue


def withdraw(issue: Issue, now: datetime) -> bool:
    """Show it no more; False when it was withdrawn before. NotAllowedNow before it went out."""
    if issue.launched_at is None:
        raise NotAllowedNow(
            f"issue {issue.number} has not gone out, so the web does not show it; "
            f"'newsletter cancel {issue.number}' keeps it from going out"
        )
    if issue.withdrawn_at is not None:
        return False
    issue.withdrawn_at = now
    return True


def show_again(issue: Issue) -> bool:
    """Put it back where it stood; False when it was not withdrawn."""
    if issue.withdrawn_at is None:
        return False
    issue.withdrawn_at = None
    return True
