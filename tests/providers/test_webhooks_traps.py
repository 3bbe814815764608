"""What is particular to a provider's webhook, and was somebody's accident before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from newsletter.core import settings
from newsletter.core.errors import InputError
from newsletter.providers.events import Event, Kind
from newsletter.providers.hook import OURS, Refused, Unavailable
from newsletter.providers.webhooks import HOOKS, Hooks
from tests.http_server import Asked, HttpServer, answer
from tests.providers.fakes import HOOK_SECRET, SIGNING_KEY
from tests.providers.tellers import (
    AT,
    NOW,
    BrevoTeller,
    MailgunTeller,
    MailjetTeller,
    Post,
    PostmarkTeller,
    ResendTeller,
    SendGridTeller,
    SesTeller,
    SparkPostTeller,
    Teller,
    amazons_key,
    basic,
    mark,
)
from tests.providers.test_webhooks import ODD

READY = "Successfully validated SNS topic for Amazon SES event publishing."
CONFIRM = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"


def hear(teller: Teller, post: Post) -> list[Event]:
    """What its hook makes of it."""
    return teller.hook().hear(post.raw, post.headers, NOW)


def refused(teller: Teller, post: Post) -> str:
    """Why its hook does not believe it."""
    with pytest.raises(Refused) as caught:
        hear(teller, post)
    return str(caught.value)


class Amazon:
    """Amazon's host on this machine: certificates by their names, and what was confirmed."""

    def __init__(self) -> None:
        self.status = 200

    def __call__(self, asked: Asked, _nth: int) -> bytes:
        if "Action=" in asked.line:
            return answer(self.status, "<ConfirmSubscriptionResponse/>")
        for which in (0, 1):
            if f"abc{which}.pem" in asked.line:
                return answer(self.status, amazons_key(which)[1])
        return answer(404)


@pytest.fixture
def amazon() -> Iterator[tuple[SesTeller, HttpServer, Amazon]]:
    """A teller whose certificates are served."""
    script = Amazon()
    with HttpServer(script) as server:
        yield SesTeller(server), server, script


Ses = tuple[SesTeller, HttpServer, Amazon]


def test_a_certificate_is_fetched_once_for_all_messages(amazon: Ses) -> None:
    teller, server, _ = amazon
    hook = teller.hook()
    for number in range(50):
        post = teller.post("hard", number)
        hook.hear(post.raw, post.headers, NOW)
    assert [one.line for one in server.kept] == ["GET /SimpleNotificationService-abc0.pem HTTP/1.1"]


def test_a_message_of_a_foreign_topic_is_refused_though_amazon_signed_it(amazon: Ses) -> None:
    teller, server, _ = amazon
    foreign = "arn:aws:sns:eu-central-1:666666666666:mail-events"
    told = json.dumps(teller.said("complained"))
    for kind in ("Notification", "SubscriptionConfirmation"):
        own = {"Type": kind, "Message": told, "TopicArn": foreign, "SubscribeURL": CONFIRM}
        assert "another topic" in refused(teller, teller.wrapped(own))
    assert server.kept == [], "nothing is fetched or confirmed for a stranger"


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-abc1.pem",
        "https://evil.example/SimpleNotificationService-abc1.pem",
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-abc1.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-abc1.pem",
        "https://x@sns.eu-central-1.amazonaws.com/SimpleNotificationService-abc1.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-abc1.pem",
        "https://sns.eu-central-1.amazonaws.com/?Action=x&y=/SimpleNotificationService-abc1.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-abc1.pem",
        "https://[sns.eu-central-1.amazonaws.com/SimpleNotificationService-abc1.pem",
    ],
)
def test_only_amazons_own_host_says_who_signed(amazon: Ses, url: str) -> None:
    teller, server, _ = amazon
    said = json.loads(teller.post("hard").raw)
    post = Post(json.dumps({**said, "SigningCertURL": url}).encode())
    assert "certificate" in refused(teller, post)
    assert server.kept == []


def test_an_envelope_of_odd_things_is_refused_and_never_an_accident(amazon: Ses) -> None:
    teller, _, _ = amazon
    hook, said = teller.hook(), json.loads(teller.post("hard").raw)
    for name in said:
        for odd in ODD:
            with pytest.raises(Refused):
                hook.hear(json.dumps({**said, name: odd}).encode(), {}, NOW)


def test_another_certificate_of_amazons_does_not_fit(amazon: Ses) -> None:
    teller, _, _ = amazon
    own = {"Type": "Notification", "Message": json.dumps(teller.said("hard"))}
    assert len(hear(teller, teller.wrapped(own, key=1))) == 1
    said = json.loads(teller.wrapped(own, key=1).raw)
    said["SigningCertURL"] = said["SigningCertURL"].replace("abc1", "abc0")
    assert "signature" in refused(teller, Post(json.dumps(said).encode()))


def test_forged_certificate_names_are_soon_not_asked_for(amazon: Ses) -> None:
    teller, server, _ = amazon
    hook, genuine = teller.hook(), teller.post("hard")
    hook.hear(genuine.raw, genuine.headers, NOW)
    said = json.loads(genuine.raw)
    for number in range(500):
        url = said["SigningCertURL"].replace("abc0", f"forged{number}")
        with pytest.raises((Refused, Unavailable)):
            hook.hear(json.dumps({**said, "SigningCertURL": url}).encode(), {}, NOW)
    assert len(server.kept) <= 10
    assert len(hook.hear(genuine.raw, genuine.headers, NOW)) == 1, "the known one goes on"


@pytest.mark.parametrize("status", [500, 503, 429])
def test_while_amazon_does_not_answer_it_is_to_be_told_again(amazon: Ses, status: int) -> None:
    teller, _, script = amazon
    script.status = status
    with pytest.raises(Unavailable):
        hear(teller, teller.post("hard"))
    script.status = 200
    assert len(hear(teller, teller.post("hard"))) == 1


def test_our_own_topic_is_confirmed_by_itself(amazon: Ses) -> None:
    teller, server, script = amazon
    own = {"Type": "SubscriptionConfirmation", "Message": "x", "Token": "t"}
    post = teller.wrapped({**own, "SubscribeURL": CONFIRM})
    assert hear(teller, post) == []
    assert server.kept[-1].line == "GET /?Action=ConfirmSubscription&Token=t HTTP/1.1"
    script.status = 500
    with pytest.raises(Unavailable):
        hear(teller, post)
    elsewhere = teller.wrapped({**own, "SubscribeURL": "https://evil.example/?Action=x"})
    script.status = 200
    assert "Amazon" in refused(teller, elsewhere)
    assert hear(teller, teller.wrapped({"Type": "Notification", "Message": READY})) == []


def test_of_a_closing_and_of_an_odd_type_nothing_follows(amazon: Ses) -> None:
    teller, _, _ = amazon
    own = {"Message": "x", "Token": "t", "SubscribeURL": CONFIRM}
    assert hear(teller, teller.wrapped({"Type": "UnsubscribeConfirmation", **own})) == []
    assert "type" in refused(teller, teller.wrapped({"Type": "Other", **own}))


@pytest.mark.parametrize(
    ("teller", "oldest"),
    [(MailgunTeller(), 24), (ResendTeller(), 0.083), (SendGridTeller(), 48)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_proof_grows_old(teller: Teller, oldest: float) -> None:
    post, hook = teller.post("hard"), teller.hook()
    life = timedelta(hours=oldest)
    assert hook.hear(post.raw, post.headers, NOW + life)
    for at in (NOW + life + timedelta(minutes=1), NOW - timedelta(minutes=20)):
        with pytest.raises(Refused, match="time"):
            hook.hear(post.raw, post.headers, at)


def test_an_sns_message_of_last_month_is_too_old(amazon: Ses) -> None:
    teller, _, _ = amazon
    post, hook = teller.post("hard"), teller.hook()
    with pytest.raises(Refused, match="time"):
        hook.hear(post.raw, post.headers, NOW + timedelta(days=15))


def test_mailguns_token_with_another_body_is_no_second_event() -> None:
    teller = MailgunTeller()
    said = json.loads(teller.post("delivered").raw)
    (first,) = hear(teller, Post(json.dumps(said).encode(), basic()))
    said["event-data"] = teller.said("complained", 2)
    (second,) = hear(teller, Post(json.dumps(said).encode(), basic()))
    assert first.key == second.key == said["signature"]["token"]


def test_during_a_change_of_keys_one_of_resends_signatures_is_enough() -> None:
    teller = ResendTeller()
    raw = teller.body(teller.said("hard"))
    wrong = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v2,x v1a,y "
    assert hear(teller, teller.signed_at(raw, NOW, wrong))
    many = teller.signed_at(raw, NOW, wrong * 20)
    assert "signature" in refused(teller, many)


def test_brevos_time_is_the_one_without_a_zone() -> None:
    teller = BrevoTeller()
    said = {**teller.said("hard"), "date": "2031-01-01 00:00:00", "ts": 1, "ts_event": 99}
    (event,) = hear(teller, teller.signed(teller.body(said)))
    assert event.at == AT
    del said["ts_epoch"]
    (event,) = hear(teller, teller.signed(teller.body(said)))
    assert event.at is None


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a":' * 90_000, b"\xff", b'{"a": 1' + b"0" * 5000])
@pytest.mark.parametrize(
    "teller", [SparkPostTeller(), PostmarkTeller(), BrevoTeller(), ResendTeller(), SendGridTeller()]
)
def test_what_is_proved_but_cannot_be_read_is_kept_as_it_came(teller: Teller, raw: bytes) -> None:
    (event,) = hear(teller, teller.signed(raw))
    assert (event.kind, event.raw) == (Kind.OTHER, raw[:65_536])
    (again,) = hear(teller, teller.signed(raw))
    assert again.key == event.key


def test_an_endless_list_is_one_unknown_thing() -> None:
    teller = SparkPostTeller()
    raw = b"[" + b",".join([b"{}"] * 200_000) + b"]"
    (event,) = hear(teller, teller.signed(raw))
    assert event.kind is Kind.OTHER
    (odd,) = hear(teller, teller.signed(b"[7]"))
    assert (odd.kind, odd.raw) == (Kind.OTHER, b"7")


def test_sparkposts_ping_says_nothing() -> None:
    teller = SparkPostTeller()
    assert hear(teller, teller.signed(b'[{"msys": {}}]')) == []
    assert hear(teller, teller.signed(b"[]")) == []


def changed(teller: Teller, what: str, **fields: Any) -> list[Event]:
    """One event with other fields, wherever they stand."""

    def within(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        inner = {name: within(one) for name, one in value.items()}
        return {**inner, **{k: v for k, v in fields.items() if k in inner}}

    said = within(teller.said(what))
    return hear(teller, teller.signed(teller.body({**said, **_new(said, fields)})))


def _new(said: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(said)
    return {name: value for name, value in fields.items() if f'"{name}":' not in text}


Judged = tuple[Kind, bool | None, str]
BLOCKED = "554 rejected, see our policy"


@pytest.mark.parametrize(
    ("teller", "what", "fields", "judged"),
    [
        (MailgunTeller(), "hard", {"reason": "suppress-bounce"}, (Kind.BOUNCED, True, "5.1.1")),
        (MailgunTeller(), "hard", {"reason": "suppress-complaint"}, (Kind.COMPLAINED, True, "")),
        (
            MailgunTeller(),
            "hard",
            {"reason": "suppress-unsubscribe"},
            (Kind.UNSUBSCRIBED, True, ""),
        ),
        (MailgunTeller(), "hard", {"bounce-type": "soft"}, (Kind.BOUNCED, False, "5.1.1")),
        (MailgunTeller(), "delivered", {"event": "rejected"}, (Kind.BOUNCED, None, OURS)),
        (MailgunTeller(), "delivered", {"event": "unsubscribed"}, (Kind.UNSUBSCRIBED, None, "")),
        (MailgunTeller(), "delivered", {"event": "accepted"}, (Kind.DEFERRED, None, "")),
        (
            SparkPostTeller(),
            "hard",
            {"bounce_class": "51", "raw_reason": BLOCKED},
            (Kind.BOUNCED, False, OURS),
        ),
        (
            SparkPostTeller(),
            "hard",
            {"bounce_class": "50", "raw_reason": "550 5.7.515 no DKIM"},
            (Kind.BOUNCED, False, "5.7.515"),
        ),
        (SparkPostTeller(), "hard", {"bounce_class": "90"}, (Kind.UNSUBSCRIBED, None, "")),
        (SparkPostTeller(), "delivered", {"type": "injection"}, (Kind.DEFERRED, None, "")),
        (
            SparkPostTeller(),
            "delivered",
            {"type": "list_unsubscribe"},
            (Kind.UNSUBSCRIBED, None, ""),
        ),
        (
            SparkPostTeller(),
            "hard",
            {"type": "generation_failure", "raw_reason": "x"},
            (Kind.BOUNCED, True, OURS),
        ),
        (
            PostmarkTeller(),
            "soft",
            {"Type": "SpamNotification", "Details": BLOCKED},
            (Kind.BOUNCED, False, OURS),
        ),
        (PostmarkTeller(), "soft", {"Type": "BadEmailAddress"}, (Kind.BOUNCED, True, "4.2.2")),
        (PostmarkTeller(), "soft", {"Type": "Weird"}, (Kind.OTHER, None, "")),
        (
            PostmarkTeller(),
            "delivered",
            {
                "RecordType": "SubscriptionChange",
                "SuppressSending": True,
                "SuppressionReason": "ManualSuppression",
                "Origin": "Recipient",
            },
            (Kind.UNSUBSCRIBED, None, ""),
        ),
        (
            PostmarkTeller(),
            "delivered",
            {
                "RecordType": "SubscriptionChange",
                "SuppressSending": True,
                "SuppressionReason": "ManualSuppression",
                "Origin": "Admin",
            },
            (Kind.OTHER, None, ""),
        ),
        (ResendTeller(), "delivered", {"type": "email.sent"}, (Kind.DEFERRED, None, "")),
        (ResendTeller(), "delivered", {"type": "email.failed"}, (Kind.BOUNCED, None, OURS)),
        (ResendTeller(), "delivered", {"type": "email.suppressed"}, (Kind.BOUNCED, True, "")),
        (BrevoTeller(), "hard", {"event": "invalid_email"}, (Kind.BOUNCED, True, "5.1.1")),
        (BrevoTeller(), "hard", {"event": "error"}, (Kind.BOUNCED, False, OURS)),
        (BrevoTeller(), "hard", {"event": "unsubscribed"}, (Kind.UNSUBSCRIBED, None, "")),
        (BrevoTeller(), "delivered", {"event": "request"}, (Kind.DEFERRED, None, "")),
        (
            SendGridTeller(),
            "hard",
            {"event": "dropped", "reason": "Bounced Address", "status": ""},
            (Kind.BOUNCED, True, ""),
        ),
        (
            SendGridTeller(),
            "hard",
            {"event": "dropped", "reason": "Unsubscribed Address"},
            (Kind.UNSUBSCRIBED, True, ""),
        ),
        (
            SendGridTeller(),
            "hard",
            {"event": "dropped", "reason": "Spam Content"},
            (Kind.BOUNCED, False, OURS),
        ),
        (
            MailjetTeller(),
            "soft",
            {"event": "blocked", "error_related_to": "content", "comment": "x"},
            (Kind.BOUNCED, False, OURS),
        ),
    ],
)
def test_each_word_means_what_it_should_to_the_reader(
    teller: Teller, what: str, fields: dict[str, Any], judged: Judged
) -> None:
    (event,) = changed(teller, what, **fields)
    kind, permanent, status = judged
    assert event.kind is kind
    if kind is Kind.BOUNCED:
        assert (event.permanent, event.status) == (permanent, status)


@pytest.mark.parametrize(
    ("teller", "what", "fields"),
    [
        (SparkPostTeller(), "hard", {"bounce_class": "60"}),
        (SparkPostTeller(), "hard", {"bounce_class": "100"}),
        (PostmarkTeller(), "soft", {"Type": "AutoResponder"}),
        (PostmarkTeller(), "soft", {"Type": "OpenRelayTest"}),
        (BrevoTeller(), "delivered", {"event": "unique_proxy_open"}),
        (BrevoTeller(), "delivered", {"event": "loaded_by_proxy"}),
        (SendGridTeller(), "delivered", {"event": "group_resubscribe"}),
        (
            PostmarkTeller(),
            "delivered",
            {"RecordType": "SubscriptionChange", "SuppressSending": False},
        ),
    ],
)
def test_replies_of_machines_and_readers_eyes_are_no_events(
    teller: Teller, what: str, fields: dict[str, Any]
) -> None:
    assert changed(teller, what, **fields) == []


@pytest.mark.parametrize("feedback", ["not-spam", "auth-failure"])
def test_a_report_of_something_else_is_no_complaint(amazon: Ses, feedback: str) -> None:
    teller, _, _ = amazon
    said = teller.said("complained")
    said["complaint"]["complaintFeedbackType"] = feedback
    (event,) = hear(teller, teller.signed(teller.body(said)))
    assert event.kind is Kind.OTHER
    said["complaint"]["complaintFeedbackType"] = "abuse"
    (event,) = hear(teller, teller.signed(teller.body(said)))
    assert event.kind is Kind.COMPLAINED


def test_a_mark_in_the_headers_alone_leads_back_too(amazon: Ses) -> None:
    teller, _, _ = amazon
    said = teller.said("hard", 9)
    del said["mail"]["tags"]
    (event,) = hear(teller, teller.signed(teller.body(said)))
    assert f"<{mark(9)}@news.example>" in event.references


@pytest.mark.parametrize(
    "given", ["", "Basic", "Basic x", "Bearer", "Digest " + HOOK_SECRET, HOOK_SECRET, "Basic é"]
)
def test_a_secret_in_no_known_shape_is_none(given: str) -> None:
    teller = SparkPostTeller()
    post = Post(teller.post("hard").raw, {"authorization": given})
    assert "secret" in refused(teller, post)
    for fine in ({"authorization": f"bearer {HOOK_SECRET}"}, basic()):
        assert hear(teller, Post(post.raw, fine))


def test_a_provider_with_a_name_of_its_own_has_a_hook_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(
        '[providers.mg-two]\nkind = "mailgun"\n'
        f'webhook_key = "{SIGNING_KEY}"\nwebhook_secret = "{HOOK_SECRET}"\n'
    )
    hooks = Hooks(settings.load(tmp_path, {}))
    post = MailgunTeller().post("hard")
    named, plain = hooks.get("mg-two"), hooks.get("mailgun")
    assert named is not None
    assert plain is not None
    assert len(named.hear(post.raw, post.headers, NOW)) == 1
    assert plain.lacks == ("webhook_key", "webhook_secret")
    assert hooks.get("smtp") is None
    assert hooks.get("nobody") is None
    assert all(hooks.get(name) is not None for name in HOOKS)


@pytest.mark.parametrize("wrong", ["short", "with:a-colon-in-it-long-enough", "ü" * 30, "a b" * 20])
def test_a_secret_that_fits_no_address_is_told_at_once(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "newsletter.toml").write_text(f'[postmark]\nwebhook_secret = "{wrong}"\n')
    with pytest.raises(InputError) as caught:
        settings.load(tmp_path, {})
    assert "postmark.webhook_secret" in str(caught.value)
    assert wrong not in str(caught.value)
