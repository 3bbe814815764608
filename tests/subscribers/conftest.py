"""A publication to subscribe to, and a short way to add people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.editorial import publications
from subscribers import directory

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)

Add = Callable[..., str]


@pytest.fixture
def publication_id(any_services: Services) -> int:
    """The id of a bilingual publication."""
    with writing(any_services.engine) as session:
        return publications.create(session, publications.default(), now=NOW).id


@pytest.fixture
def add(any_services: Services, publication_id: int) -> Add:
    """Adds an address as an editor (or `how`) would."""

    def adder(session: Session, address: str, edition: str = "en", how: str = "editor") -> str:
        return directory.add(
            session,
            any_services.sealer,
            publication_id=publication_id,
            address=address,
            edition=edition,
            how=how,
            wording="asked for it at the book fair",
            now=NOW,
        )

    return adder
