"""The clerk collects by itself, in a thread that nobody waits for, and goes on through trouble."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.editorial import sources_kept
from newsletter.editorial.models import Resource
from newsletter.schedule.collecting import Collector
from tests.editorial.making import a_publication
from tests.editorial.sites import Item, a_site, reaching_here


def _round(collector: Collector) -> None:
    collector._ask_at = 0.0
    collector.keep()
    assert collector._thread is not None
    collector._thread.join(30)


def test_what_is_due_comes_by_itself_and_no_later_than_the_next_round(services: Services) -> None:
    now = datetime.now(UTC)
    with a_site() as site:
        site.items = [Item("Floods in the delta", "/floods", now)]
        collector = Collector(reaching_here(services))
        _round(collector)
        with writing(services.engine) as session:
            sources_kept.add(
                session,
                a_publication(session),
                kind="feed",
                url=f"{site.url}/feed",
                name="River Watch",
                every_minutes=60,
                first_days=7,
                now=now,
            )
        _round(collector)
        _round(collector)
        assert len(site.asked) == 1
        collector.close()
    with reading(services.engine) as session:
        assert [one.byline for one in session.scalars(select(Resource))] == ["River Watch"]


def test_a_fault_of_ours_is_handed_to_the_keeper(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = Collector(services)
    monkeypatch.setattr(sources_kept, "is_any_due", lambda *_: 1 / 0)
    _round(collector)
    with pytest.raises(ZeroDivisionError):
        collector.keep()
    collector.close()
