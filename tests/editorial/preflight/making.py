"""An issue in memory, in good order, for checks that need no database."""

from __future__ import annotations

from collections.abc import Iterable

from newsletter.editorial.checks import Problem
from newsletter.editorial.models import Category, Editorial, Issue, Publication, Resource

EN = "The river rose in the night, and the school on the hill took everybody in."
MY = "မြစ်ရေသည် ညအချိန်တွင် မြင့်တက်လာပြီး တောင်ကုန်းပေါ်ရှိ ကျောင်းက လူအားလုံးကို လက်ခံခဲ့သည်။"


def a_publication() -> Publication:
    """English and Burmese."""
    return Publication(
        id=1,
        slug="weekly",
        languages=["en", "my"],
        names={"en": "Hill and River", "my": "တောင်နှင့် မြစ်"},
        sender_names={},
        about={},
        postal_addresses={"en": "12 Lane, Chiang Mai"},
        theme={},
    )


def an_issue(**changes: str) -> Issue:
    """Both editorials and one resource with a link in each language.

    `body`, `title`, `body_my`, `title_my`, `url`, `url_my` put something else in their places.
    """
    issue = Issue(id=1, number=3, image_alts={})
    issue.editorials = [
        _editorial("en", changes.get("title", "After the Rain"), changes.get("body", EN)),
        _editorial("my", changes.get("title_my", "မိုးရွာပြီးနောက်"), changes.get("body_my", MY)),
    ]
    issue.resources = [a_resource(changes.get("url", "https://example.org/report"), changes)]
    return issue


def a_resource(url: str, changes: dict[str, str] | None = None) -> Resource:
    """One report."""
    given = changes or {}
    titles = {"en": "Three villages", "my": given.get("resource_my", "ရွာသုံးရွာ")}
    urls = {"en": url} | ({"my": given["url_my"]} if "url_my" in given else {})
    made = Resource(id=7, position=1, byline="Valley Watch", titles=titles, urls=urls, lines=[])
    made.category = Category(id=1, key="reports", names={"en": "Reports"}, position=1)
    return made


def _editorial(language: str, title: str, body: str) -> Editorial:
    return Editorial(
        language=language, title=title, body=body, pull_quote="", about="", footnotes=[]
    )


def told(problems: Iterable[Problem]) -> set[tuple[str, str]]:
    """Level and check of each."""
    return {(problem.level, problem.check) for problem in problems}
