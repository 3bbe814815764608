"""HarfBuzz with two fonts: no dotted circle and no missing glyph in any Burmese we write.

A dotted circle is what a shaper draws under a mark that no letter may carry there: the sign of
Zawgyi or of marks in the wrong order.
"""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from newsletter.core.i18n import catalogue
from newsletter.core.resources import shipped
from tests.judges.bench import Bench, CannotJudge, debian_version, run
from tests.judges.ruling import Ruling

FONTS = {
    "Noto Sans Myanmar": "/usr/share/fonts/truetype/noto/NotoSansMyanmar-Regular.ttf",
    "Padauk": "/usr/share/fonts/truetype/padauk/Padauk-Regular.ttf",
}
_RUN = re.compile(r"[\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u200b-\u200d\u2060 ]*[\u1000-\u109f]"
                  r"[\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u200b-\u200d\u2060 ]*")  # fmt: skip
_BAD = ("ိမမ", "ေမာ", "မာျျ", "မြန်မာ漢")
"""A vowel before its letter, Zawgyi's order, a medial after a vowel; a letter without a glyph."""


def judge(bench: Bench) -> Ruling:
    """Each Burmese run of every message and of the catalogue, in each font."""
    runs = sorted({piece for text in _texts(bench) for piece in burmese(text)})
    refused, faults = [], []
    for name, file in FONTS.items():
        if not Path(file).is_file():
            raise CannotJudge(
                f"the font {name} is not installed (fonts-noto-core, fonts-sil-padauk)"
            )
        bad = _faults(file, list(_BAD))
        refused += [f"{len(bad)} faults with {name}" if len(bad) == len(_BAD) else ""]
        faults += [f"{name}: {fault}" for fault in _faults(file, runs)]
    figures = f"{len(runs)} runs, {sum(map(len, runs))} characters, {len(FONTS)} fonts"
    said = "; ".join(refused) if all(refused) else ""
    return Ruling(debian_version("libharfbuzz-bin"), said, faults, figures)


def burmese(text: str) -> list[str]:
    """The runs of Myanmar script in a text."""
    return [found.strip() for found in _RUN.findall(text) if found.strip()]


def _texts(bench: Bench) -> list[str]:
    found = []
    for sample in bench.samples:
        found += [sample.subject, sample.sender[0], sample.text, *_texts_of_page(sample.html)]
    words = catalogue("my", (shipped("templates") / "locale",))
    known: dict[object, str] = getattr(words, "_catalog", {})
    return [*found, *known.values()]


class _Texts(HTMLParser):
    """What a page shows, with the text of its attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for _, value in attrs if value]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def _texts_of_page(html: str) -> list[str]:
    reader = _Texts()
    reader.feed(html)
    return reader.found


def _faults(font: str, runs: list[str]) -> list[str]:
    circle = _dotted_circle(font)
    return [
        f"{'a dotted circle' if circle in glyphs else 'a missing glyph'} in {text[:60]!r}"
        for text, glyphs in zip(runs, _shaped(font, runs), strict=True)
        if circle in glyphs or 0 in glyphs
    ]


@cache
def _dotted_circle(font: str) -> int:
    return _shaped(font, ["\u25cc"])[0][0]


def _shaped(font: str, lines: list[str]) -> list[list[int]]:
    """The numbers of the glyphs of each line."""
    result = run(
        *("hb-shape", "--no-glyph-names", "--no-clusters", "--no-positions"),
        *("--language=my", "--text-file=-", font),
        given="\n".join(lines).encode(),
    )
    if result.returncode:
        raise CannotJudge(f"hb-shape: {result.stderr.decode()[-200:]}")
    rows = result.stdout.decode().splitlines()
    return [[int(number) for number in row.strip("[]").split("|")] for row in rows]
