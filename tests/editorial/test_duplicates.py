"""Nearly the same is seen; the next number of a series, or another publisher, is not."""

from __future__ import annotations

import pytest

from newsletter.editorial.duplicates import near, near_duplicates

DROPS = ("Counting Drops – How closings and their consequences weigh on women", "Hill Group")


@pytest.mark.parametrize(
    ("title", "byline", "expected"),
    [
        (DROPS[0], DROPS[1], True),
        ("Counting drops: how closing and its consequences weigh on women", "hill group ", True),
        (DROPS[0], "Springs and Wells Collective", False),
        ("Counting Votes – How elections are won", DROPS[1], False),
    ],
)
def test_title_and_byline_must_both_be_alike(title: str, byline: str, expected: bool) -> None:
    assert near(DROPS, (title, byline)) is expected
    assert near((title, byline), DROPS) is expected


def test_the_next_of_a_series_is_another_thing() -> None:
    assert not near(
        ("Levels Bulletin No. 12 | 6 May", "A"), ("Levels Bulletin No. 13 | 6 May", "A")
    )


def test_each_later_one_points_to_the_first() -> None:
    items = [DROPS, ("Other", "B"), DROPS, ("ရေကြည်", "B"), DROPS]
    assert near_duplicates(items) == {2: 0, 4: 0}
