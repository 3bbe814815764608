"""Feeds as a strict reader takes them: well formed, complete, lasting, and of no reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as Xml

import httpx
import pytest

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.editorial import issues, publications
from newsletter.rendering.feeds import Feed, FeedEntry, atom, rss
from tests.rendering.pages import Page
from tests.web import past
from tests.web.conftest import running

ATOM = "{http://www.w3.org/2005/Atom}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ENCODED = "{http://purl.org/rss/1.0/modules/content/}encoded"


@pytest.fixture
def url(services: Services) -> Iterator[str]:
    """Four issues, served by a real server; the address below which the feeds lie."""
    past.shelf(services)
    with running(services) as server:
        yield f"{server.url}/archive/weekly"


def only(element: Xml.Element, name: str) -> str:
    """The text of the one child of this name."""
    found = element.findall(name)
    assert len(found) == 1, name
    return found[0].text or ""


@pytest.mark.parametrize("language", ["en", "my"])
def test_the_atom_feed_has_what_the_standard_asks_for(
    url: str, client: httpx.Client, language: str
) -> None:
    answer = client.get(f"{url}/{language}.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = Xml.fromstring(answer.content)
    assert feed.tag == f"{ATOM}feed"
    assert feed.get(LANG) == language
    for holder in (feed, *feed.findall(f"{ATOM}entry")):
        assert urlsplit(only(holder, f"{ATOM}id")).scheme == "urn"
        assert only(holder, f"{ATOM}title")
        assert datetime.fromisoformat(only(holder, f"{ATOM}updated")).tzinfo
        assert [a.findtext(f"{ATOM}name") for a in holder.findall(f"{ATOM}author")] != [""]
        links = {link.get("rel"): link.get("href") for link in holder.findall(f"{ATOM}link")}
        assert all(str(href).startswith("http://127.0.0.1:8080/") for href in links.values())
        assert "alternate" in links
    assert f"/archive/weekly/{language}.atom" in str(
        [link.get("href") for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"]
    )
    titles = [entry.findtext(f"{ATOM}title") for entry in feed.findall(f"{ATOM}entry")]
    assert titles == [pair[language == "my"] for pair in reversed(past.TITLES)]
    ids = [entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")]
    assert len({*ids, feed.findtext(f"{ATOM}id")}) == 5


@pytest.mark.parametrize("language", ["en", "my"])
def test_the_rss_feed_has_what_the_standard_asks_for(
    url: str, client: httpx.Client, language: str
) -> None:
    answer = client.get(f"{url}/{language}.rss")
    assert answer.headers["content-type"].startswith("application/rss+xml")
    root = Xml.fromstring(answer.content)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    channel = root.find("channel")
    assert channel is not None
    for name in ("title", "link", "description"):
        assert only(channel, name)
    assert only(channel, "language") == language
    items = channel.findall("item")
    assert len(items) == 4
    for item in items:
        assert only(item, "title")
        assert only(item, "link").startswith("http://127.0.0.1:8080/archive/weekly/")
        guid = item.find("guid")
        assert guid is not None
        assert guid.get("isPermaLink") == "false"
        assert parsedate_to_datetime(only(item, "pubDate")).tzinfo
        assert only(item, "description")
        assert "<div" in only(item, ENCODED)


def test_the_whole_text_stands_in_it_with_its_language_and_whole_addresses(
    url: str, client: httpx.Client
) -> None:
    feed = Xml.fromstring(client.get(f"{url}/my.atom").content)
    content = feed.findall(f"{ATOM}entry")[-1].find(f"{ATOM}content")
    assert content is not None
    assert content.get("type") == "html"
    html = content.text or ""
    page = Page(html)
    assert not page.fault
    assert page.elements[0].attributes["lang"] == "my"
    for words in ("အလင်းမရောက်မီ လှေသည်", "ကူးတို့ဆိပ်၏ အမည်ကို မဖော်ပြပါ။", "လမ်းပေါ်က အောင်လက်မှတ်", "အစီရင်ခံစာများ"):
        assert words in html
    (picture,) = page.all("img")
    assert picture.attributes["alt"] == "လရောင်အောက်ရှိ မြစ်"
    assert picture.attributes["src"].startswith("http://127.0.0.1:8080/media/")
    assert (picture.attributes["width"], picture.attributes["height"]) == ("600", "300")
    for link in page.all("a"):
        assert re.match(r"(https?://|#my-n)", link.attributes["href"])
    assert "<script" not in html
    assert "style=" not in html


def test_no_reader_and_no_count_is_in_a_feed(url: str, client: httpx.Client) -> None:
    for name in ("en.atom", "my.atom", "en.rss", "my.rss"):
        answer = client.get(f"{url}/{name}")
        assert not re.search(r"placeholder|unsubscribe|/u/|/p/|utm_|set-cookie", answer.text, re.I)
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "public, max-age=900"
        assert answer.text == client.get(f"{url}/{name}").text


def test_names_stay_when_the_issue_is_edited_and_the_house_moves(
    services: Services, client: httpx.Client
) -> None:
    past.shelf(services)

    def names() -> list[str | None]:
        with running(services) as server:
            data = client.get(f"{server.url}/archive/weekly/en.atom").content
        return [element.text for element in Xml.fromstring(data).iter(f"{ATOM}id")]

    before = names()
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        publication.names = {"en": "Another Name", "my": "အခြားအမည်"}
        issues.get(session, publication, 1).editorials[0].title = "Another title"
    object.__setattr__(services.settings.public, "url", "https://elsewhere.example.net/news")
    assert names() == before


def test_an_issue_in_one_language_only_stands_in_that_feed_only(
    services: Services, client: httpx.Client
) -> None:
    past.shelf(services, count=2)
    with writing(services.engine) as session:
        found = issues.get(session, publications.get(session, None), 2)
        found.editorials = [e for e in found.editorials if e.language == "en"]
    with running(services) as server:
        for language, count in (("en", 2), ("my", 1)):
            feed = Xml.fromstring(
                client.get(f"{server.url}/archive/weekly/{language}.atom").content
            )
            assert len(feed.findall(f"{ATOM}entry")) == count
    with writing(services.engine) as session:
        publications.get(session, None).fallback_language = "en"
    with running(services) as server:
        feed = Xml.fromstring(client.get(f"{server.url}/archive/weekly/my.atom").content)
        newest = feed.findall(f"{ATOM}entry")[0]
        assert '<div lang="en">' in str(newest.findtext(f"{ATOM}content"))


def test_an_issue_that_has_not_gone_out_is_in_no_feed(
    services: Services, client: httpx.Client
) -> None:
    past.shelf(services, count=2)
    with writing(services.engine) as session:
        issues.get(session, publications.get(session, None), 2).launched_at = None
    with running(services) as server:
        for name in ("en.atom", "my.rss"):
            text = client.get(f"{server.url}/archive/weekly/{name}").text
            assert past.TITLES[1][0] not in text
            assert past.TITLES[1][1] not in text
        for strange in ("fr.atom", "en.json", "en", ".atom", "en.atom.atom"):
            assert client.get(f"{server.url}/archive/weekly/{strange}").status_code == 404
        assert client.get(f"{server.url}/archive/none/en.atom").status_code == 404


def test_pages_say_where_the_feeds_are(url: str, client: httpx.Client) -> None:
    for path, language in (("?l=my", "my"), ("/2/en", "en"), ("/2/en-my", "en")):
        page = Page(client.get(f"{url}{path}").text)
        found = {
            e.attributes["type"]: e.attributes["href"]
            for e in page.all("link")
            if e.attributes.get("type", "").endswith("+xml")
        }
        assert found == {
            "application/atom+xml": f"/archive/weekly/{language}.atom",
            "application/rss+xml": f"/archive/weekly/{language}.rss",
        }
        shown = [e.attributes["href"] for e in page.all("a") if e.text in ("RSS", "Atom")]
        assert sorted(shown) == sorted(found.values())


@pytest.mark.parametrize("make", [atom, rss])
def test_characters_that_no_xml_may_hold_break_no_feed(make) -> None:  # type: ignore[no-untyped-def]
    nasty = "a\x00\x08\x0b\x1f\ufffe\ud800b <script>&amp;]]>"
    entry = FeedEntry(
        "urn:x", "https://e.org/1", nasty, (nasty,), past.NOW, nasty, f"<p>{nasty}</p>"
    )
    feed = Feed(
        "urn:f", "en", nasty, nasty, "https://e.org", "https://e.org/f", (), past.NOW, [entry]
    )
    root = Xml.fromstring(make(feed))
    title = [e.text for e in root.iter() if e.tag.endswith("title")]
    assert set(title) == {"ab <script>&amp;]]>"}


def test_a_feed_in_which_nothing_stands_yet_is_whole(
    services: Services, client: httpx.Client
) -> None:
    past.shelf(services, count=0)
    with running(services) as server:
        feed = Xml.fromstring(client.get(f"{server.url}/archive/weekly/my.atom").content)
    assert only(feed, f"{ATOM}updated").startswith("2026-11-20T03:00:00")
    assert feed.findall(f"{ATOM}entry") == []
