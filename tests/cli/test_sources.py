"""`sources` and `resources add URL`: an editor fills the inbox without typing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.editorial.sites import Item, Site, a_site
from tests.http_server import answer
from tests.sources import samples

LOCAL = {
    "NEWSLETTER_LINKS__LOOPBACK": "true",
    "NEWSLETTER_SOURCES__PAUSE_SECONDS": "0",
    "NEWSLETTER_SOURCES__SECONDS": "5",
}


@pytest.fixture
def site() -> Iterator[Site]:
    """A site with a feed that its front page names."""
    with a_site() as made:
        page = samples.PAGE.replace("https://river.example.org", made.url)
        front = '<html><link rel="alternate" type="application/rss+xml" href="/feed"><p>Hello'
        made.items = [Item("Floods in the delta", "/floods", datetime.now(UTC))]
        made.answers = {
            "/": answer(200, front, content_type="text/html"),
            "/2026/11/floods/": answer(200, page, content_type="text/html"),
        }
        yield made


@pytest.fixture
def at_home(newsletter: Command) -> Command:
    """The command in a home that is made, whose visits may end on this machine."""
    newsletter.ok("init", "--yes", "--sender", "desk@example.org", "--postal", "1 Sample Street")
    return replace(newsletter, environment={**newsletter.environment, **LOCAL})


def test_a_source_is_added_polled_watched_and_taken_away(at_home: Command, site: Site) -> None:
    added = at_home.ok("sources", "add", f"{site.url}/", "--category", "reports", "--json").json
    assert (added["name"], added["url"], added["kind"]) == (
        *("River Watch", f"{site.url}/feed"),
        "feed",
    )
    polled = at_home.ok("sources", "poll").out
    assert "Source 1 (River Watch): 1 new resource." in polled
    assert "No source is due" in at_home.ok("sources", "poll").out
    inbox = at_home.ok("resources", "list", "--json").json["resources"]
    assert [(one["byline"], one["category"]) for one in inbox] == [("River Watch", "reports")]
    site.answers["/feed"] = answer(503)
    assert "gave nothing: it answered 503" in at_home.ok("sources", "poll", "--now").out
    (health,) = at_home.ok("sources", "list", "--json").json["sources"]
    assert (health["state"], health["this_week"], health["failures"]) == ("failing", 1, 1)
    assert health["trouble"] == "it answered 503 (service unavailable)"
    shown = at_home.ok("sources", "list").out
    assert "(1 time in a row)" in " ".join(shown.split())
    at_home.ok("sources", "edit", 1, "--off", "--every", 240)
    assert "is off" in at_home.refused("sources", "poll", 1)
    at_home.ok("sources", "remove", 1)
    assert "no source yet" in at_home.ok("sources", "list").out
    assert len(at_home.ok("resources", "list", "--json").json["resources"]) == 1


def test_what_is_no_source_is_refused_and_kept_only_on_demand(at_home: Command, site: Site) -> None:
    assert "names no feed" in at_home.refused("sources", "add", f"{site.url}/2026/11/floods/")
    assert "404" in at_home.refused("sources", "add", f"{site.url}/none")
    assert "no web address" in at_home.refused("sources", "add", "feed:example")
    given = ("sources", "add", f"{site.url}/none", "--kind", "feed", "--name", "Later")
    assert "could not be read just now" in at_home.ok(*given).out
    assert "this is source 1 already" in at_home.refused(*given)


def test_links_are_pasted_as_arguments_as_a_file_and_as_text(
    at_home: Command, site: Site, tmp_path: Path
) -> None:
    floods = f"{site.url}/2026/11/floods/"
    said = at_home.ok("resources", "add", floods, "--category", "reports").out
    assert "Floods in the delta: what 40 villages need — By River Watch" in said
    file = tmp_path / "links.txt"
    file.write_text(f"Look: {floods}\nand {site.url}/gone.")
    again = at_home.ok("resources", "add", "--from", file).out
    assert "Resource 1 lay there already" in again
    assert f"{site.url}/gone could not be read: it answered 404" in " ".join(again.split())
    piped = at_home.ok("resources", "add", "--from", "-", "--json", stdin=f"{site.url}/x").json
    assert [one["added"] for one in piped["resources"]] == [True]
    assert "no link in it" in at_home.refused("resources", "add", "--from", "-", stdin="none")
    assert "--title" in at_home.refused("resources", "add", floods, "--title", "Mine")
