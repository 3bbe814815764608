"""All that stands between an issue and its readers: its own problems, and readers left behind."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from newsletter.core.clock import now
from newsletter.delivery.launching import abandoned
from newsletter.editorial import checks
from newsletter.editorial.checks import Problem
from newsletter.editorial.models import Issue


def problems(session: Session, issue: Issue, languages: Collection[str]) -> list[Problem]:
    """What `checks.check` finds, and the editions that readers hold and nobody can make now.

    `languages` are those of the settings. To be asked before approval: what is an error here
    would refuse the launch, when it is too late to mend it in peace.
    """
    found = checks.check(issue, issue.publication, languages)
    left = [
        Problem("error", "readers", *sentence.split("; ", 1))
        for sentence in abandoned(session, issue, now())
    ]
    return [*left, *found]
