"""The audience of an issue, counted, decided and written, on SQLite and on PostgreSQL.

`python -m tests.benchmarks.audience_decided [HOW_MANY] [postgresql]`: figures to compare on one
machine, never a test. Memory is what this process took beyond its start, at its highest.
"""

from __future__ import annotations

import sys
from datetime import date

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.delivery.launching import launch
from newsletter.delivery.ledger import ledger
from newsletter.editorial import issues, publications
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status
from subscribers import audience
from tests.benchmarks.readers_found import installation, say, timed


def main() -> None:
    """Fill, count as a check does, launch, and look whether the equation holds."""
    with installation(sys.argv[1:]) as (services, _):
        issue_id = _issue(services)
        timed(services, "count by edition", lambda s: audience.editions_wanted(s, 1, now()))
        timed(
            services,
            "decide and write the audience",
            lambda s: launch(s, s.get_one(Issue, issue_id), now()),
            write=True,
        )
        held = timed(services, "the equation", lambda s: ledger(s, issue_id).balanced)
        say("it holds" if held else "IT DOES NOT HOLD")


def _issue(services: Services) -> int:
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        issue = issues.create(session, publication, day=date(2026, 11, 23), now=now())
        for language in ("en", "my"):
            issues.set_editorial(
                session, issue, language, title="Title", body="Text.", authors=[], now=now()
            )
        issue.status = Status.SCHEDULED
        return issue.id


if __name__ == "__main__":
    main()
