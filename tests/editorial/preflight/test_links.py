"""What is wrong with a link by its looks, and what it means how it was found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.core.errors import InputError
from newsletter.core.visiting import Trouble, Visit
from newsletter.editorial.preflight import blocked, link_states, links
from newsletter.editorial.preflight.link_states import Tried, verdict
from newsletter.editorial.preflight.links import without_tracking
from newsletter.editorial.preflight.lookalikes import suspicion
from tests.editorial.preflight.making import a_publication, an_issue, told

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
GOOD = "https://example.org/report"


def found_in(**changes: str) -> list[links.Link]:
    """The links of an issue with these changes."""
    return links.links_of(an_issue(**changes), a_publication())


def test_good_links_are_silent() -> None:
    body = f"Read [the whole report]({GOOD}) or <{GOOD}/annex>. Write to <mailto:a@example.org>."
    assert list(links.judge(found_in(body=body, url_my="https://example.org/my"))) == []


@pytest.mark.parametrize(
    ("url", "level", "check"),
    [
        ("not a link", "error", "link addresses"),
        ("ftp://example.org/file", "error", "link addresses"),
        ("http://192.168.1.20/share", "error", "link addresses"),
        ("https://localhost/draft", "error", "link addresses"),
        ("https://intranet/page", "error", "link addresses"),
        ("https://nas.local/page", "error", "link addresses"),
        ("http://example.org/report", "warning", "link addresses"),
        ("https://bit.ly/3xYz", "warning", "link addresses"),
        ("https://www.exаmple.org/report", "warning", "link addresses"),
        ("https://xn--80ak6aa92e.com/", "warning", "link addresses"),
        ("https://example.org/r?utm_source=x&id=4", "warning", "tracking"),
        ("https://example.org/r?fbclid=IwAR0", "warning", "tracking"),
    ],
)
def test_each_fault_of_an_address_is_told(url: str, level: str, check: str) -> None:
    problems = list(links.judge(found_in(url=url)))
    assert told(problems) == {(level, check)}
    assert problems[0].place == "resource 7"
    assert problems[0].remedy


def test_a_link_in_the_text_is_told_to_its_readers_only() -> None:
    body = f"[ဤနေရာ]({GOOD}) တွင် ဖတ်ပါ။"
    problem = next(links.judge(found_in(body_my=body)))
    assert (problem.place, problem.language, problem.check) == ("editorial my", "my", "link texts")


@pytest.mark.parametrize("words", ["here", "Click here", "Read more …", "ဆက်ဖတ်ရန်", "link:"])
def test_words_that_say_nothing(words: str) -> None:
    problems = links.judge(found_in(body=f"It is written [{words}]({GOOD})."))
    assert told(problems) == {("warning", "link texts")}


def test_the_clean_address_is_offered_and_nothing_else_changes() -> None:
    dirty = "https://example.org/r%20a?id=4&utm_source=x&b=%E1%80%99+c&fbclid=Iw#part"
    clean = "https://example.org/r%20a?id=4&b=%E1%80%99+c#part"
    assert without_tracking(dirty) == clean
    assert without_tracking(clean) == clean
    problem = next(links.judge(found_in(url=dirty)))
    assert clean in problem.remedy
    assert "newsletter resources edit 7 --url-in en=" in problem.remedy


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("paypаl.com", "mixes letters of Cyrillic and Latin"),
        ("xn--80ak6aa92e.com", "Cyrillic letters that look like Latin"),
        ("exam\u200bple.org", "a sign that is not seen"),
        ("xn--zzzzzzzz99999.com", "stands for no letters"),
    ],
)
def test_hosts_that_look_like_others(host: str, says: str) -> None:
    assert says in suspicion(host)


@pytest.mark.parametrize(
    "host", ["example.org", "မြန်မာ.example", "münchen.de", "日本語.jp", "россия.example", "a-1.org"]
)
def test_honest_hosts_are_not_suspected(host: str) -> None:
    assert suspicion(host) == ""


@pytest.mark.parametrize(
    ("visit", "expected"),
    [
        (Visit("u", 200), "alive"),
        (Visit("u", 304), "alive"),
        (Visit("u", 404), "dead"),
        (Visit("u", 410), "dead"),
        (Visit("u", trouble=Trouble.NO_SUCH_HOST, detail="no machine"), "dead"),
        (Visit("u", 403), "doubtful"),
        (Visit("u", 429), "doubtful"),
        (Visit("u", 451), "doubtful"),
        (Visit("u", 503), "doubtful"),
        (Visit("u", 999), "doubtful"),
        (Visit("u", trouble=Trouble.SLOW, detail="slow"), "doubtful"),
        (Visit("u", trouble=Trouble.DISTRUSTED, detail="cert"), "doubtful"),
        (Visit("u", trouble=Trouble.ASTRAY, detail="round"), "doubtful"),
        (Visit("u", trouble=Trouble.REFUSED, detail="private"), "refused"),
    ],
)
def test_what_a_visit_says_of_a_link(visit: Visit, expected: str) -> None:
    said, detail = verdict(visit)
    assert said == expected
    assert bool(detail) is (said != "alive")


def state(said: link_states.Verdict, *, approved: bool = False) -> list[tuple[str, str]]:
    """Level and words for the one link of an issue, found so three hours ago."""
    tried = Tried(GOOD, said, None, "its words", NOW - timedelta(hours=3))
    problems = link_states.judge(
        found_in(), {GOOD: tried}, {}, number=3, approved=approved, now=NOW
    )
    return [(p.level, f"{p.text} → {p.remedy}") for p in problems]


def test_a_dead_link_stops_an_approval_and_says_how_to_go_on() -> None:
    ((level, words),) = state("dead")
    assert level == "error"
    assert "tried 3 hours ago" in words
    assert f"newsletter check 3 --opens {GOOD}" in words
    assert "newsletter resources edit 7 --url-in en=" in words


def test_a_link_that_died_since_the_approval_holds_nobody_back() -> None:
    ((level, words),) = state("dead", approved=True)
    assert (level, "since it was approved" in words) == ("warning", True)


def test_doubtful_and_refused_are_warned_of_and_alive_is_silent() -> None:
    assert [level for level, _ in state("doubtful")] == ["warning"]
    assert [level for level, _ in state("refused")] == ["warning"]
    assert state("alive") == []


def test_links_that_nobody_tried_are_counted_once() -> None:
    two = found_in(body=f"[the annex]({GOOD}/annex)")
    problems = list(link_states.judge(two, {}, {}, number=3, approved=False, now=NOW))
    assert [p.text.split(" have")[0] for p in problems] == ["2 links"]


def test_a_site_known_to_be_blocked_is_named_with_its_source(tmp_path: Path) -> None:
    sites = blocked.load(tmp_path)
    link = replace(found_in()[0], url="https://www.facebook.com/page/posts/1")
    alive = {link.url: Tried(link.url, "alive", 200, "", NOW)}
    (problem,) = link_states.judge([link], alive, sites, number=3, approved=False, now=NOW)
    assert (problem.level, problem.check) == ("hint", "blocked sites")
    assert "facebook.com is known to be blocked in Myanmar (OONI" in problem.text
    assert blocked.known("https://notfacebook.com/", sites) is None
    assert blocked.known("https://[broken/", sites) is None


def test_the_homes_own_list_is_added_and_a_slip_in_it_is_named(tmp_path: Path) -> None:
    own = tmp_path / "blocked-sites.toml"
    own.write_text(
        '[[sites]]\nhost = "WWW.Valley.example"\ncountry = "MM"\n'
        'source = "readers"\nseen = "2026"\n'
    )
    sites = blocked.load(tmp_path)
    assert blocked.known("https://news.valley.example/1", sites) is not None
    assert "wikipedia.org" in sites
    own.write_text('[[sites]]\nhost = "valley.example"\n')
    with pytest.raises(InputError, match=r"entry 1 of .* country, host, seen, source"):
        blocked.load(tmp_path)
    own.write_text("[[sites")
    with pytest.raises(InputError, match="no valid TOML"):
        blocked.load(tmp_path)
