"""How long to wait, in all the ways providers say it; nonsense is no hint."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.providers.hints import wait_seconds

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
UNIX = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "Sun, 01 Mar 2026 12:02:00 GMT"}, 120),
        ({"retry-after": "Sun, 01 Mar 2026 12:02:00 -0000"}, 120),
        ({"retry-after": "Sun, 01 Mar 2026 14:02:00 +0200"}, 120),
        ({"retry-after": "Sun, 01 Mar 2026 11:59:00 GMT"}, 0),
        ({"x-sib-ratelimit-reset": "12"}, 12),
        ({"ratelimit-reset": "1"}, 1),
        ({"x-ratelimit-reset": str(UNIX + 40)}, 40),
        ({"x-ratelimit-reset": str(UNIX - 40)}, 0),
        ({"retry-after": "soon", "ratelimit-reset": "7"}, 7),
        ({"retry-after": "5", "ratelimit-reset": "7"}, 5),
        # Absurd ones: our own pauses are the better guess.
        ({"retry-after": "-5"}, None),
        ({"retry-after": "999999"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "NaN"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "٣٠"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Sun, 01 Mar 2099 12:00:00 GMT"}, None),
        ({"retry-after": "Sun, 01 Mar 1970 12:00:00 GMT"}, None),
        ({"retry-after": "Sun, 99 Mar 2026 12:00:00 GMT"}, None),
    ],
)
def test_every_way_of_saying_it(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_seconds(headers, NOW) == seconds


@given(st.text(max_size=40))
def test_no_hint_breaks_anything(said: str) -> None:
    found = wait_seconds({"retry-after": said}, NOW)
    assert found is None or 0 <= found <= 86_400
