"""Links that are pasted: fetched with what their pages say, and never lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.core.errors import InputError
from newsletter.editorial import inbox, pasted_links, publications
from newsletter.editorial.pasted_links import Put
from tests.editorial.making import NOW, a_publication
from tests.editorial.sites import Site, a_site, reaching_here
from tests.http_server import DROP, answer
from tests.sources import samples


@pytest.fixture
def site() -> Iterator[Site]:
    """A site with a text in two languages, and pages that are none."""
    with a_site() as made:
        here = made.url
        english = samples.PAGE.replace("https://river.example.org", here)
        burmese = samples.BURMESE_PAGE.replace(
            "<title>", f'<link rel=alternate hreflang=en href="{here}/2026/11/floods/"><title>'
        )
        html = {"content_type": "text/html; charset=utf-8"}
        made.answers = {
            "/2026/11/floods/": answer(200, english, **html),
            "/my/2026/11/floods/": answer(200, burmese, **html),
            "/report.pdf": answer(200, b"%PDF-1.7", content_type="application/pdf"),
            "/guarded": answer(200, "<title>Just a moment...</title>", **html),
            "/home": answer(302, location="/"),
            "/": answer(200, "<title>River Watch</title>", **html),
            "/drop": DROP,
            "/inside": answer(302, location="http://10.0.0.1/secret"),
            "/nothing": answer(200, "<title>\u200b </title><p>", **html),
        }
        yield made


def _put(services: Services, *urls: str, byline: str = "") -> list[Put]:
    looked = pasted_links.look(urls, reaching_here(services).settings)
    with writing(services.engine) as session:
        if not publications.listing(session):
            a_publication(session)
        owner = publications.get(session, None)
        return pasted_links.put_in(
            session,
            owner,
            looked,
            category=publications.category(owner, "reports"),
            byline=byline,
            now=NOW,
        )


def test_two_pages_that_are_one_text_become_one_resource(
    any_services: Services, site: Site
) -> None:
    floods = f"{site.url}/2026/11/floods/"
    (put,) = _put(any_services, f"{site.url}/my/2026/11/floods/", f"{floods}?utm_source=chat")
    made = put.resource
    assert made.titles == {
        "en": "Floods in the delta: what 40 villages need",
        "my": "ရေကြီးမှုကြောင့် ရွာပေါင်း ၄၀ အကူအညီ လိုအပ်နေ",
    }
    assert made.urls == {"en": floods, "my": f"{site.url}/my/2026/11/floods/"}
    assert (made.byline, str(made.published_on)) == ("River Watch", "2026-11-16")
    assert put.problems == []
    (again,) = _put(any_services, floods)
    assert (again.again, again.resource.id) == (True, made.id)


def test_what_cannot_be_read_is_stored_by_its_link_with_a_warning(
    services: Services, site: Site
) -> None:
    cases = {
        "/report.pdf": ("it is no page but application/pdf", "report"),
        "/guarded": ("instead of its page", "guarded"),
        "/home": ("it leads to the front page of its site", "home"),
        "/drop": ("it hung up without an answer", "drop"),
        "/inside": ("it leads into a private network", "inside"),
        "/nothing": ("its page has no title", "nothing"),
        "/2026/11/09/not-there": ("it answered 404 (not found)", "not there"),
    }
    put = _put(services, *(site.url + path for path in cases))
    for (path, (problem, title)), one in zip(cases.items(), put, strict=True):
        assert one.resource.titles == {"en": title}
        assert (one.resource.byline, one.resource.urls) == ("localhost", {"en": site.url + path})
        assert problem in "".join(one.problems)
    assert str(put[-1].resource.published_on) == "2026-11-09"


def test_a_byline_given_by_hand_stands_for_all(services: Services, site: Site) -> None:
    made = _put(services, f"{site.url}/2026/11/floods/", f"{site.url}/drop", byline="Our desk")
    assert [put.resource.byline for put in made] == ["Our desk", "Our desk"]


@pytest.mark.parametrize(
    "urls", [["https://example.org/", "ftp://example.org/"], ["https://e.example.org/"] * 201]
)
def test_no_link_is_fetched_when_one_is_none(services: Services, urls: list[str]) -> None:
    with pytest.raises(InputError):
        pasted_links.look(urls, reaching_here(services).settings)


def test_links_are_found_in_whatever_was_pasted() -> None:
    text = """Floods (https://e.org/a_(2026)), see https://e.org/b?x=1&y=2.
    ကြည့်ရန် https://e.org/သတင်း။ <https://e.org/c> “https://e.org/d” https://e.org/a_(2026)
    ftp://e.org/ mailto:a@e.org https:// HTTP://E.org/F, [md](https://e.org/g)"""
    assert pasted_links.links_in(text) == [
        "https://e.org/a_(2026)",
        "https://e.org/b?x=1&y=2",
        "https://e.org/သတင်း",
        "https://e.org/c",
        "https://e.org/d",
        "HTTP://E.org/F",
        "https://e.org/g",
    ]


def test_completing_leaves_what_is_there_and_notes_no_hand(services: Services) -> None:
    with writing(services.engine) as session:
        owner = a_publication(session)
        made = inbox.add(
            session,
            owner,
            byline="A",
            titles={"en": "One"},
            urls={"en": "https://e.org/1"},
            category=None,
            published_on=NOW.date(),
            now=NOW,
        )
        inbox.complete(
            session,
            made,
            titles={"en": "Other", "my": "တစ်"},
            urls={"my": "https://e.org/my"},
            now=NOW,
        )
        assert made.titles == {"en": "One", "my": "တစ်"}
        assert (made.urls["en"], made.edited_at) == ("https://e.org/1", None)
