"""The mail itself: how long all editions take to be rendered and checked, and how large they are.

`python -m tests.benchmarks theme`: processor time, with 12 resources in each language.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from newsletter.core.db import reading, writing
from newsletter.delivery import preflight
from newsletter.editorial import importing, publications
from newsletter.editorial.models import Issue
from newsletter.editorial.preflight import pages
from newsletter.rendering.content import Letter, RenderedEdition
from newsletter.rendering.edition import render
from newsletter.rendering.environment import Theme
from newsletter.rendering.message import MessageTemplate
from tests.benchmarks.desk import AT, SAMPLES
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.issues_made import installation
from tests.rendering import sample

EDITIONS = ("en", "my", "en+my")
ROUNDS = 15
_SENDER = {"sender.address": "editors@example.org", "postal_addresses.en": "1 Sample Street"}


def measure() -> list[Figure]:
    """Time over all three editions, then the size of each as it leaves."""
    letters = [_full(edition) for edition in EDITIONS]
    theme = sample.theme()
    rendered = [render(letter, theme) for letter in letters]
    both, words = rendered[-1], len(sample.ENGLISH.body.split()) * 4
    what = f"all editions of {words} words and 12 resources"
    sheet = sum(map(len, pages.read(both.html).sheets)) / 1000
    return [
        at_most(f"{what} rendered", _rendering(letters, theme), 200, "ms"),
        at_most("the shipped issue in all editions rendered and checked", _checking(), 200, "ms"),
        at_most("HTML of en+my", len(both.html.encode()) / 1000, 74, "kB"),
        at_most("text-only my on the wire", _text_only(letters[1], rendered[1]), 50, "kB"),
        at_most("style sheet (Gmail reads 16 kB)", sheet, 8, "kB"),
    ]


def _rendering(letters: Sequence[Letter], theme: Theme) -> float:
    def deed() -> None:
        for letter in letters:
            MessageTemplate(letter, render(letter, theme)).build(sample.recipient())

    return _cost(deed)


def _checking() -> float:
    """The whole pre-flight as `newsletter check` asks it, which tries no link by itself."""
    with installation("sqlite", delivery={"provider": "memory"}) as services:
        with writing(services.engine) as session:
            publication = publications.create(session, publications.default(), now=AT)
            for key, value in _SENDER.items():
                publications.set_value(session, publication, key, value, now=AT)
            path = SAMPLES / "issue.md"
            made = importing.store(
                session, publication, path.read_bytes(), path.name, directory=SAMPLES, now=AT
            )
            number = made.issue.id
        with reading(services.engine) as session:
            issue = session.get_one(Issue, number)
            found = preflight.report(services, session, issue, AT)
            assert set(EDITIONS) <= {edition.name for edition in found.editions}
            assert found.ready, found.problems
            return _cost(lambda: preflight.report(services, session, issue, AT))


def _full(edition: str) -> Letter:
    letter = sample.with_many_resources(sample.letter(edition), 12)
    blocks = [replace(block, body="\n\n".join([block.body] * 4)) for block in letter.blocks]
    return replace(letter, blocks=tuple(blocks))


def _cost(deed: Callable[[], object]) -> float:
    """Milliseconds of the processor, the median of several rounds after one to warm up."""
    deed()
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        deed()
        taken.append((time.process_time() - start) * 1000)
    return statistics.median(taken)


def _text_only(letter: Letter, rendered: RenderedEdition) -> float:
    template = MessageTemplate(letter, rendered)
    return len(template.build(sample.recipient(), text_only=True)) / 1000
