"""/hooks over real HTTP: what is proved is stored once, what is forged costs nothing."""

from __future__ import annotations

import http.client
import json
import select
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from sqlalchemy import event, func, text
from sqlalchemy import select as chosen
from structlog.testing import capture_logs

from newsletter.app import Services
from newsletter.core.db import reading
from newsletter.core.provider_settings import ProviderSection
from newsletter.delivery import applying, message_ids
from newsletter.delivery.models import Event
from newsletter.web import webhooks
from newsletter.web.server import WebServer
from tests.delivery import newsroom
from tests.delivery.returns import T0, barred, delivery, put, taken
from tests.providers.fakes import HOOK_SECRET
from tests.providers.signing_tellers import ResendTeller, SendGridTeller
from tests.providers.tellers import (
    NOW,
    BrevoTeller,
    MailgunTeller,
    Post,
    PostmarkTeller,
    SparkPostTeller,
    Teller,
    basic,
    mark,
)
from tests.system import PATIENCE
from tests.web.conftest import running

POSTMARK, SPARKPOST = PostmarkTeller(), SparkPostTeller()


def open_hooks(services: Services, *tellers: Teller) -> Services:
    """The same installation, with these providers' secrets set."""
    sections: dict[str, ProviderSection] = {one.name: one.section() for one in tellers}
    return replace(services, settings=services.settings.model_copy(update=sections))


@contextmanager
def hooked(services: Services) -> Iterator[WebServer]:
    """The pages, with two hooks open."""
    with running(open_hooks(services, POSTMARK, SPARKPOST)) as server:
        yield server


def ask(server: WebServer, method: str, name: str, post: Post | None = None) -> tuple[int, Any]:
    """Status and body of one request."""
    place = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE)
    try:
        headers = dict(post.headers) if post else {}
        connection.request(method, f"/hooks/{name}", post.raw if post else None, headers)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def stored(services: Services) -> list[tuple[str, str, int | None]]:
    """Source, kind and delivery of each event."""
    with reading(services.engine) as session:
        found = chosen(Event.source, Event.kind, Event.delivery_id).order_by(Event.id)
        return [(row[0], row[1], row[2]) for row in session.execute(found)]


def of_delivery(services: Services, teller: Teller, what: str, number: int) -> dict[str, Any]:
    """What it says of a real delivery, with the mark that went out with it."""
    mark = message_ids.unique(services.ring.index, number)
    said = teller.said(what, number)
    return {**said, "Metadata": {"delivery": mark}}


def test_what_is_proved_is_stored_and_leads_back(any_services: Services) -> None:
    first, second = taken(any_services, newsroom.publish(any_services, 2))
    with hooked(any_services) as server:
        for what, number in (("delivered", first), ("hard", second), ("opened", second)):
            said = of_delivery(any_services, POSTMARK, what, number)
            post = POSTMARK.signed(POSTMARK.body(said))
            assert ask(server, "POST", "postmark", post) == (204, b"")
            assert ask(server, "POST", "postmark", post) == (204, b""), "told again"
    assert stored(any_services) == [
        ("postmark", "delivered", first),
        ("postmark", "bounced", second),
    ]


@pytest.mark.parametrize(
    "teller",
    [POSTMARK, SPARKPOST, BrevoTeller(), MailgunTeller(), ResendTeller(), SendGridTeller()],
    ids=lambda teller: teller.name,
)
def test_what_is_told_over_http_settles_a_doubt_and_spares_who_is_gone(
    services: Services, teller: Teller
) -> None:
    first, second = taken(services, newsroom.publish(services, 2))
    put(services, second, state="unknown", submitted_at=None)
    with (
        time_machine.travel(NOW, tick=True),
        running(open_hooks(services, teller)) as server,
    ):
        for what, number in (("hard", first), ("waiting", second), ("clicked", second)):
            genuine = message_ids.unique(services.ring.index, number)
            text = json.dumps(teller.said(what, number)).replace(mark(number), genuine)
            post = teller.signed(teller.body(json.loads(text)))
            assert ask(server, "POST", teller.name, post) == (204, b"")
    applying.apply_waiting(services, T0)
    assert delivery(services, first) == ("bounced", "hard_bounce")
    assert delivery(services, second)[0] == "submitted"
    assert barred(services) == ["hard_bounce"]


def test_a_batch_is_stored_whole(services: Services) -> None:
    with hooked(services) as server:
        said = [SPARKPOST.said(w, n) for n in range(100) for w in ("hard", "opened", "new")]
        assert ask(server, "POST", "sparkpost", SPARKPOST.signed(SPARKPOST.body(*said)))[0] == 204
    assert Counter(kind for _, kind, _ in stored(services)) == {"bounced": 100, "other": 100}


def test_a_hook_without_its_secret_is_not_there(services: Services) -> None:
    with hooked(services) as server:
        for name in ("mailgun", "ses", "resend", "smtp", "nobody", "..", "postmark/x"):
            for method in ("GET", "HEAD", "POST"):
                assert ask(server, method, name, POSTMARK.post("hard"))[0] == 404
        assert ask(server, "PUT", "postmark", POSTMARK.post("hard"))[0] == 405
    assert stored(services) == []


def test_an_open_hook_answers_who_only_looks(services: Services) -> None:
    with hooked(services) as server:
        for method in ("GET", "HEAD"):
            assert ask(server, method, "postmark") == (200, b"")


def test_what_is_forged_writes_nothing_and_reads_nothing(services: Services) -> None:
    statements: list[str] = []
    event.listen(services.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    wrong = Post(POSTMARK.post("complained").raw, basic(HOOK_SECRET[::-1]))
    with hooked(services) as server:
        del statements[:]
        for post in (wrong, Post(wrong.raw), Post(b"[" * 500_000, wrong.headers)):
            assert ask(server, "POST", "postmark", post) == (403, b"")
        assert statements == []


def test_a_forged_flood_is_one_line_in_the_log(services: Services) -> None:
    wrong = Post(POSTMARK.post("complained").raw, basic(HOOK_SECRET[::-1]))
    with hooked(services) as server, capture_logs() as lines:
        for _ in range(20):
            ask(server, "POST", "postmark", wrong)
    told = [line for line in lines if line["event"] == "hook_refused"]
    assert len(told) == 1
    assert "aye" not in str(told)


def test_a_body_too_large_is_not_read(services: Services) -> None:
    large = Post(b"x" * (webhooks.LIMIT + 1), basic())
    with hooked(services) as server:
        assert ask(server, "POST", "postmark", large)[0] == 413
        assert ask(server, "POST", "postmark", POSTMARK.post("hard"))[0] == 204


def test_while_the_database_takes_nothing_it_is_to_be_told_again(
    file_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "PATIENCE", 0.3)
    holder = sqlite3.connect(file_services.settings.home / "newsletter.db", isolation_level=None)
    with hooked(file_services) as server:
        holder.execute("BEGIN IMMEDIATE")
        assert ask(server, "POST", "postmark", POSTMARK.post("hard"))[0] == 503
        assert ask(server, "POST", "postmark", Post(b"{}"))[0] == 403, "this needs no database"
        holder.execute("ROLLBACK")
        holder.close()
        _until(lambda: ask(server, "POST", "postmark", POSTMARK.post("hard"))[0] == 204)
        assert ask(server, "POST", "postmark", POSTMARK.post("hard"))[0] == 204
    assert [kind for _, kind, _ in stored(file_services)] == ["bounced"]


def test_readers_are_served_while_hooks_wait_for_the_database(
    file_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "PATIENCE", 4.0)
    holder = sqlite3.connect(file_services.settings.home / "newsletter.db", isolation_level=None)
    with hooked(file_services) as server:
        place = urlsplit(server.url)
        waiting = [http.client.HTTPConnection(str(place.hostname), place.port) for _ in range(60)]
        holder.execute("BEGIN IMMEDIATE")
        for number, one in enumerate(waiting):
            post = POSTMARK.post("hard", number)
            one.request("POST", "/hooks/postmark", post.raw, dict(post.headers))
        page = http.client.HTTPConnection(str(place.hostname), place.port)
        page.request("GET", "/static/style.css")
        assert page.getresponse().status == 200
        assert select.select([one.sock for one in waiting], [], [], 0)[0] == []
        holder.execute("ROLLBACK")
        assert {one.getresponse().status for one in waiting} <= {204, 503}
        for one in (page, *waiting):
            one.close()
    holder.close()


def test_a_database_without_its_tables_is_no_yes(services: Services) -> None:
    with services.engine.begin() as connection:
        connection.execute(text("ALTER TABLE events RENAME TO elsewhere"))
    with hooked(services) as server:
        assert ask(server, "POST", "postmark", POSTMARK.post("hard"))[0] == 503


def _until(happens: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_burst_with_forged_ones_among_it_loses_nothing(any_services: Services) -> None:
    lines, each = 8, 20
    answers: Counter[int] = Counter()
    lock = threading.Lock()

    def tell(line: int, server: WebServer) -> None:
        place = urlsplit(server.url)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE)
        for number in range(each):
            genuine = POSTMARK.post("delivered", line * each + number)
            forged = Post(POSTMARK.post("hard", number).raw, basic("x" * 30))
            for post in (genuine, forged, genuine):
                connection.request("POST", "/hooks/postmark", post.raw, dict(post.headers))
                reply = connection.getresponse()
                reply.read()
                with lock:
                    answers[reply.status] += 1
        connection.close()

    with hooked(any_services) as server:
        threads = [threading.Thread(target=tell, args=(n, server)) for n in range(lines)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == {204: 2 * lines * each, 403: lines * each}
    with reading(any_services.engine) as session:
        assert session.scalar(chosen(func.count()).select_from(Event)) == lines * each
