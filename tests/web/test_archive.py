"""Past issues on the web: what stands there, what does not, and what it weighs."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.editorial import editions, issues, logos, publications, withdrawing
from newsletter.editorial.models import Issue
from newsletter.rendering.edition import render
from tests.rendering.pages import Page
from tests.web import past
from tests.web.conftest import running


@dataclass
class Shelf:
    """The running pages."""

    services: Services
    url: str


@pytest.fixture
def shelf(services: Services) -> Iterator[Shelf]:
    """Four issues, served by a real server."""
    past.shelf(services)
    with running(services) as server:
        yield Shelf(services, server.url)


def issue(services: Services, number: int, **changes: object) -> None:
    """Change an issue by hand."""
    with writing(services.engine) as session:
        found = issues.get(session, publications.get(session, None), number)
        for name, value in changes.items():
            setattr(found, name, value)


def words(html: str) -> str:
    """What is read in a page, without its head."""
    return " ".join(re.sub(r"<head>.*?</head>|<[^>]+>", " ", html, flags=re.DOTALL).split())


def test_a_year_lists_its_issues_with_their_titles_in_both_languages(
    shelf: Shelf, client: httpx.Client
) -> None:
    page = client.get(f"{shelf.url}/archive/weekly?l=en").text
    for number, (english, burmese) in enumerate(past.TITLES, 1):
        in_year = number >= 4  # the fourth is of January 2026, the others of December 2025
        assert (english in page) is in_year
        assert (burmese in page) is in_year
    earlier = client.get(f"{shelf.url}/archive/weekly?l=my&y=2025").text
    assert all(title in earlier for titles in past.TITLES[:3] for title in titles)
    assert "၂၀၂၅" in earlier
    assert past.TITLES[3][0] not in earlier
    seen = Page(earlier)
    assert not seen.fault
    links = [e.attributes["href"] for e in seen.all("a") if e.attributes.get("lang") == "my"]
    assert "/archive/weekly/3/my" in links
    assert 'href="/archive/weekly?l=en&amp;y=2025"' in earlier
    for nonsense in ("1", "x", "99999999999999999999", "²"):
        assert client.get(f"{shelf.url}/archive/weekly?y={nonsense}").status_code == 200


def test_a_page_says_where_it_stands_in_the_other_languages(
    shelf: Shelf, client: httpx.Client
) -> None:
    public = shelf.services.settings.public.url
    there = f"{public}/archive/weekly/2"
    for edition in ("en", "my", "en-my"):
        links = Page(client.get(f"{shelf.url}/archive/weekly/2/{edition}").text).all("link")
        canonical = [e.attributes["href"] for e in links if e.attributes["rel"] == "canonical"]
        assert canonical == [f"{there}/{edition}"]
        pairs = {
            e.attributes["hreflang"]: e.attributes["href"]
            for e in links
            if e.attributes["rel"] == "alternate" and "type" not in e.attributes
        }
        assert pairs == {"en": f"{there}/en", "my": f"{there}/my", "x-default": f"{there}/en-my"}
    index = Page(client.get(f"{shelf.url}/archive/weekly?l=my").text).all("link")
    pairs = {
        e.attributes.get("hreflang", ""): e.attributes["href"]
        for e in index
        if "type" not in e.attributes
    }
    assert pairs["x-default"] == f"{public}/archive/weekly"
    assert pairs["en"] == f"{public}/archive/weekly?l=en"


def test_each_issue_leads_to_the_one_before_and_after(shelf: Shelf, client: httpx.Client) -> None:
    def around(number: int, edition: str = "my") -> dict[str, str]:
        links = Page(client.get(f"{shelf.url}/archive/weekly/{number}/{edition}").text).all("a")
        return {e.attributes["rel"]: e.attributes["href"] for e in links if "rel" in e.attributes}

    assert around(1) == {"next": "/archive/weekly/2/my"}
    assert around(2, "en-my") == {
        "prev": "/archive/weekly/1/en-my",
        "next": "/archive/weekly/3/en-my",
    }
    assert around(4) == {"prev": "/archive/weekly/3/my"}
    issue(shelf.services, 3, launched_at=None)
    assert around(2) == {"prev": "/archive/weekly/1/my", "next": "/archive/weekly/4/my"}


def test_the_page_reads_as_the_mail_does(shelf: Shelf, client: httpx.Client) -> None:
    """What the link "view in browser" of the mail leads to: the same edition, word for word."""
    services = shelf.services
    for edition in ("en", "my", "en+my"):
        with reading(services.engine) as session:
            found = issues.get(session, publications.get(session, None), 1)
            letter = editions.letter(
                found, edition, public_url=services.settings.public.url,
                media_path=services.settings.media_path, languages=services.settings.languages,
            )  # fmt: skip
        mail = render(letter, services.theme).html
        assert letter.browser_url in mail
        path = letter.browser_url.removeprefix(services.settings.public.url)
        page = client.get(shelf.url + path).text
        for language in edition.split("+"):
            for kind in ("h1", "h2", "h3", "h4", "blockquote", "li", "p"):
                told = [e.text.split() for e in Page(mail).all(kind) if e.languages[-1] == language]
                read = [e.text.split() for e in Page(page).all(kind) if e.languages[-1] == language]
                missing = [t for t in told if t not in read]
                reader_only = {
                    "unsubscribe",
                    "tracking",
                    "စာရင်း",
                    "ခြေရာခံ",
                    "ဘရောက်ဇာ",
                    "browser",
                    "subscribed",
                }
                assert not [
                    t for t in missing if not any(w in " ".join(t).lower() for w in reader_only)
                ]
        assert "placeholder.invalid" not in page


def test_the_letters_come_from_here_and_no_mail_names_them(
    shelf: Shelf, client: httpx.Client
) -> None:
    answer = client.get(f"{shelf.url}/archive/weekly/1/my")
    sheet = re.search(r'<link rel="stylesheet" href="([^"]*fonts[^"]*)"', answer.text)
    assert sheet
    assert "font-src 'self'" in answer.headers["content-security-policy"]
    assert "'Newsletter Myanmar',Arial" in answer.text
    style = client.get(shelf.url + sheet[1])
    assert "font-display:swap" in style.text
    assert "immutable" in style.headers["cache-control"]
    files = re.findall(r"url\(([^)]*)\)", style.text)
    assert len(files) == 2
    for name in files:
        font = client.get(f"{shelf.url}/static/{name}")
        assert font.content[:4] == b"wOF2"
        assert font.headers["content-type"] == "font/woff2"
        assert len(font.content) < 60_000
    assert client.get(f"{shelf.url}/static/fonts/keys.json").status_code == 404
    with reading(shelf.services.engine) as session:
        letter = editions.letter(
            session.query(Issue).filter_by(number=1).one(), "my", public_url="https://n.example.org",
            media_path=shelf.services.settings.media_path,
            languages=shelf.services.settings.languages,
        )  # fmt: skip
    mail = render(letter, shelf.services.theme).html
    assert "Newsletter Myanmar" not in mail
    assert "font-face" not in mail


def test_search_engines_stay_out_until_the_publication_lets_them_in(
    shelf: Shelf, client: httpx.Client
) -> None:
    paths = ("/archive/weekly", "/archive/weekly/1/my", "/archive/weekly/my.atom")
    for path in paths:
        answer = client.get(shelf.url + path)
        assert answer.headers["x-robots-tag"] == "noindex"
        assert 'content="all"' not in answer.text
    with writing(shelf.services.engine) as session:
        found = publications.get(session, None)
        assert publications.set_value(session, found, "search_engines", "true")
    for path in paths:
        assert client.get(shelf.url + path).headers["x-robots-tag"] == "all"
    assert 'name="robots" content="all"' in client.get(f"{shelf.url}{paths[1]}").text
    assert client.get(f"{shelf.url}/").headers["x-robots-tag"] == "noindex"


def test_what_was_withdrawn_is_gone_in_both_languages(shelf: Shelf, client: httpx.Client) -> None:
    before = client.get(f"{shelf.url}/archive/weekly/1/en").text
    picture = re.search(r'src="(/media/[^"]+)"', before)
    assert picture
    assert client.get(shelf.url + picture[1]).status_code == 200
    issue(shelf.services, 1, withdrawn_at=past.NOW)
    for edition in ("en", "my", "en-my"):
        answer = client.get(f"{shelf.url}/archive/weekly/1/{edition}")
        assert answer.status_code == 410
        assert answer.text.count("<section lang=") == 2
        assert "was withdrawn" in answer.text
        assert "ရုပ်သိမ်း" in answer.text
        assert past.TITLES[0][0] not in answer.text
    assert client.get(shelf.url + picture[1]).status_code == 404
    assert past.TITLES[0][0] not in client.get(f"{shelf.url}/archive/weekly?y=2025").text
    assert past.TITLES[0][0] not in client.get(f"{shelf.url}/archive/weekly/en.atom").text
    with writing(shelf.services.engine) as session:
        found = issues.get(session, publications.get(session, None), 1)
        assert not withdrawing.withdraw(found, past.NOW)
        assert withdrawing.show_again(found)
    assert client.get(f"{shelf.url}/archive/weekly/1/en").status_code == 200


def test_the_picture_of_an_issue_that_waits_is_not_shown(
    shelf: Shelf, client: httpx.Client
) -> None:
    with reading(shelf.services.engine) as session:
        name = session.query(Issue).filter_by(number=1).one().image_name
    issue(shelf.services, 1, launched_at=None)
    url = f"{shelf.url}/media/{name}"
    assert client.get(url).status_code == 404
    with writing(shelf.services.engine) as session:
        publications.get(session, None).hosted_images = True  # its test mails would fetch it
    assert client.get(url).status_code == 200


def test_a_logo_is_shown_at_the_head_of_every_page(shelf: Shelf, client: httpx.Client) -> None:
    with writing(shelf.services.engine) as session:
        publication = publications.get(session, None)
        alts = {"en": "Hill Country Letter", "my": "တောင်တန်းဒေသ စာစောင်"}
        logos.set_logo(session, publication, past.drawing("#b5562c"), alts, now=past.NOW)
        name = publication.logo_name
    assert f"/media/{name}" in client.get(f"{shelf.url}/archive/weekly/2/my").text
    assert client.get(f"{shelf.url}/media/{name}").status_code == 200


def test_what_did_not_change_is_not_sent_again(shelf: Shelf, client: httpx.Client) -> None:
    for path in ("/archive/weekly?l=en", "/archive/weekly/2/my", "/archive/weekly/my.rss", "/"):
        first = client.get(shelf.url + path)
        mark = first.headers["etag"]
        for told in (mark, mark.removeprefix("W/"), f'"other", {mark}', "*"):
            again = client.get(shelf.url + path, headers={"If-None-Match": told})
            assert again.status_code == 304, (path, told)
            assert again.content == b""
            assert again.headers["etag"] == mark
        assert client.get(shelf.url + path, headers={"If-None-Match": '"x"'}).status_code == 200
        head = client.head(shelf.url + path)
        assert (head.status_code, head.headers["etag"]) == (200, mark)
    page = client.get(f"{shelf.url}/archive/weekly/2/my")
    with writing(shelf.services.engine) as session:
        publications.get(session, None).names = {"en": "Another Name", "my": "အခြားအမည်"}
    same = {"If-None-Match": page.headers["etag"]}
    assert client.get(f"{shelf.url}/archive/weekly/2/my", headers=same).status_code == 200


def test_the_pages_are_light(services: Services, client: httpx.Client) -> None:
    past.shelf(services, count=53)
    with running(services) as server:
        style = len(gzip.compress(client.get(f"{server.url}/static/style.css").content))
        for path in ("/archive/weekly?l=my&y=2026", "/archive/weekly/2/en-my", "/"):
            page = client.get(server.url + path)
            assert len(gzip.compress(page.content)) + style < 50_000, path
            assert len(page.content) < 74_000, path
