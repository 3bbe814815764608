"""The mail itself: how long all editions take to be rendered and checked, and how large they are.

`python -m tests.benchmarks theme`: an editorial of 900 words, 12 resources in each language.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

from newsletter.editorial.preflight import mail_features, pages
from newsletter.rendering.content import Letter, RenderedEdition
from newsletter.rendering.edition import render
from newsletter.rendering.environment import Theme
from newsletter.rendering.message import MessageTemplate
from tests.benchmarks.figures import Figure, at_most
from tests.rendering import sample

EDITIONS = ("en", "my", "en+my")
ROUNDS = 15


def measure() -> list[Figure]:
    """Time over all three editions, then the size of each as it leaves."""
    letters = [_full(edition) for edition in EDITIONS]
    theme = sample.theme()
    rendered = [render(letter, theme) for letter in letters]
    words = len(sample.ENGLISH.body.split()) * 4
    found = [
        at_most(
            f"{words}-word editorial, 12 resources: all editions rendered and checked",
            _milliseconds(letters, theme),
            200,
            "ms",
        )
    ]
    both = rendered[-1]
    found.append(at_most("HTML of en+my", len(both.html.encode()) / 1000, 74, "kB"))
    found.append(at_most("text-only my on the wire", _text_only(letters[1], rendered[1]), 50, "kB"))
    sheet = sum(map(len, pages.read(both.html).sheets)) / 1000
    found.append(at_most("style sheet (Gmail reads 16 kB)", sheet, 8, "kB"))
    return found


def _full(edition: str) -> Letter:
    letter = sample.with_many_resources(sample.letter(edition), 12)
    blocks = [replace(block, body="\n\n".join([block.body] * 4)) for block in letter.blocks]
    return replace(letter, blocks=tuple(blocks))


def _milliseconds(letters: Sequence[Letter], theme: Theme) -> float:
    known = mail_features.clients()
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for letter in letters:
            found = render(letter, theme)
            assert not list(mail_features.judge(pages.read(found.html), known))
            MessageTemplate(letter, found).build(sample.recipient())
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def _text_only(letter: Letter, rendered: RenderedEdition) -> float:
    template = MessageTemplate(letter, rendered)
    return len(template.build(sample.recipient(), text_only=True)) / 1000
