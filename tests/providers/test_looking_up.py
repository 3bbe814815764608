"""A provider's log settles a doubt: only when it is certain, because "not taken" sends again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from newsletter.core.clock import now
from newsletter.providers.looking_up import Finding, LooksUp, who_looks_up
from newsletter.providers.pooling import Pooled
from tests.http_server import DROP, HANG, Asked, HttpServer, answer
from tests.providers.fakes import (
    SECRET,
    BrevoFake,
    Fake,
    MailgunFake,
    PostmarkFake,
    ResendFake,
    SesFake,
    SparkPostFake,
    said,
)
from tests.providers.letters import READER

REFERENCE = f"{7:032x}"
MESSAGE_ID = f"{REFERENCE}@news.example"
OTHER = f"{8:032x}"
ASKABLE = (MailgunFake(), SparkPostFake(), PostmarkFake(), BrevoFake())
EVERY = pytest.mark.parametrize("fake", ASKABLE, ids=lambda fake: fake.name)


def log(fake: Fake, *references: str) -> dict[str, Any]:
    """A provider's log with mails of these marks, in its own shape."""
    match fake.name:
        case "mailgun":
            items = [
                {
                    "event": "accepted",
                    "user-variables": {"delivery": one},
                    "message": {"headers": {"message-id": f"{one}@news.example"}},
                }
                for one in references
            ]
            return {"items": items, "paging": {"next": "https://api.mailgun.net/v3/x"}}
        case "sparkpost":
            found = [{"type": "injection", "rcpt_meta": {"delivery": one}} for one in references]
            return {"results": found, "total_count": len(found), "links": {}}
        case "postmark":
            mails = [{"MessageID": "x", "Metadata": {"delivery": one}} for one in references]
            return {"TotalCount": len(mails), "Messages": mails}
    mails = [
        {
            "email": READER,
            "messageId": f"<{one}@news.example>",
            "date": (now() - timedelta(days=5)).isoformat(),
        }
        for one in references
    ]
    return {"count": len(mails), "transactionalEmails": mails}


def asked(
    fake: Fake, reply: bytes, *, hours: float = 3, recipient: str = READER
) -> tuple[Finding, list[Asked]]:
    """What the provider finds when its log answers this."""
    with HttpServer(lambda _asked, _nth: reply) as server:
        provider = who_looks_up(fake.provider(server.url, answer_timeout=0.5))
        assert provider is not None
        since = now() - timedelta(hours=hours)
        found = provider.look_up(MESSAGE_ID, recipient, since)
        assert "aye" not in found.answer
        assert SECRET not in found.answer
        return found.finding, server.kept


@EVERY
def test_what_stands_in_the_log_was_taken_whenever_it_was(fake: Fake) -> None:
    for hours in (0, 3, 24 * 60):
        assert asked(fake, said(200, log(fake, REFERENCE)), hours=hours)[0] is Finding.TAKEN


@EVERY
def test_what_stands_in_no_log_was_not_taken(fake: Fake) -> None:
    finding, requests = asked(fake, said(200, log(fake)))
    assert finding is Finding.NOT_TAKEN
    (one,) = requests
    assert one.line.startswith("GET /")
    key = {**one.headers}
    assert SECRET in str(key) or key["authorization"].startswith("Basic ")
    assert SECRET not in one.line


@EVERY
def test_too_soon_and_too_late_it_cannot_be_told(fake: Fake) -> None:
    empty = said(200, log(fake))
    for hours in (0, 0.9, 24 * 31):
        assert asked(fake, empty, hours=hours)[0] is Finding.CANNOT_TELL
    assert asked(fake, empty, hours=-1)[0] is Finding.CANNOT_TELL, "a clock that was set back"


@EVERY
@pytest.mark.parametrize(
    "reply",
    [
        *(answer(status, "{}") for status in (200, 401, 403, 404, 429, 500, 503)),
        *(said(status, {"items": [], "Messages": [], "count": 0}) for status in (301, 401, 500)),
        answer(200, "<html>hotel</html>"),
        answer(200, "[]"),
        answer(200, '{"items": 7, "results": {}, "Messages": "x", "transactionalEmails": [1]}'),
        answer(200, "{" + '"a":{' * 50_000),
        b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b'{"items": [',
        DROP,
        HANG,
        b"220 mail.example ESMTP\r\n",
    ],
)
def test_whatever_goes_wrong_it_cannot_be_told(fake: Fake, reply: bytes) -> None:
    assert asked(fake, reply)[0] is Finding.CANNOT_TELL


@EVERY
def test_nobody_there_is_no_answer(fake: Fake) -> None:
    with HttpServer(lambda _asked, _nth: b"") as server:
        url = server.url
    provider = who_looks_up(fake.provider(url))
    assert provider is not None
    found = provider.look_up(MESSAGE_ID, READER, now() - timedelta(hours=3))
    assert found.finding is Finding.CANNOT_TELL


@EVERY
def test_a_log_that_was_not_asked_for_says_nothing(fake: Fake) -> None:
    """Others' entries where ours should stand: the question was not understood, or cut off."""
    if fake.name in ("mailgun", "postmark"):
        assert asked(fake, said(200, log(fake, OTHER)))[0] is Finding.CANNOT_TELL
        return
    assert asked(fake, said(200, log(fake, OTHER)))[0] is Finding.NOT_TAKEN
    many = log(fake, *[OTHER] * (1000 if fake.name == "sparkpost" else 500))
    assert asked(fake, said(200, many))[0] is Finding.CANNOT_TELL
    if fake.name == "sparkpost":
        cut = {**log(fake, OTHER), "total_count": 2}
        assert asked(fake, said(200, cut))[0] is Finding.CANNOT_TELL


@pytest.mark.parametrize("fake", [SparkPostFake(), BrevoFake()], ids=lambda fake: fake.name)
def test_an_address_in_capitals_may_stand_there_otherwise(fake: Fake) -> None:
    finding, _ = asked(fake, said(200, log(fake)), recipient="Aye.Aye@example.org")
    assert finding is Finding.CANNOT_TELL


def test_another_mail_to_the_same_reader_may_be_it_where_nothing_tells_them_apart() -> None:
    fake = BrevoFake()
    mail = {"email": READER, "messageId": "<20261121.1@smtp-relay.example>"}
    for date in (now().isoformat(), "yesterday", None):
        found = {"count": 1, "transactionalEmails": [{**mail, "date": date}]}
        assert asked(fake, said(200, found))[0] is Finding.CANNOT_TELL


QUESTIONS: dict[str, Callable[[dict[str, list[str]], datetime], bool]] = {
    "mailgun": lambda q, since: (
        q["message-id"] == [MESSAGE_ID] and float(q["begin"][0]) < since.timestamp()
    ),
    "sparkpost": lambda q, since: q["recipients"] == [READER] and q["from"][0] < since.isoformat(),
    "postmark": lambda q, _: (
        (q["metadata_delivery"], q["messagestream"]) == ([REFERENCE], ["broadcast"])
    ),
    "brevo": lambda q, _: q["email"] == [READER],
}


@EVERY
def test_the_question_is_about_this_message(fake: Fake) -> None:
    _, (one,) = asked(fake, said(200, log(fake)))
    query = parse_qs(urlsplit(one.line.split(" ")[1]).query, strict_parsing=True)
    assert QUESTIONS[fake.name](query, now() - timedelta(hours=3))


def test_who_cannot_be_asked_does_not_pretend() -> None:
    for fake in (SesFake(), ResendFake()):
        assert who_looks_up(fake.provider("http://localhost:9")) is None
    pooled = Pooled(MailgunFake().provider("http://localhost:9"), 1)
    assert isinstance(who_looks_up(pooled), LooksUp)


def test_a_message_without_our_mark_is_not_asked_about() -> None:
    with HttpServer(lambda _asked, _nth: said(200, json.loads("{}"))) as server:
        provider = who_looks_up(MailgunFake().provider(server.url))
        assert provider is not None
        found = provider.look_up("other@news.example", READER, now())
        assert (found.finding, server.kept) == (Finding.CANNOT_TELL, [])
