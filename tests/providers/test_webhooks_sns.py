"""SES speaks through SNS, and Amazon signs for everybody: whose message it really is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from newsletter.core.http import Reply
from newsletter.providers.events import Kind
from newsletter.providers.hook import Refused, Unavailable
from newsletter.providers.ses_events import SesHook
from tests.http_server import Asked, HttpServer, answer
from tests.providers import fakes
from tests.providers.hearing import hear, refused
from tests.providers.signing_tellers import (
    SesTeller,
    amazons_key,
    led_to,
)
from tests.providers.tellers import (
    NOW,
    Post,
    mark,
)
from tests.providers.test_webhooks import ODD
from tests.system import PATIENCE

READY = "Successfully validated SNS topic for Amazon SES event publishing."
CONFIRM = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"


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


def test_a_certificate_that_does_not_come_holds_up_no_known_one(amazon: Ses) -> None:
    teller, server, _ = amazon
    asked, go_on = threading.Event(), threading.Event()
    real = led_to(server)

    def fetch(url: str) -> Reply:
        if "forged" in url:
            asked.set()
            go_on.wait(PATIENCE)
        return real(url)

    hook = SesHook(fakes.SesFake().section("http://localhost:9"), fakes.http(), fetch)
    genuine = teller.post("hard")
    assert hook.hear(genuine.raw, {}, NOW)
    said = json.loads(genuine.raw)
    said["SigningCertURL"] = said["SigningCertURL"].replace("abc0", "forged")

    def forge() -> None:
        with pytest.raises(Refused):
            hook.hear(json.dumps(said).encode(), {}, NOW)

    thread = threading.Thread(target=forge)
    thread.start()
    assert asked.wait(PATIENCE)
    try:
        at_once = threading.Thread(target=hook.hear, args=(genuine.raw, {}, NOW), daemon=True)
        at_once.start()
        at_once.join(PATIENCE)
        assert not at_once.is_alive()
    finally:
        go_on.set()
        thread.join()


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
    script.status = 403
    assert "Amazon" in refused(teller, post), "not confirmed"
    elsewhere = teller.wrapped({**own, "SubscribeURL": "https://evil.example/?Action=x"})
    script.status = 200
    assert "Amazon" in refused(teller, elsewhere)
    assert hear(teller, teller.wrapped({"Type": "Notification", "Message": READY})) == []


def test_of_a_closing_and_of_an_odd_type_nothing_follows(amazon: Ses) -> None:
    teller, _, _ = amazon
    own = {"Message": "x", "Token": "t", "SubscribeURL": CONFIRM}
    assert hear(teller, teller.wrapped({"Type": "UnsubscribeConfirmation", **own})) == []
    assert "type" in refused(teller, teller.wrapped({"Type": "Other", **own}))


def test_an_sns_message_of_last_month_is_too_old(amazon: Ses) -> None:
    teller, _, _ = amazon
    post, hook = teller.post("hard"), teller.hook()
    with pytest.raises(Refused, match="time"):
        hook.hear(post.raw, post.headers, NOW + timedelta(days=15))


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
