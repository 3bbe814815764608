"""The catalogues: complete, in step, and in Burmese that a machine can vouch for."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from newsletter.core.resources import shipped

_ROOT = shipped("templates").parent
_LOCALES = shipped("templates") / "locale"
_MARKS = re.compile(r"%\(\w+\)s|%%|\{\w+\}")
_ORDER = re.compile(
    "[\u1031](?![\u1037\u102b\u102c\u102d-\u1030\u1032\u1036\u1038\u103a\u1000-\u109f\\s]|$)"
    "|(?:^|[\\s(])[\u102b-\u103e]"  # a mark with nothing to sit on
    "|\u102f\u102d|\u1037\u102f|\u1036\u102f|\u103a\u1037"  # marks in the order of the keyboard
    "|[\u103b-\u103e\u102d-\u1032]\u103b|\u1040[\u102b-\u103e]"
)


@cache
def extracted() -> tuple[str, ...]:
    """Every word that templates and code mark for translation."""
    with (_ROOT / "config" / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = [message for _, _, message, _, _ in extract_from_dir(_ROOT, methods, options)]
    words = {word for message in found for word in _each(message)}
    return tuple(sorted(words))


def _each(message: object) -> tuple[str, ...]:
    return (message,) if isinstance(message, str) else tuple(message)  # type: ignore[arg-type]


def _catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file) if path.suffix == ".po" else read_mo(file)


def _words(catalogue: Catalog) -> dict[str, str]:
    return {str(m.id): str(m.string) for m in catalogue if m.id}


_BURMESE = _words(_catalogue(_LOCALES / "my" / "LC_MESSAGES" / "newsletter.po"))


def test_the_extraction_finds_words_of_mail_pages_and_code() -> None:
    assert {"Unsubscribe", "January", "By %(publisher)s", "Preferences"} <= set(extracted())


def test_every_word_of_the_templates_is_translated() -> None:
    assert [word for word in extracted() if not _BURMESE.get(word)] == []


def test_the_catalogue_holds_no_word_that_nobody_shows() -> None:
    assert sorted(set(_BURMESE) - set(extracted())) == []


@pytest.mark.parametrize("source", sorted(_LOCALES.glob("*/LC_MESSAGES/*.po")), ids=str)
def test_compiled_catalogues_are_in_step(source: Path) -> None:
    compiled = _words(_catalogue(source.with_suffix(".mo")))
    assert compiled == {k: v for k, v in _words(_catalogue(source)).items() if v}


@pytest.mark.parametrize(("word", "burmese"), sorted(_BURMESE.items()))
def test_a_burmese_string_is_sound(word: str, burmese: str) -> None:
    assert sorted(_MARKS.findall(word)) == sorted(_MARKS.findall(burmese))
    assert burmese == unicodedata.normalize("NFC", burmese)
    assert not re.search("[\u200b-\u200f\u2060\ufeff]", burmese)
    assert not _ORDER.search(burmese.replace("\u1037\u103a", "\u103a"))


def test_the_catalogue_has_one_plural_and_asks_for_review() -> None:
    text = (_LOCALES / "my" / "LC_MESSAGES" / "newsletter.po").read_text("utf-8")
    assert "nplurals=1; plural=0;" in text
    assert "Needs native review" in text
    assert "fuzzy" not in text


def test_templates_never_cut_text_by_code_point() -> None:
    for file in shipped("templates").rglob("*.*"):
        if file.suffix in (".html", ".mjml", ".txt"):
            assert not re.search(r"\|\s*(truncate|wordwrap)\b", file.read_text("utf-8")), file
