"""Sources fill the inbox: each entry once ever, nothing lost, nobody's site pestered."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError
from newsletter.core.fetching import Marks
from newsletter.core.visiting import Rules
from newsletter.editorial import archiving, inbox, issues, polling, publications, sources_kept
from newsletter.editorial.models import Publication, Resource
from newsletter.editorial.poll_times import next_poll
from newsletter.editorial.source_models import Source, SourceEntry
from newsletter.editorial.taking_entries import Taken, take_in
from newsletter.schedule import collecting
from tests.editorial.making import NOW, a_publication
from tests.editorial.sites import Item, Site, a_site, reaching_here
from tests.http_server import Asked, HttpServer, answer

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
HERE = Rules(seconds=5, loopback=True)


@pytest.fixture
def site() -> Iterator[Site]:
    """A site that has published nothing yet."""
    with a_site() as made:
        yield made


def _kept(services: Services, site: Site, path: str = "/feed", **given: object) -> int:
    with writing(services.engine) as session:
        owner = session.scalar(select(Publication)) or a_publication(session)
        wanted: dict[str, object] = {
            "kind": "feed",
            "url": site.url + path,
            "name": "River Watch",
            "every_minutes": 60,
            "first_days": 7,
            "now": NOW,
            **given,
        }
        return sources_kept.add(session, owner, **wanted).id  # type: ignore[arg-type]


def _poll(services: Services, at: datetime, *only: int) -> list[Taken]:
    here = reaching_here(services)
    return [taken for _, taken in collecting.poll(here, only=only or None, at=at)]


def _titles(services: Services) -> list[str]:
    with reading(services.engine) as session:
        found = session.scalars(select(Resource).order_by(Resource.id))
        return [title for one in found for title in one.titles.values()]


def _source(services: Services, source_id: int) -> Source:
    with reading(services.engine) as session:
        return session.get_one(Source, source_id)


def test_a_new_source_gives_its_last_days_and_then_each_entry_once_ever(
    any_services: Services, site: Site
) -> None:
    site.items = [
        Item("Floods in the delta", "/floods?utm_source=rss", NOW - DAY),
        Item("လူ့အခွင့်အရေး ထုတ်ပြန်ချက်", "/my/rights", NOW - 6 * DAY),
        Item("Long ago", "/old", NOW - 8 * DAY),
        Item("Nobody knows when", "/undated", None),
    ]
    source = _kept(any_services, site)
    (first,) = _poll(any_services, NOW)
    assert (len(first.new), first.passed_over) == (2, 2)
    assert _titles(any_services) == ["Floods in the delta", "လူ့အခွင့်အရေး ထုတ်ပြန်ချက်"]
    with reading(any_services.engine) as session:
        floods, rights = session.scalars(select(Resource).order_by(Resource.id))
        assert floods.urls == {"en": f"{site.url}/floods"}
        assert (floods.byline, str(floods.published_on)) == ("River Watch", "2026-11-17")
        assert list(rights.titles) == ["my"]
    assert _poll(any_services, NOW + HOUR / 2) == []
    site.items.insert(0, Item("New today", "/new", None))
    site.items[1] = Item("Floods in the delta: corrected", "/floods", NOW)
    (again,) = _poll(any_services, NOW + 2 * HOUR)
    assert [one.titles for one in again.new] == [{"en": "New today"}]
    kept = _source(any_services, source)
    assert (kept.failures, kept.seen_at) == (0, NOW + 2 * HOUR)
    wait = kept.next_at - (NOW + 2 * HOUR)
    assert timedelta(minutes=54) <= wait <= timedelta(minutes=66)
    with writing(any_services.engine) as session:
        for resource in session.scalars(select(Resource)):
            session.delete(resource)
    _poll(any_services, NOW + 4 * HOUR)
    assert _titles(any_services) == []


def test_what_has_not_changed_is_neither_sent_nor_read_again(
    services: Services, site: Site
) -> None:
    site.items = [Item("Floods", "/floods", NOW - HOUR)]
    source = _kept(services, site)
    _poll(services, NOW)
    (again,) = _poll(services, NOW, source)
    assert (again.new, again.passed_over, again.problem) == ([], 0, "")
    assert "if-none-match" in site.asked[-1].headers
    assert _source(services, source).seen_at == NOW


def test_a_site_that_renames_all_it_ever_had_floods_nobody(services: Services, site: Site) -> None:
    site.items = [Item("Floods", "/floods", NOW - HOUR)]
    _kept(services, site)
    _poll(services, NOW)
    old = [Item(f"Old {n}", f"/{n}", NOW - 300 * DAY, f"new-{n}") for n in range(50)]
    site.items = [Item("Floods", "/floods/", NOW - HOUR, "another name"), *old]
    (taken,) = _poll(services, NOW + 2 * HOUR)
    assert (taken.new, taken.passed_over) == ([], 51)


def test_of_very_much_at_once_nothing_is_lost(services: Services, site: Site) -> None:
    site.items = [Item(f"Paper of {n} pages", f"/{n}", NOW - HOUR) for n in range(130)]
    source = _kept(services, site)
    assert [len(taken.new) for taken in _poll(services, NOW)] == [100]
    assert [len(taken.new) for taken in _poll(services, NOW, source)] == [30]


def test_a_near_duplicate_of_another_source_is_flagged_and_the_same_link_is_one(
    any_services: Services, site: Site
) -> None:
    site.items = [
        Item("Statement on the talks at the border", "/a", NOW - HOUR),
        Item("Statement on the talks at the borders", "/b", NOW - HOUR),
    ]
    site.answers["/other"] = answer(200, site.feed.replace(">/b<", ">elsewhere<"))
    _kept(any_services, site)
    _kept(any_services, site, "/other")
    results = _poll(any_services, NOW)
    assert sorted(len(taken.new) for taken in results) == [0, 2]
    with reading(any_services.engine) as session:
        first, second = session.scalars(select(Resource).order_by(Resource.id))
        assert (first.near_duplicate_of, second.near_duplicate_of) == (None, first.id)
        entries = list(session.scalars(select(SourceEntry)))
        assert sorted(e.resource_id or 0 for e in entries) == [first.id, first.id, *[second.id] * 2]


def test_a_title_in_the_old_encoding_goes_through_the_door(services: Services, site: Site) -> None:
    zawgyi = "ျမန္မာႏိုင္ငံ လူ႔အခြင့္အေရး ေၾကညာခ်က္ ထုတ္ျပန္ျခင္း"
    site.items = [Item(zawgyi, "/z", NOW - HOUR)]
    _kept(services, site)
    _poll(services, NOW)
    assert _titles(services) == ["မြန်မာနိုင်ငံ လူ့အခွင့်အရေး ကြေညာချက် ထုတ်ပြန်ခြင်း"]


def _posts(*posts: dict[str, object]) -> bytes:
    return answer(200, json.dumps(posts), content_type="application/json")


def test_posts_in_two_languages_become_one_resource_also_when_one_comes_later(
    any_services: Services, site: Site
) -> None:
    def post(number: int, language: str, title: str, *others: int) -> dict[str, object]:
        return {
            "id": number,
            "link": f"{site.url}/{language}/{number}",
            "lang": language,
            "title": {"rendered": title},
            "date_gmt": "2026-11-18T02:00:00",
            "translations": {str(other): other for other in (number, *others)},
        }

    here = "/wp-json/wp/v2/posts"
    english = post(1, "en", "Two schools reopen", 2)
    burmese = post(2, "my", "ကျောင်းနှစ်ကျောင်း ပြန်ဖွင့်", 1)
    later = post(3, "en", "A quiet week")
    site.answers[here] = _posts(english, burmese, later)
    source = _kept(any_services, site, "/wp-json/", kind="wordpress")
    (first,) = _poll(any_services, NOW)
    assert [list(one.titles) for one in first.new] == [["en", "my"], ["en"]]
    site.answers[here] = _posts(post(4, "my", "တိတ်ဆိတ်သော ရက်သတ္တပတ်", 3), english)
    (second,) = _poll(any_services, NOW, source)
    assert (second.new, len(second.completed)) == ([], 1)
    with reading(any_services.engine) as session:
        owner = session.scalars(select(Publication)).one()
        quiet = inbox.listing(session, owner)[-1]
        assert quiet.titles == {"en": "A quiet week", "my": "တိတ်ဆိတ်သော ရက်သတ္တပတ်"}
        assert (quiet.urls["my"], quiet.edited_at) == (f"{site.url}/my/4", None)
    assert "per_page=30&page=1" in site.asked[0].line


def test_posts_are_read_page_by_page_and_what_came_before_a_fault_counts() -> None:
    def pages(asked: Asked, _nth: int) -> bytes:
        number = int(asked.line.partition("&page=")[2].partition("&")[0])
        post = {"id": number, "link": f"/{number}", "title": {"rendered": f"Paper {number}"}}
        told = json.dumps([post]) if number < 3 else "<html>busy"
        return answer(200, told, x_wp_totalpages="4")

    with HttpServer(pages) as server:
        url = f"{server.url}/wp-json/"
        question = polling.Question(1, "wordpress", url, Marks(), NOW)
        found = polling.ask(question, HERE, 100_000)
        assert [entry.title for entry in found.entries] == ["Paper 1", "Paper 2"]
        assert (found.problem, found.fault[:20]) == ("", "it is no valid JSON,")
        assert len(server.kept) == 3


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (answer(500), "it answered 500 (internal server error)"),
        (answer(200, "<html><title>Sold</title></html>"), "it is a page now and no feed"),
        (answer(302, location="http://169.254.169.254/"), "it leads into a private network"),
        (answer(200, ""), "it is no valid XML at line 1"),
        (
            answer(200, '<!DOCTYPE a [<!ENTITY b "c">]><rss/>'),
            "it defines entities of its own, and such are not read",
        ),
    ],
)
def test_a_source_in_trouble_is_asked_more_rarely_and_says_why(
    services: Services, site: Site, reply: bytes, problem: str
) -> None:
    source = _kept(services, site)
    site.answers["/feed"] = reply
    for failures in (1, 2, 3):
        (taken,) = _poll(services, NOW, source)
        kept = _source(services, source)
        assert (taken.problem, kept.last_error, kept.failures) == (problem, problem, failures)
        assert kept.next_at - NOW >= HOUR * 2**failures * 0.9
    with reading(services.engine) as session:
        health = sources_kept.health(session, [kept], NOW)[source]
    assert (health.state, kept.seen_at) == ("failing", None)
    del site.answers["/feed"]
    _poll(services, NOW, source)
    assert (_source(services, source).failures, _source(services, source).last_error) == (0, "")


def test_what_is_gone_for_good_is_asked_no_more_and_who_says_when_is_heard(
    services: Services, site: Site
) -> None:
    gone, busy = _kept(services, site, "/gone"), _kept(services, site, "/busy")
    site.answers = {"/gone": answer(410), "/busy": answer(503, retry_after="86400")}
    _poll(services, NOW)
    assert not _source(services, gone).active
    assert _source(services, busy).next_at == NOW + DAY
    assert _poll(services, NOW + 10 * HOUR) == []


def test_a_damaged_feed_gives_what_is_whole_and_its_health_says_so(
    services: Services, site: Site
) -> None:
    site.items = [Item("Whole", "/whole", NOW - HOUR), Item("Cut off", "/cut", NOW - HOUR)]
    site.answers["/feed"] = answer(200, site.feed[:-60])
    source = _kept(services, site)
    (taken,) = _poll(services, NOW)
    assert [one.titles["en"] for one in taken.new] == ["Whole"]
    assert "no valid XML" in _source(services, source).last_error
    assert _source(services, source).failures == 0


def test_of_many_processes_one_asks_a_source(any_services: Services, site: Site) -> None:
    site.items = [Item("Floods", "/floods", NOW - HOUR)]
    source = _kept(any_services, site)
    found: list[list[Taken]] = []
    threads = [
        threading.Thread(target=lambda: found.append(_poll(any_services, NOW))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(taken) for taken in found) == [0, 0, 0, 1]
    assert len(site.asked) == 1
    with writing(any_services.engine) as session:
        # One that was killed after it took the source: another asks it when the lease is over.
        session.get_one(Source, source).next_at = NOW
        assert len(sources_kept.claim(session, NOW)) == 1
        assert sources_kept.claim(session, NOW + sources_kept.LEASE / 2) == []
    assert len(_poll(any_services, NOW + sources_kept.LEASE)) == 1


def test_who_looked_before_another_took_the_source_does_not_get_it(
    any_services: Services, site: Site
) -> None:
    source = _source(any_services, _kept(any_services, site))
    with writing(any_services.engine) as session:
        assert len(sources_kept.claim(session, NOW)) == 1
    with writing(any_services.engine) as session:
        assert not sources_kept._won(session, session.merge(source, load=False), NOW)


def test_an_answer_that_comes_twice_at_the_same_time_is_taken_once(
    any_services: Services, site: Site
) -> None:
    site.items = [Item(f"Paper {n}", f"/{n}", NOW - HOUR) for n in range(5)]
    source = _kept(any_services, site)
    with writing(any_services.engine) as session:
        (question,) = sources_kept.claim(session, NOW, only=[source])
    found = polling.ask(question, HERE, 100_000)
    with ThreadPoolExecutor(1) as other:
        with writing(any_services.engine) as session:
            assert len(take_in(session, found, NOW, 0.5).new) == 5
            second = other.submit(collecting._kept, any_services, found, NOW)
            _wait_until_it_waits(any_services, second)
        assert second.result(30).new == []
    assert len(_titles(any_services)) == 5


def _wait_until_it_waits(services: Services, second: Future[Taken]) -> None:
    """For our lock, on a server; before a file it waits from the first."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    while services.engine.dialect.name == "postgresql" and not second.done():
        with reading(services.engine) as session:
            if session.scalar(waiting):
                break


def test_removed_meanwhile_archived_or_off_it_fills_nothing(
    any_services: Services, site: Site
) -> None:
    site.items = [Item("Floods", "/floods", NOW - HOUR)]
    source = _kept(any_services, site)
    here = reaching_here(any_services)
    with writing(any_services.engine) as session:
        (question,) = sources_kept.claim(session, NOW)
        found = polling.ask(question, HERE, 100_000)
        sources_kept.remove(session, session.get_one(Source, source))
    assert collecting._kept(here, found, NOW).problem == "it is no longer asked"
    off = _kept(any_services, site)
    with writing(any_services.engine) as session:
        sources_kept.edit(session, session.get_one(Source, off), active=False, now=NOW)
        assert not sources_kept.is_any_due(session, NOW)
    assert _poll(any_services, NOW + DAY, off) == []
    with writing(any_services.engine) as session:
        sources_kept.edit(session, session.get_one(Source, off), active=True, now=NOW)
        archiving.archive(session, session.scalars(select(Publication)).one(), NOW)
    assert _poll(any_services, NOW + DAY) == []
    assert _titles(any_services) == []


def test_what_was_dropped_by_hand_does_not_come_back_under_another_name(
    services: Services, site: Site
) -> None:
    site.items = [Item("Floods", "/floods", NOW - HOUR)]
    _kept(services, site)
    _poll(services, NOW)
    with writing(services.engine) as session:
        owner = session.scalars(select(Publication)).one()
        made = issues.create(session, owner, day=NOW.date(), week=None, now=NOW)
        (floods,) = inbox.listing(session, owner)
        inbox.move(session, floods, issue=made, now=NOW)
        inbox.drop(session, floods, NOW)
    site.items += [Item("Floods", "/floods", NOW, "another guid")]
    (taken,) = _poll(services, NOW + 2 * HOUR)
    assert (taken.new, taken.passed_over) == ([], 1)


def test_an_unfit_source_is_refused_by_field(services: Services, site: Site) -> None:
    cases: dict[str, dict[str, object]] = {
        "url": {"url": "https://user:pw@example.org/"},
        "kind": {"kind": "sitemap"},
        "name": {"name": "  "},
        "language": {"language": "shn"},
        "every": {"every_minutes": 1},
        "first_days": {"first_days": -1},
    }
    for field, unfit in cases.items():
        with pytest.raises(InputError) as refused:
            _kept(services, site, "/feed", **unfit)
        assert refused.value.field == field


def test_the_same_source_twice_is_refused_with_its_number(services: Services, site: Site) -> None:
    first = _kept(services, site)
    with pytest.raises(InputError, match=f"this is source {first} already"):
        _kept(services, site, "/feed/")
    with writing(services.engine) as session:
        owner = publications.create(
            session, publications.default().model_copy(update={"slug": "other"}), now=NOW
        )
        sources_kept.add(
            session,
            owner,
            kind="feed",
            url=f"{site.url}/feed",
            name="A",
            every_minutes=60,
            first_days=7,
            now=NOW,
        )


@given(
    st.integers(5, 10_080), st.integers(0, 500), st.floats(0, 1), st.text(max_size=40) | st.none()
)
def test_the_next_time_is_never_soon_and_never_lost(
    minutes: int, failures: int, luck: float, said: str | None
) -> None:
    every = timedelta(minutes=minutes)
    wait = next_poll(NOW, every, failures, luck, said or "") - NOW
    assert every * 0.9 <= wait <= timedelta(days=8.8)


@pytest.mark.parametrize("said", ["Thu, 19 Nov 2026 06:00:00 GMT", "86400"])
def test_retry_after_is_heard_in_both_forms(said: str) -> None:
    assert next_poll(NOW, HOUR, 1, 0.5, said) == NOW + DAY
