"""On a narrow terminal everything can still be read: no number, day or syllable is torn."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from newsletter.language.syllables import boundaries
from tests.cli.command import Command
from tests.cli.sample import BURMESE, files

_TITLE = "A long winter on the river: what the boats carry, who waits for them, and why"


def _at(newsletter: Command, width: int) -> Command:
    return replace(newsletter, environment={"COLUMNS": str(width)})


@pytest.mark.parametrize("width", [60, 80, 120])
def test_tables(newsletter: Command, tmp_path: Path, width: int) -> None:
    newsletter.ok("init", "--yes")
    add = ("resources", "add", "--title", _TITLE, "--by", "River Watch", "--date", "2026-11-18")
    newsletter.ok(*add, "--title-in", "my=နောက်ဆုံးအခြေအနေ", "--url", "https://example.org/a")
    newsletter.ok("assemble", "--week", "2031-W47")
    newsletter.ok(*add, "--category", "statements")
    narrow = _at(newsletter, width)
    inbox = narrow.ok("resources", "list").out
    for asked in (inbox, narrow.ok("resources", "list", "--issue", 1).out):
        assert re.search(r"^ *\d +2026-11-18 ", asked, re.MULTILINE), asked
        assert _TITLE in " ".join(asked.split()) or width > 100, asked
        _fits(asked, width)
    assert re.search(r"2 +2026-11-18 +statements ", inbox)
    assert "en (no link)" in inbox
    assert "issue" not in narrow.ok("resources", "list", "--issue", 1).out
    assert "en, my (no link)" in narrow.ok("resources", "list", "--issue", 1).out
    shown = narrow.ok("status").out
    assert re.search(r"^ *1 +\d{4}-\d\d-\d\d +2031-W47 +draft", shown, re.MULTILINE), shown
    assert re.search(r"\d{4}-W\d\d +\d{4}-\d\d-\d\d 09:00 ", shown), shown
    assert re.search(r"\d{4}-\d\d-\d\d 02:30", shown), shown
    _fits(shown, width)


def _fits(text: str, width: int) -> None:
    assert max(cell_len(line) for line in text.splitlines()) <= width, text
    assert "…" not in text


@pytest.mark.parametrize("width", range(40, 75, 3))
def test_texts_are_cut_between_syllables(newsletter: Command, tmp_path: Path, width: int) -> None:
    _, burmese = files(tmp_path)
    newsletter.ok("init", "--yes")
    newsletter.ok("import", burmese)
    shown = _at(newsletter, width).ok("show", 1).out
    cut = [line[4:-1] for line in shown.splitlines() if line.startswith("  ¶ ") and "…" in line]
    assert cut
    for text in cut:
        whole = next(line for line in BURMESE.splitlines() if line.startswith(text))
        assert len(text) in boundaries(whole)


def test_warnings_are_indented(newsletter: Command, tmp_path: Path) -> None:
    post, _ = files(tmp_path)
    post.write_text(post.read_text(encoding="utf-8").replace("[1] What", "[7] What"), "utf-8")
    newsletter.ok("init", "--yes")
    newsletter.ok("import", post)
    shown = _at(newsletter, 44).ok("show", 1).out
    first, *rest = shown.partition("  warning: ")[2].splitlines()
    assert len(first) <= 33
    assert rest[0].startswith(" " * 11), shown
