"""What each provider's words mean for the reader."""

from __future__ import annotations

import json
from typing import Any

import pytest

from newsletter.providers.events import Event, Kind
from newsletter.providers.hook import OURS
from tests.providers.hearing import hear
from tests.providers.signing_tellers import (
    ResendTeller,
    SendGridTeller,
)
from tests.providers.tellers import (
    BrevoTeller,
    MailgunTeller,
    MailjetTeller,
    PostmarkTeller,
    SparkPostTeller,
    Teller,
)


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
