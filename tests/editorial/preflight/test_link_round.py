"""Links are tried at real servers: politely, in bounded time, and what was found is kept."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.visiting import Rules, Trouble
from newsletter.editorial.models import LinkCheck
from newsletter.editorial.preflight import link_checks, link_round
from newsletter.editorial.preflight.link_round import Pace, try_link, try_links
from newsletter.editorial.preflight.link_states import BY_HAND, Tried
from tests.http_server import HANG, Asked, HttpServer, answer
from tests.smtp_server import make_certificate

HERE = Rules(seconds=5, loopback=True)
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def script(asked: Asked, _nth: int) -> bytes:
    """Sites with habits of their own."""
    method, path, _ = asked.line.split()
    head = method == "HEAD"
    habits = {
        "/no-head": answer(405 if head else 200),
        "/head-hangs": HANG if head else answer(200, "a page"),
        "/head-lies": answer(404 if head else 200),
        "/walled": answer(403),
        "/gone": answer(410),
        "/hang": HANG,
    }
    return habits.get(path.partition("?")[0], answer(200))


def tried(*urls: str, rules: Rules = HERE, pace: Pace | None = None) -> dict[str, Tried]:
    """What became of these links, by their paths."""
    found = try_links(urls, rules, pace or Pace(4, 20), lambda: NOW)
    return {one.url: one for one in found}


@pytest.mark.parametrize(
    ("path", "status", "asked"),
    [
        ("/page", 200, ["HEAD"]),
        ("/no-head", 200, ["HEAD", "GET"]),
        ("/head-lies", 200, ["HEAD", "GET"]),
        ("/walled", 403, ["HEAD", "GET"]),
        ("/gone", 410, ["HEAD", "GET"]),
    ],
)
def test_head_is_asked_first_and_get_where_it_did_not_serve(
    path: str, status: int, asked: list[str]
) -> None:
    with HttpServer(script) as server:
        assert try_link(f"{server.url}{path}", HERE).status == status
        assert [one.line.split()[0] for one in server.kept] == asked
        assert all("referer" not in one.headers for one in server.kept)


def test_a_server_that_is_silent_to_head_is_asked_by_get() -> None:
    with HttpServer(script) as server:
        assert try_link(f"{server.url}/head-hangs", replace(HERE, seconds=1)).status == 200


def test_a_certificate_that_is_not_accepted_is_asked_once_and_doubtful(tmp_path: Path) -> None:
    with HttpServer(script, certificate=make_certificate(tmp_path)) as server:
        url = f"{server.url}/page"
        found = tried(url)
        assert (found[url].verdict, server.kept) == ("doubtful", [])
    assert "certificate" in found[url].detail


def test_what_is_no_address_is_refused_without_a_call() -> None:
    assert try_link("mailto:a@example.org", HERE).trouble is Trouble.REFUSED


def test_every_link_gets_one_verdict_whatever_the_others_do() -> None:
    with HttpServer(script) as server, HttpServer(script) as other:
        host = other.url.replace("localhost", "127.0.0.1")
        paths = {"/page": "alive", "/gone": "dead", "/walled": "doubtful"}
        found = tried(*(f"{server.url}{path}" for path in paths), f"{host}/page", f"{host}/page")
    assert len(found) == 4
    for path, verdict in paths.items():
        one = found[f"{server.url}{path}"]
        assert (one.verdict, one.checked_at) == (verdict, NOW)


def test_one_site_is_never_asked_two_things_at_once() -> None:
    inside, most = [0], [0]
    lock = threading.Lock()
    pause = threading.Event()

    def slowly(asked: Asked, nth: int) -> bytes:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        pause.wait(0.01)
        with lock:
            inside[0] -= 1
        return answer(200)

    with HttpServer(slowly) as server:
        found = tried(*(f"{server.url}/{n}" for n in range(8)), pace=Pace(8, 20))
    assert {one.verdict for one in found.values()} == {"alive"}
    assert most[0] == 1


def test_a_silent_site_is_left_after_two_links_and_holds_up_nobody() -> None:
    with HttpServer(script) as server:
        rules = replace(HERE, seconds=0.3)
        found = tried(*(f"{server.url}/hang?{n}" for n in range(9)), rules=rules)
        assert server.connections <= 4
    details = [one.detail for one in found.values()]
    assert {one.verdict for one in found.values()} == {"doubtful"}
    assert details.count("its site did not answer before") == 7


def test_the_time_for_all_links_is_bounded() -> None:
    began = monotonic()
    with HttpServer(script) as server:
        hosts = ("localhost", "127.0.0.1", "127.0.0.2")
        urls = [f"http://{host}:{server.port}/hang" for host in hosts]
        found = tried(*urls, pace=Pace(1, 0.5), rules=replace(HERE, seconds=200))
    assert monotonic() - began < 60
    assert [found[url].verdict for url in urls] == ["doubtful"] * 3
    assert found[urls[2]].detail == "there was no time left to try it"


def test_what_goes_wrong_in_the_trying_itself_is_a_doubt_and_no_hang() -> None:
    def broken(host: str, port: int) -> list[str]:
        raise RuntimeError("a fault of ours")

    (found,) = try_links(["http://a.example/"], HERE, Pace(2, 5), lambda: NOW, resolver=broken)
    assert (found.verdict, "RuntimeError" in found.detail) == ("doubtful", True)


def test_a_machine_without_network_is_not_taken_for_dead_links() -> None:
    def unanswered(host: str) -> Tried:
        return Tried(f"https://{host}/a", "dead", None, "there is no machine of that name", NOW)

    hosts = [unanswered(f"{name}.example") for name in "abc"]
    assert link_round.seems_offline(hosts, 3)
    here = Tried("http://127.0.0.1:8080/archive", "alive", 200, "", NOW)
    assert link_round.seems_offline([*hosts, here], 3)
    assert not link_round.seems_offline(hosts[:2], 3)
    assert not link_round.seems_offline(
        [*hosts, Tried("https://d.example/", "dead", 404, "", NOW)], 3
    )


def test_what_was_found_is_kept_and_aged(any_services: Services) -> None:
    url, other = "https://example.org/a", "https://example.org/" + "လမ်း" * 900
    day = timedelta(hours=24)
    with writing(any_services.engine) as session:
        assert link_checks.due(session, [url, other, url], NOW, day) == [url, other]
        link_checks.keep(session, [Tried(url, "dead", 404, "no such page", NOW)])
        link_checks.keep(session, [Tried(url, "doubtful", 503, "it is busy", NOW)])
        link_checks.keep(session, [Tried(other, "alive", 200, "", NOW - timedelta(days=2))])
    with reading(any_services.engine) as session:
        assert len(session.scalars(select(LinkCheck)).all()) == 2
        found = link_checks.known(session, [url, other, "https://example.org/never"])
        assert found[url] == Tried(url, "doubtful", 503, "it is busy", NOW)
        assert link_checks.due(session, [url, other], NOW, day) == [other]
        assert link_checks.due(session, [url, other], NOW, day, fresh=True) == [url, other]
    with writing(any_services.engine) as session:
        link_checks.opened(session, url, NOW)
        assert link_checks.known(session, [url])[url].detail == BY_HAND
