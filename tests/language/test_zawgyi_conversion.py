"""The converter against ICU's own `Zawgyi-my`, and against what the words say."""

from __future__ import annotations

import random
import re
import subprocess
import time

import pytest

from newsletter.language.normalising import normalised
from newsletter.language.zawgyi_conversion import converted
from tests import system
from tests.language import texts

_SEEDS = (1, 2, 3)


def _icu(transform: str, lines: list[str]) -> list[str]:
    """Line by line what ICU makes of it; a line ends with its newline, as in ICU's chunks."""
    uconv = system.require("uconv", "icu-devtools")
    said = subprocess.run(
        [uconv, "-f", "utf-8", "-t", "utf-8", "-x", transform],
        input="".join(f"{line}\n" for line in lines).encode(),
        capture_output=True,
        check=True,
    )
    return said.stdout.decode().split("\n")[:-1]


def _ours(lines: list[str]) -> list[str]:
    return [converted(f"{line}\n").removesuffix("\n") for line in lines]


def _whatever_the_tones(line: str) -> str:
    """CLDR moved visarga behind anusvara only in a later version than Debian 12's ICU has."""
    return re.sub("[\u1036-\u1038]+", lambda found: "".join(sorted(found[0])), line)


@pytest.mark.parametrize(("old", "new"), texts.ZAWGYI)
def test_known_words(old: str, new: str) -> None:
    assert normalised(converted(old)) == new


def test_as_icu_on_texts_in_zawgyi() -> None:
    burmese = [*texts.BURMESE, *texts.BURMESE_DECLARATION]
    old = [*_icu("my-Zawgyi", burmese), *(typed for typed, _ in texts.ZAWGYI)]
    assert _ours(old) == _icu("Zawgyi-my", old)


def test_there_and_back_gives_the_text_again() -> None:
    burmese = [text for text in texts.BURMESE if "၎" not in text and "ဥ္" not in text]
    assert [normalised(line) for line in _ours(_icu("my-Zawgyi", burmese))] == burmese


@pytest.mark.parametrize("seed", _SEEDS)
def test_as_icu_on_any_order_of_code_points(seed: int) -> None:
    chance = random.Random(seed)
    letters = [chr(c) for c in range(0x1000, 0x10A0)] + list(" a\u200b\u103a\u1031\u1039\u1040") * 4
    lines = ["".join(chance.choices(letters, k=chance.randint(1, 25))) for _ in range(2000)]
    ours, theirs = _ours(lines), _icu("Zawgyi-my", lines)
    assert [_whatever_the_tones(line) for line in ours] == [
        _whatever_the_tones(line) for line in theirs
    ]


def test_a_page_takes_no_more_than_20_microseconds_a_character() -> None:
    page = " ".join(old for old, _ in texts.ZAWGYI) * 20
    took = []
    for _ in range(3):
        start = time.process_time()
        converted(page)
        took.append(time.process_time() - start)
    assert min(took) / len(page) < 20e-6
