"""What is particular to a provider's webhook, and was somebody's accident before."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.core import settings
from newsletter.core.errors import InputError
from newsletter.providers.events import Kind
from newsletter.providers.hook import Refused
from newsletter.providers.webhooks import HOOKS, Hooks
from tests.providers.fakes import HOOK_SECRET, SIGNING_KEY
from tests.providers.hearing import hear, refused
from tests.providers.signing_tellers import (
    ResendTeller,
    SendGridTeller,
)
from tests.providers.tellers import (
    AT,
    NOW,
    BrevoTeller,
    MailgunTeller,
    MailjetTeller,
    Post,
    PostmarkTeller,
    SparkPostTeller,
    Teller,
    basic,
)


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


@pytest.mark.parametrize(
    ("teller", "time"),
    [(BrevoTeller(), "ts_epoch"), (MailjetTeller(), "time"), (PostmarkTeller(), "DeliveredAt")],
    ids=lambda value: getattr(value, "name", ""),
)
def test_without_an_id_the_same_at_another_time_is_another_event(teller: Teller, time: str) -> None:
    said = teller.said("delivered")
    later = "2026-11-21T09:29:00Z" if isinstance(said[time], str) else said[time] + 60_000
    posts = [teller.signed(teller.body({**said, time: at})) for at in (said[time], later)]
    keys = [hear(teller, post)[0].key for post in (*posts, *posts)]
    assert keys[0] != keys[1]
    assert keys[:2] == keys[2:]


def test_sparkposts_ping_says_nothing() -> None:
    teller = SparkPostTeller()
    assert hear(teller, teller.signed(b'[{"msys": {}}]')) == []
    assert hear(teller, teller.signed(b"[]")) == []


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
