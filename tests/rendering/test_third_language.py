"""A third language needs a catalogue and a settings entry, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from newsletter.core import settings
from newsletter.rendering.edition import render
from newsletter.rendering.environment import Theme
from tests.language.test_catalogues import extracted
from tests.rendering import sample
from tests.rendering.pages import Page

_ENTRY = """
[languages.xx]
name = "Exish"
native = "Exisk"
date = "{day}. {month} {year}"
list_last = " og "
"""


def _home_with_a_language(home: Path) -> settings.Settings:
    folder = home / "locale" / "xx" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (home / "newsletter.toml").write_text(_ENTRY, "utf-8")
    lines = ['msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n']
    lines += [f'msgid "{word}"\nmsgstr "x {word}"\n' for word in extracted()]
    with (folder / "newsletter.po").open("w+b") as source:
        source.write("\n".join(lines).encode())
        source.seek(0)
        with (folder / "newsletter.mo").open("wb") as target:
            write_mo(target, read_po(source, locale=None))
    return settings.load(home, {})


def test_a_whole_edition_in_a_language_nobody_foresaw(home: Path) -> None:
    loaded = _home_with_a_language(home)
    theme = Theme(loaded.template_paths, loaded.locale_paths, loaded.languages)
    block = replace(
        sample.ENGLISH, language="xx", editorial_language="xx", title="Skolerne", authors=("A", "B")
    )
    letter = replace(sample.letter("en"), edition="xx", blocks=(block, sample.BURMESE))
    rendered = render(replace(letter, date=date(2024, 5, 1)), theme)
    for expected in (
        *("x Issue 12 · 1. x May 2024", "x By A og B", "x 3 minute read", "x Unsubscribe"),
        *("x Resources from the past week", "x By Lantern Law Desk"),
    ):
        assert expected in rendered.text
        assert expected.split(" · ")[0] in rendered.html
    assert "အမှတ်စဉ် ၁၂" in rendered.text
    assert Page(rendered.html).all("html")[0].attributes["lang"] == "xx"
