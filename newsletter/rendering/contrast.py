"""How well two colours can be told apart, and the nearest colour that can. Pure.

WCAG 2.2 §1.4.3: text needs 4.5:1 against what it stands on. Colours are `#rrggbb`.
"""

from __future__ import annotations

import colorsys
import re
from functools import lru_cache

ENOUGH = 4.5
"""For text of any size (WCAG 2.2, success criterion 1.4.3, level AA)."""
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS = 100


def is_colour(text: str) -> bool:
    """Whether this is a colour as we write it: `#0b4f6c`."""
    return _HEX.fullmatch(text) is not None


def ratio(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white); the order does not matter."""
    first, second = luminance(one), luminance(other)
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


@lru_cache(maxsize=4096)
def luminance(colour: str) -> float:
    """Relative luminance, 0 for black to 1 for white (WCAG 2.2, glossary)."""
    red, green, blue = (_linear(value) for value in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def mixed(colour: str, other: str, part: float) -> str:
    """The first colour with so much (0 to 1) of the other in it."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return _written(*(a + (b - a) * part for a, b in pairs))


def readable(colour: str, *grounds: str, least: float = ENOUGH) -> str:
    """The colour itself where it reads on all grounds, or the nearest lightness that does.

    The hue stays. Where no lightness serves, black or white, whichever reads better.
    """
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(colour))
    levels = sorted((step / _STEPS for step in range(_STEPS + 1)), key=lambda x: abs(x - lightness))
    shades = (_written(*colorsys.hls_to_rgb(hue, level, saturation)) for level in levels)
    for shade in (colour, *shades):
        if _worst(shade, grounds) >= least:
            return shade
    return max("#000000", "#ffffff", key=lambda extreme: _worst(extreme, grounds))


def with_lightness(colour: str, lightness: float) -> str:
    """The same hue and saturation, so light (0 to 1)."""
    hue, _, saturation = colorsys.rgb_to_hls(*_channels(colour))
    return _written(*colorsys.hls_to_rgb(hue, lightness, saturation))


def calmed(colour: str, most: float) -> str:
    """The same hue and lightness with a saturation (0 to 1) of so much at most."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(colour))
    return _written(*colorsys.hls_to_rgb(hue, lightness, min(saturation, most)))


def _worst(colour: str, grounds: tuple[str, ...]) -> float:
    return min((ratio(colour, ground) for ground in grounds), default=21.0)


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _written(*channels: float) -> str:
    return "#" + "".join(f"{round(min(1.0, max(0.0, value)) * 255):02x}" for value in channels)
