"""Every webhook passes one contract: believed only when proved, understood in any shape."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from newsletter.providers.events import Event, Kind
from newsletter.providers.hook import Refused
from newsletter.providers.webhooks import HOOKS
from tests.http_server import Asked, HttpServer, answer
from tests.providers.signing_tellers import (
    FirstSesTeller,
    ResendTeller,
    SendGridTeller,
    SesTeller,
    amazons_key,
)
from tests.providers.tellers import (
    AT,
    NOW,
    READER,
    BrevoTeller,
    MailgunTeller,
    MailjetTeller,
    Post,
    PostmarkTeller,
    SparkPostTeller,
    Teller,
    mark,
)

KINDS = {
    "delivered": (Kind.DELIVERED, None, ""),
    "hard": (Kind.BOUNCED, True, "5.1.1"),
    "soft": (Kind.BOUNCED, False, "4.2.2"),
    "complained": (Kind.COMPLAINED, None, ""),
    "waiting": (Kind.DEFERRED, None, ""),
}
ODD: tuple[Any, ...] = (
    *(None, True, [], {}, [[]], -1, 10**30, 1e300, "", "x" * 9000, "a\0b\ud800c", "5.1.1.1"),
    *(
        {"delivery": {"delivery": ["x"]}},
        "9" * 5000,
        "2026-13-45T99:99:99Z",
        "0001-01-01T00:00:00+14:00",
    ),
)


def certificates(_asked: Asked, _nth: int) -> bytes:
    """Amazon's host: a certificate where one stands."""
    return answer(200, amazons_key(0)[1]) if "abc0.pem" in _asked.line else answer(404)


class WebhookContract:
    """Inherit and define `teller`."""

    @pytest.fixture
    def teller(self) -> Iterator[Teller]:
        raise NotImplementedError

    def heard(self, teller: Teller, *posts: Post) -> list[Event]:
        """What one hook makes of these."""
        hook = teller.hook()
        return [event for post in posts for event in hook.hear(post.raw, post.headers, NOW)]

    @pytest.mark.parametrize("what", KINDS)
    def test_what_happened_is_understood_and_leads_back(self, teller: Teller, what: str) -> None:
        (event,) = self.heard(teller, teller.post(what, 7))
        kind, permanent, status = KINDS[what]
        assert event.kind is kind
        if kind is Kind.BOUNCED:
            assert (event.permanent, event.status) == (permanent, status)
            assert status in event.answer
        assert any(mark(7) in text for text in event.references)
        assert event.at is not None
        assert event.at.replace(microsecond=0) == AT
        assert (event.recipient, event.raw) == (READER, b"")
        assert "aye" not in repr(event)

    def test_one_byte_changed_and_it_is_refused(self, teller: Teller) -> None:
        hook, post = teller.hook(), teller.post("hard")
        hook.hear(post.raw, post.headers, NOW)
        spoilt = [one for one in teller.spoilt(post) if one != post]
        assert len(spoilt) >= 2
        for one in spoilt:
            with pytest.raises(Refused) as caught:
                hook.hear(one.raw, one.headers, NOW)
            assert "aye" not in str(caught.value)

    def test_nothing_at_all_is_refused(self, teller: Teller) -> None:
        for raw in (b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 900_000, b"9" * 100_000):
            with pytest.raises(Refused):
                teller.hook().hear(raw, {}, NOW)

    def test_without_its_secret_it_is_closed_and_believes_nobody(self, teller: Teller) -> None:
        assert teller.hook().lacks == ()
        for name in teller.hook().needs:
            closed = teller.hook(**{name: ""})
            assert closed.lacks == (name,)
            post = teller.post("hard")
            with pytest.raises(Refused):
                closed.hear(post.raw, post.headers, NOW)

    def test_told_again_it_is_the_same_and_nothing_else_is(self, teller: Teller) -> None:
        posts = [teller.post(what, number) for what in (*KINDS, "new") for number in (1, 2)]
        keys = [event.key for event in self.heard(teller, *posts)]
        assert len(set(keys)) == len(keys) == 12
        assert [event.key for event in self.heard(teller, *posts)] == keys

    def test_in_any_order_the_same_is_heard(self, teller: Teller) -> None:
        posts = [teller.post(what, 3) for what in KINDS]
        there = self.heard(teller, *posts)
        back = self.heard(teller, *posts[::-1])
        assert {event.key: event for event in there} == {event.key: event for event in back}

    def test_who_opens_and_clicks_is_dropped_unread(self, teller: Teller) -> None:
        assert self.heard(teller, teller.post("opened"), teller.post("clicked")) == []

    def test_what_is_not_known_is_kept_whole(self, teller: Teller) -> None:
        (event,) = self.heard(teller, teller.post("new"))
        assert event.kind is Kind.OTHER
        kept = json.loads(event.raw)
        told = teller.said("new")
        assert json.dumps(told)[1:-1] in json.dumps(kept).replace("\\", "")

    def test_many_at_once_are_each_heard(self, teller: Teller) -> None:
        if not teller.many_at_once:
            return
        said = [teller.said(what, number) for number in range(50) for what in ("hard", "opened")]
        post = teller.signed(teller.body(*said))
        events = self.heard(teller, post)
        assert [mark(n) in "".join(e.references) for n, e in enumerate(events)] == [True] * 50

    def test_no_oddity_of_a_proved_sender_raises_or_cannot_be_stored(self, teller: Teller) -> None:
        hook = teller.hook()
        for what in ("hard", "delivered", "new"):
            for odd in _with_oddities(teller.said(what)):
                post = teller.signed(teller.body(odd))
                for event in hook.hear(post.raw, post.headers, NOW):
                    _is_storable(event)


def _with_oddities(value: Any) -> Iterator[Any]:
    """The same thing with each of its inner values replaced by each oddity in turn."""
    if isinstance(value, dict):
        for name, inner in value.items():
            for odd in (*ODD, *_with_oddities(inner)):
                yield {**value, name: odd}
    elif isinstance(value, list):
        yield from ([odd, *value[1:]] for odd in ODD)


def _is_storable(event: Event) -> None:
    for text in (event.key, event.status, event.answer, event.recipient, *event.references):
        assert "\0" not in text
        text.encode("utf-8")
        assert len(text) <= 2000
    assert event.key
    assert event.at is None or event.at.tzinfo is not None
    assert len(event.references) <= 20
    assert len(event.raw) <= 65_536


class TestSes(WebhookContract):
    kind: Callable[[HttpServer], Teller] = SesTeller

    @pytest.fixture
    def teller(self) -> Iterator[Teller]:
        with HttpServer(certificates) as server:
            yield type(self).kind(server)


class TestSesAsItWas(TestSes):
    kind = FirstSesTeller


class TestMailgun(WebhookContract):
    @pytest.fixture
    def teller(self) -> Teller:
        return MailgunTeller()


class TestSparkPost(WebhookContract):
    @pytest.fixture
    def teller(self) -> Teller:
        return SparkPostTeller()


class TestPostmark(WebhookContract):
    @pytest.fixture
    def teller(self) -> Teller:
        return PostmarkTeller()


class TestResend(WebhookContract):
    @pytest.fixture
    def teller(self) -> Teller:
        return ResendTeller()


class TestBrevo(WebhookContract):
    @pytest.fixture
    def teller(self) -> Teller:
        return BrevoTeller()


class TestSendGrid(WebhookContract):
    @pytest.fixture
    def teller(self) -> Teller:
        return SendGridTeller()


class TestMailjet(WebhookContract):
    @pytest.fixture
    def teller(self) -> Teller:
        return MailjetTeller()


def test_no_hook_is_left_out() -> None:
    every = _all(Teller)  # type: ignore[type-abstract]
    tested = {kind.name for kind in every}
    assert tested == set(HOOKS)


def _all(kind: type[Teller]) -> Iterator[type[Teller]]:
    for below in kind.__subclasses__():
        yield below
        yield from _all(below)
