"""The audit: a row with each deed and never without it, and no name in any."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from newsletter.app import Services
from newsletter.core import audit
from newsletter.core.db import reading, writing

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


def test_deeds_are_told_newest_first(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        audit.note(session, "export", "command line", {"rows": 3, "filter": {}}, NOW)
        audit.note(session, "erasure", "command line", {"deliveries": 2}, NOW)
    with reading(any_services.engine) as session:
        found = audit.entries(session)
        assert [(e.deed, e.how, e.at) for e in found] == [
            ("erasure", "command line", NOW),
            ("export", "command line", NOW),
        ]
        assert found[1].detail == {"rows": 3, "filter": {}}
        assert [e.deed for e in audit.entries(session, 1)] == ["erasure"]


def test_a_deed_that_fell_leaves_no_row(services: Services) -> None:
    with pytest.raises(ZeroDivisionError), writing(services.engine) as session:
        audit.note(session, "export", "command line", {}, NOW)
        raise ZeroDivisionError
    with reading(services.engine) as session:
        assert audit.entries(session) == []


def test_no_address_gets_into_the_audit(services: Services) -> None:
    told = {"to": "me@example.org", "more": {"who": ["you@example.org", 3]}, "done": True}
    with writing(services.engine) as session:
        audit.note(session, "export", "command line", told, NOW)
    with reading(services.engine) as session:
        (entry,) = audit.entries(session)
    assert entry.detail == {
        "to": "[address]",
        "more": {"who": ["[address]", 3]},
        "done": True,
    }
