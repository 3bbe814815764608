"""The look of a publication's mails: its colours by day and by night, and its fonts. Pure.

An editor gives a handful of colours; everything else is derived from them so that it can be
read. Mail programs take no font with a mail, so the fonts are stacks of what readers have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from newsletter.core.errors import InputError
from newsletter.rendering.contrast import (
    ENOUGH,
    calmed,
    is_colour,
    luminance,
    mixed,
    ratio,
    readable,
    with_lightness,
)

COLOURS = ("accent", "link", "masthead", "masthead_text", "text", "background")
"""What an editor may set for the light of day, and with `dark_` before it for the night."""
_MYANMAR = ",'Noto Sans Myanmar','Myanmar Text','Myanmar Sangam MN',Padauk,Pyidaungsu"
# Latin first: a Myanmar font's Latin letters are few or poor. No Zawgyi font, ever.
FONTS = {
    "sans": f"Arial,Helvetica,Roboto,'Noto Sans',sans-serif{_MYANMAR}",
    "serif": f"Georgia,'Noto Serif','Times New Roman',serif{_MYANMAR}",
    "system": f"-apple-system,'Segoe UI',Roboto,'Noto Sans',Arial,sans-serif{_MYANMAR}",
    "verdana": f"Verdana,Geneva,'DejaVu Sans',sans-serif{_MYANMAR}",
}
KEYS = (*COLOURS, *(f"dark_{name}" for name in COLOURS), "font", "heading_font")

_HOUSE = {
    "accent": "#98421c",
    "link": "#0b5d66",
    "masthead": "#123f43",
    "masthead_text": "#ffffff",
    "text": "#23282b",
    "background": "#efece4",
    "font": "sans",
    "heading_font": "serif",
}
_HOUSE_STRIPE = "#e3a52b"
"""The yellow of padauk blossom: a stripe over the masthead, never a colour of letters."""
_HOUSE_TITLE = "#123f43"
_NIGHT, _NIGHT_TEXT = "#111516", "#e6e8e4"
_WHITE, _BLACK = "#ffffff", "#14181a"
_TITLE_CONTRAST, _NIGHT_CONTRAST = 7.0, 7.0
_DARK = 0.1
_GLOW = 0.5
"""A saturated colour made light enough for the night would glow."""


@dataclass(frozen=True, slots=True)
class Palette:
    """All colours of a mail, each `#rrggbb`."""

    page: str
    """Behind everything."""
    card: str
    """Behind the text."""
    panel: str
    """Behind a box within the text."""
    text: str
    title: str
    soft: str
    """Bylines, notes and other small words."""
    accent: str
    link: str
    button_text: str
    """On a button, which has the colour of links."""
    rule: str
    """Thin lines between things."""
    stripe: str
    masthead: str
    masthead_text: str
    masthead_soft: str
    masthead_rule: str
    foot: str
    """Words below the card, on the page."""

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Which colour of letters stands on which ground, by their names here."""
        for ground in ("card", "panel"):
            yield from ((name, ground) for name in ("text", "title", "link", "soft", "accent"))
        yield from (("masthead_text", "masthead"), ("masthead_soft", "masthead"))
        yield from (("foot", "page"), ("button_text", "link"))


@dataclass(frozen=True, slots=True)
class Look:
    """What the templates are drawn with."""

    light: Palette
    dark: Palette
    font: Markup
    heading_font: Markup


@lru_cache(maxsize=64)
def _look(settings: frozenset[tuple[str, str]]) -> Look:
    given = {key: value for key, value in settings if value}
    fonts = [FONTS[given.get(key, _HOUSE[key])] for key in ("font", "heading_font")]
    # Letters, commas and single quotes: they stand in attributes as they are.
    return Look(_day(given), _night(given), *(Markup(font) for font in fonts))  # noqa: S704


def look_of(settings: Mapping[str, str]) -> Look:
    """The look that these settings of a publication make; none make the house's own.

    `settings` hold keys of KEYS, checked by `require_readable` when they were given.
    """
    return _look(frozenset(settings.items()))


def require_readable(settings: Mapping[str, str]) -> None:
    """InputError names the first setting that is no colour or font, or cannot be read.

    Every pair of letters and ground must reach 4.5:1 by day and by night; the message says
    which pair has how much, and which colour near it would do.
    """
    for key, value in settings.items():
        _require_known(key, value)
    look = look_of(settings)
    for shades, prefix in ((look.light, ""), (look.dark, "dark_")):
        for name, ground in shades.pairs():
            _require_pair(shades, name, ground, prefix, settings)


def _require_known(key: str, value: str) -> None:
    if key not in KEYS:
        raise InputError(f"theme.{key}", f"a theme has no such setting; it has {', '.join(KEYS)}")
    if key in ("font", "heading_font"):
        if value and value not in FONTS:
            raise InputError(f"theme.{key}", f"write one of {', '.join(FONTS)}, not '{value}'")
    elif value and not is_colour(value):
        raise InputError(f"theme.{key}", f"write a colour such as #0b4f6c, not '{value[:40]}'")


_SETTING_OF = {"title": "text", "soft": "text", "page": "background", "foot": "background",
               "button_text": "link", "masthead_soft": "masthead_text"}  # fmt: skip


def _at_fault(name: str, ground: str, prefix: str, given: Mapping[str, str]) -> str:
    """The setting to blame: of those that were given the one nearest to the letters."""
    own = _SETTING_OF.get(name, name)
    near = [own, *(["accent"] if own == "link" else []), ground]
    keys = [f"{before}{key}" for key in near for before in dict.fromkeys((prefix, ""))]
    return next((key for key in keys if given.get(key)), prefix + own)


def _require_pair(
    shades: Palette, name: str, ground: str, prefix: str, given: Mapping[str, str]
) -> None:
    letters, behind = getattr(shades, name), getattr(shades, ground)
    found = ratio(letters, behind)
    if found >= ENOUGH:
        return
    key = _at_fault(name, ground, prefix, given)
    when = "in dark mode" if prefix else "by day"
    if key.removeprefix("dark_") == _SETTING_OF.get(ground, ground):
        nearest = readable(behind, letters)
    else:
        grounds = [getattr(shades, under) for over, under in shades.pairs() if over == name]
        nearest = readable(letters, *grounds)
    raise InputError(
        f"theme.{key}",
        f"{letters} on {behind} ({ground}, {when}) has a contrast of {_cut(found)}:1, and letters "
        f"need {ENOUGH}:1 to be read; {nearest} would do",
    )


def _cut(found: float) -> str:
    """Never rounded up to enough: 4.48 is not 4.5."""
    return f"{min(found, ENOUGH - 0.1):.1f}"


def _day(given: Mapping[str, str]) -> Palette:
    colours = {**_HOUSE, **given}
    if "accent" in given and "link" not in given:
        colours["link"] = given["accent"]
    masthead, text = colours["masthead"], colours["text"]
    own = bool({"masthead", "accent"} & given.keys())
    title = _HOUSE_TITLE if not own and "text" not in given else _title(given, masthead, text)
    return _palette(
        colours,
        card=_WHITE,
        title=title,
        stripe=colours["accent"] if own else _HOUSE_STRIPE,
        masthead_text=given.get("masthead_text") or _on(masthead, _WHITE),
    )


def _title(given: Mapping[str, str], masthead: str, text: str) -> str:
    dark_enough = ratio(masthead, _WHITE) >= _TITLE_CONTRAST
    return masthead if "masthead" in given and dark_enough else text


def _night(given: Mapping[str, str]) -> Palette:
    day = _day(given)
    page = given.get("dark_background", _NIGHT)
    card = mixed(page if luminance(page) < _DARK else _NIGHT, _WHITE, 0.05)
    grounds = (card, mixed(card, _WHITE, 0.06))
    masthead = (
        day.masthead if luminance(day.masthead) < _DARK else with_lightness(day.masthead, 0.16)
    )
    masthead = given.get("dark_masthead", masthead)
    lit = {
        name: readable(calmed(getattr(day, name), _GLOW), *grounds, least=_NIGHT_CONTRAST)
        for name in ("accent", "link")
    }
    own = {name: given[f"dark_{name}"] for name in COLOURS if f"dark_{name}" in given}
    colours = {**lit, "text": readable(_NIGHT_TEXT, *grounds), **own}
    if "accent" in own and "link" not in own and "link" not in given:
        colours["link"] = own["accent"]
    return _palette(
        {**colours, "background": page, "masthead": masthead},
        card=card,
        title=colours["text"],
        stripe=own.get("accent", day.stripe),
        masthead_text=own.get("masthead_text") or _on(masthead, day.masthead_text),
    )


def _palette(
    colours: Mapping[str, str], *, card: str, title: str, stripe: str, masthead_text: str
) -> Palette:
    page, text, masthead = colours["background"], colours["text"], colours["masthead"]
    panel = mixed(card, page, 0.55) if card == _WHITE else mixed(card, _WHITE, 0.06)
    if min(ratio(colours[name], panel) for name in ("text", "accent", "link")) < ENOUGH:
        panel = card
    return Palette(
        page=page,
        card=card,
        panel=panel,
        text=text,
        title=title,
        soft=readable(mixed(text, card, 0.25), card, panel),
        accent=colours["accent"],
        link=colours["link"],
        button_text=_on(colours["link"], _WHITE),
        rule=mixed(text, card, 0.82),
        stripe=stripe,
        masthead=masthead,
        masthead_text=masthead_text,
        masthead_soft=readable(mixed(masthead_text, masthead, 0.2), masthead),
        masthead_rule=mixed(masthead_text, masthead, 0.72),
        foot=readable(mixed(text, page, 0.2), page),
    )


def _on(ground: str, wanted: str) -> str:
    """Letters for this ground: the wanted colour, or white or black where it cannot be read."""
    if ratio(wanted, ground) >= ENOUGH:
        return wanted
    return max(_WHITE, _BLACK, key=lambda colour: ratio(colour, ground))


HOUSE = look_of({})
