"""What several tests of the delivery room ask for by name."""

from __future__ import annotations

import pytest

from newsletter.delivery import turns


@pytest.fixture
def every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message is looked at again right before it leaves, as on a slow line.

    On a fast one a look is up to half a second old, which no test can time.
    """
    monkeypatch.setattr(turns, "FRESH_SECONDS", 0.0)
