"""Contrast as WCAG counts it, and colours that can be read by day, by night and turned over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.core.errors import InputError
from newsletter.rendering.contrast import is_colour, mixed, ratio, readable
from newsletter.rendering.look import COLOURS, HOUSE, Palette, look_of, require_readable

_COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("one", "other", "known"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#ffffff", 4.54),
        ("#0000ff", "#ffffff", 8.59),
        ("#ff0000", "#ffffff", 4.0),
        ("#ff0000", "#0000ff", 2.15),
    ],
)
def test_the_ratio_is_that_of_the_guideline(one: str, other: str, known: float) -> None:
    assert ratio(one, other) == pytest.approx(known, abs=0.005)
    assert ratio(one, other) == ratio(other, one)


@given(_COLOURS, _COLOURS)
def test_the_colour_that_is_proposed_can_be_read(colour: str, ground: str) -> None:
    found = readable(colour, ground)
    assert is_colour(found)
    assert ratio(found, ground) >= 4.5
    if ratio(colour, ground) >= 4.5:
        assert found == colour


def _faults(shades: Palette) -> list[str]:
    return [
        f"{name} on {ground}: {ratio(getattr(shades, name), getattr(shades, ground)):.2f}"
        for name, ground in shades.pairs()
        if ratio(getattr(shades, name), getattr(shades, ground)) < 4.5
    ]


def test_the_house_can_be_read_by_day_and_by_night() -> None:
    assert _faults(HOUSE.light) == _faults(HOUSE.dark) == []
    require_readable({})


@given(_COLOURS, st.sampled_from(["accent", "masthead", "dark_background"]))
def test_what_follows_from_one_colour_can_be_read_at_night(colour: str, key: str) -> None:
    """Whoever gives one colour for the day never has to think of the night."""
    assert _faults(look_of({key: colour}).dark) == []


def test_the_house_can_be_read_in_clients_that_turn_all_colours_over() -> None:
    """Gmail on iOS and Outlook on phones make light dark and dark light, whatever we say."""

    def over(colour: str) -> str:
        return "#" + "".join(f"{255 - int(colour[at : at + 2], 16):02x}" for at in (1, 3, 5))

    for name, ground in HOUSE.light.pairs():
        found = ratio(over(getattr(HOUSE.light, name)), over(getattr(HOUSE.light, ground)))
        assert found >= 4.5, (name, ground, found)


@pytest.mark.parametrize(
    ("settings", "field", "says"),
    [
        ({"accent": "#e3a52b"}, "theme.accent", r"#e3a52b on #ffffff \(card, by day\).* 2\.2:1"),
        ({"link": "#999999"}, "theme.link", "2.8:1"),
        ({"masthead_text": "#115555"}, "theme.masthead_text", r"\(masthead, by day\)"),
        ({"dark_text": "#333333"}, "theme.dark_text", "in dark mode"),
        ({"accent": "red"}, "theme.accent", "such as #0b4f6c, not 'red'"),
        ({"accent": "#abc"}, "theme.accent", "such as #0b4f6c"),
        ({"accent": "#0b4f6c;color:red"}, "theme.accent", "such as #0b4f6c"),
        ({"font": "Comic Sans"}, "theme.font", "one of sans, serif, system, verdana"),
        ({"colour": "#000000"}, "theme.colour", "no such setting; it has accent"),
    ],
)
def test_a_look_that_cannot_be_read_is_refused_by_name(
    settings: dict[str, str], field: str, says: str
) -> None:
    with pytest.raises(InputError, match=says) as caught:
        require_readable(settings)
    assert caught.value.field == field


@given(_COLOURS, _COLOURS)
def test_any_ground_around_the_text_will_do(day: str, night: str) -> None:
    require_readable({"background": day, "dark_background": night})


@pytest.mark.parametrize("key", [*COLOURS, *(f"dark_{name}" for name in COLOURS)])
@pytest.mark.parametrize("colour", ["#808080", "#ff0000", "#ffff00", "#0000ff"])
def test_the_proposal_of_a_refusal_is_accepted(key: str, colour: str) -> None:
    try:
        require_readable({key: colour})
    except InputError as err:
        if not err.message.endswith("would do"):
            raise
        proposed = err.message.removesuffix(" would do").rpartition(" ")[2]
        if err.field == f"theme.{key}" and "background" not in key and key != "dark_masthead":
            require_readable({key: proposed})


def test_a_mixture_lies_between() -> None:
    assert mixed("#000000", "#ffffff", 0.5) == "#808080"
    assert mixed("#102030", "#ffffff", 0) == "#102030"


def test_a_ground_is_told_the_nearest_ground() -> None:
    """Letters of the masthead are black or white by themselves: what was chosen is the ground."""
    with pytest.raises(InputError, match=r"4\.4:1") as caught:
        require_readable({"masthead": "#777777"})
    assert caught.value.field == "theme.masthead"
    proposed = caught.value.message.removesuffix(" would do").rpartition(" ")[2]
    assert abs(int(proposed[1:3], 16) - 0x77) <= 3
    require_readable({"masthead": proposed})
