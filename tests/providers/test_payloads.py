"""What reaches a provider is the message as it was approved: every letter, and nobody watching."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest

from newsletter.core.errors import Retry
from newsletter.core.provider_settings import Brevo
from newsletter.providers.sigv4 import Credentials, signed
from tests.http_server import Asked, HttpServer
from tests.providers import letters
from tests.providers.contract import failed, sent
from tests.providers.fakes import (
    FAKES,
    SECRET,
    BrevoFake,
    Fake,
    PostmarkFake,
    ResendFake,
    SesFake,
    SparkPostFake,
    Taken,
    http,
)
from tests.providers.letters import Sent

EVERY = pytest.mark.parametrize("fake", FAKES, ids=lambda fake: fake.name)
WITH_FIELDS = (ResendFake(), PostmarkFake(), BrevoFake())


def arrived(fake: Fake, *messages: Sent) -> list[tuple[Asked, Taken]]:
    """What the provider was asked, and understood, for these messages on one line."""
    with HttpServer(lambda _asked, _nth: fake.yes) as server:
        connection = fake.provider(server.url).connect()
        for one in messages:
            connection.submit(one.envelope, lambda: None)
        connection.close()
        return [(asked, fake.checked(asked)) for asked in server.kept]


def plain(text: str, sent_: Sent) -> str:
    """A rendered text as this reader gets it."""
    from newsletter.rendering.content import PREFERENCES_URL, UNSUBSCRIBE_URL

    for mark, link in (
        (UNSUBSCRIBE_URL, sent_.reader.unsubscribe_url),
        (PREFERENCES_URL, sent_.reader.preferences_url),
    ):
        text = text.replace(mark, link)
    return text.rstrip("\n")


@EVERY
def test_burmese_and_everything_else_arrives_as_it_was(fake: Fake) -> None:
    one = letters.issue(picture=fake.carries_pictures)
    ((_, taken),) = arrived(fake, one)
    assert taken.recipients == [one.envelope.recipient.text]
    assert taken.subject == one.rendered.subject
    assert "ကျောင်း" in taken.text
    assert taken.text.rstrip("\n") == plain(one.rendered.text, one)
    assert taken.html.rstrip("\n") == plain(one.rendered.html, one)
    assert taken.sender == (one.letter.sender_name, one.letter.sender_address)
    if one.letter.picture:
        assert list(taken.inlines.values()) == [one.letter.picture.data]
        (identifier,) = taken.inlines
        assert f"cid:{identifier}" in taken.html


@EVERY
def test_the_way_out_stands_in_the_header(fake: Fake) -> None:
    one = letters.issue(picture=fake.carries_pictures)
    ((_, taken),) = arrived(fake, one)
    assert taken.headers["list-unsubscribe"].startswith(f"<{one.reader.unsubscribe_url}>, <mailto")
    assert taken.headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert taken.headers["list-id"].endswith("<weekly.news.example.org>")
    assert taken.headers["message-id"] == f"<{one.reader.message_id}>"


@EVERY
def test_nobody_is_watched_or_marked(fake: Fake) -> None:
    ((asked, taken),) = arrived(fake, letters.issue(picture=fake.carries_pictures))
    assert taken.untracked
    told = asked.body.lower()
    for mark in (b"x-mailin-tag", b"o:tag", b'"tag', b"metadata", b"campaign_id", b"emailtags"):
        assert mark not in told


@EVERY
def test_each_message_carries_our_own_mark_of_it_so_that_events_lead_back(fake: Fake) -> None:
    one = letters.small(7)
    with HttpServer(lambda _asked, _nth: fake.yes) as server:
        connection = fake.provider(server.url).connect()
        connection.submit(one, lambda: None)
        connection.close()
        taken = fake.checked(server.kept[0])
        assert b"aye.aye" not in server.kept[0].line.encode()
    assert taken.mark == {"delivery": f"{7:032x}"}


@EVERY
def test_an_answer_names_the_message_there_and_no_one_else(fake: Fake) -> None:
    with HttpServer(lambda _asked, _nth: fake.yes) as server:
        connection = fake.provider(server.url).connect()
        answer = connection.submit(letters.small(), lambda: None)
        connection.close()
    status, identifier = answer.split(" accepted as ")
    assert status in ("200", "201")
    assert identifier.encode() in fake.yes


@pytest.mark.parametrize(
    "fake", [fake for fake in FAKES if fake.name != "brevo"], ids=lambda fake: fake.name
)
def test_text_alone_stays_text_alone(fake: Fake) -> None:
    one = letters.issue(text_only=True)
    ((asked, taken),) = arrived(fake, one)
    assert taken.html == ""
    assert taken.text.rstrip("\n") == plain(one.rendered.text, one)
    assert not taken.inlines
    if fake.name in ("resend", "postmark"):
        assert not {"html", "HtmlBody"} & set(json.loads(asked.body))


@pytest.mark.parametrize("fake", WITH_FIELDS, ids=lambda fake: fake.name)
@pytest.mark.parametrize("name", ["အပတ်စဉ် သတင်းလွှာ", "Weekly", 'Weekly, the "Rain" (မိုး)', ""])
def test_a_senders_name_is_kept_in_every_language(fake: Fake, name: str) -> None:
    from newsletter.rendering import headers

    sender = headers.mailbox("From", name, "desk@news.example").removeprefix("From: ")
    with HttpServer(lambda _asked, _nth: fake.yes) as server:
        connection = fake.provider(server.url).connect()
        connection.submit(letters.small(sender=sender), lambda: None)
        connection.close()
        found, address = fake.checked(server.kept[0]).sender
    if found.startswith("=?"):
        from newsletter.providers.parts import decoded

        assert fake.name == "brevo"
        found = decoded(found)
    elif fake.name == "brevo":
        assert found.isascii() or "," not in found, "Brevo would drop it silently"
    assert (found, address) == (name, "desk@news.example")


def _key(fake: Fake, asked: Asked) -> str:
    if fake.name == "resend":
        return asked.headers["idempotency-key"]
    return str(json.loads(asked.body)["headers"]["idempotencyKey"])


@pytest.mark.parametrize(
    ("fake", "life"),
    [(ResendFake(), timedelta(hours=24)), (BrevoFake(), timedelta(minutes=15))],
    ids=["resend", "brevo"],
)
def test_a_message_has_the_same_key_at_every_attempt_and_no_other_has_it(
    fake: Fake, life: timedelta
) -> None:
    with HttpServer(lambda _asked, _nth: fake.yes) as server:
        provider = fake.provider(server.url)
        connection = provider.connect()
        for number in (1, 1, 7):
            connection.submit(letters.small(number), lambda: None)
        connection.close()
        keys = [_key(fake, asked) for asked in server.kept]
        assert server.kept[0].body == server.kept[1].body
    assert keys[0] == keys[1] != keys[2]
    assert all(0 < len(key) <= 256 for key in keys)
    assert provider.repeats_safely_for == life
    if fake.name == "brevo":
        assert [UUID(key).version for key in keys] == [4, 4, 4]


def test_without_a_message_id_there_is_a_key_all_the_same() -> None:
    data = b"From: a@b.example\r\nSubject: x\r\nMessage-ID: \r\n\r\nhello\r\n"
    fake = ResendFake()
    request = fake.provider("http://localhost:9").request(letters.small(data=data))
    assert len(request.headers["Idempotency-Key"]) == 64


@pytest.mark.parametrize("fake", [*FAKES[:3], PostmarkFake()], ids=lambda fake: fake.name)
def test_who_has_no_key_does_not_pretend(fake: Fake) -> None:
    assert fake.provider("http://localhost:9").repeats_safely_for is None


MARKS = {
    "sparkpost": ("{{address.name}}", "{{{x}}}"),
    "mailgun": ("%recipient%", "%recipient.name%", "%unsubscribe_url%", "%tag_unsubscribe_url%"),
    "brevo": ("{{ contact.EMAIL }}", "{% if x %}"),
    "postmark": ("{{{ pm:unsubscribe }}}",),
}


@pytest.mark.parametrize(
    ("fake", "mark"),
    [(fake, mark) for fake in FAKES for mark in MARKS.get(fake.name, ())],
    ids=lambda value: getattr(value, "name", value),
)
@pytest.mark.parametrize("where", ["subject", "text", "html"])
def test_template_marks_are_not_handed_to_an_engine(fake: Fake, mark: str, where: str) -> None:
    with HttpServer(lambda _asked, _nth: fake.yes) as server:
        provider = fake.provider(server.url)
        wrong = letters.small(**{where: f"a {mark} b"})  # type: ignore[arg-type]
        error, intents = sent(provider, wrong)
        assert server.kept == []
    assert (error.retry, error.halts, error.recipient, intents) == (Retry.LATER, True, False, 0)


def test_template_marks_in_an_address_are_that_readers_alone() -> None:
    fake = SparkPostFake()
    with HttpServer(lambda _asked, _nth: fake.yes) as server:
        error, _ = sent(fake.provider(server.url), letters.small(recipient="{{x}}@example.org"))
        assert server.kept == []
    assert (error.retry, error.halts, error.recipient) == (Retry.NEVER, False, True)


def test_brevo_is_not_asked_for_what_it_would_spoil() -> None:
    fake = BrevoFake()
    provider = fake.provider("http://localhost:9")
    error, _ = sent(provider, letters.issue().envelope)
    assert (error.retry, error.halts) == (Retry.LATER, True)
    assert "picture" in str(error)
    error, _ = sent(provider, letters.issue(text_only=True).envelope)
    assert (error.retry, error.halts, error.recipient, error.ours) == (
        *(Retry.NEVER, False, False, False),
    )


def test_brevo_sends_nothing_before_somebody_says_that_it_does_not_count_openings() -> None:
    section = Brevo(
        key=SECRET, tracking_is_off=False, endpoint="http://localhost:9", webhook_secret=""
    )
    error = failed(BrevoFake.kind(section, http()).connect)
    assert error.halts
    assert "brevo.tracking_is_off" in str(error)


@pytest.mark.parametrize("token", ["", "session/token=="])
def test_what_ses_gets_is_what_was_signed(token: str) -> None:
    fake = SesFake()
    with HttpServer(lambda _asked, _nth: fake.yes) as server:
        section = fake.section(server.url).model_copy(update={"session_token": token})
        connection = fake.kind(section, http()).connect()
        connection.submit(letters.small(), lambda: None)
        connection.close()
        (asked,) = server.kept
    from newsletter.core.clock import now

    stamp = asked.headers["x-amz-date"]
    moment = now().strptime(stamp + "+0000", "%Y%m%dT%H%M%SZ%z")
    again = signed(
        f"http://{asked.headers['host']}{fake.path}",
        {"Content-Type": asked.headers["content-type"]},
        asked.body,
        credentials=Credentials("AKIDEXAMPLE", SECRET, token),
        region="eu-central-1",
        service="ses",
        now=moment,
    )
    assert asked.headers["authorization"] == again["Authorization"]
    assert asked.headers.get("x-amz-security-token", "") == token
    assert abs((now() - moment).total_seconds()) < 60


def test_ses_goes_to_its_region() -> None:
    section = SesFake().section("").model_copy(update={"region": "ap-southeast-1"})
    request = SesFake.kind(section, http()).request(letters.small())
    assert request.url == "https://email.ap-southeast-1.amazonaws.com/v2/email/outbound-emails"
    assert "/ap-southeast-1/ses/aws4_request" in request.headers["Authorization"]


@EVERY
def test_an_answer_that_repeats_everything_shows_nothing(fake: Fake) -> None:
    parrot = (
        f"aye.aye@example.org AYE.AYE aye.aye%40example.org {SECRET} AKIDEXAMPLE\\nSet-Cookie: x"
    )
    bodies = {
        "sparkpost": f'{{"errors": [{{"message": "{parrot}"}}]}}',
        "postmark": f'{{"ErrorCode": 300, "Message": "{parrot}"}}',
    }
    reply = bodies.get(fake.name, f'{{"message": "{parrot}", "name": "{parrot}"}}').encode()
    from tests.http_server import answer

    with HttpServer(lambda _asked, _nth: answer(422, reply)) as server:
        error, _ = sent(fake.provider(server.url), letters.small())
    shown = f"{error} {error.answer}"
    assert SECRET not in shown
    assert "[key]" in shown
    assert (fake.name == "ses") == ("AKIDEXAMPLE" not in shown)
