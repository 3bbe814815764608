"""What keeps machines and floods out of the sign-up, on a running server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import delete

from newsletter.core import log
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.web.form_tokens import Stage
from newsletter.web.public import asking, signing_up
from subscribers import holding, optin, suppression
from subscribers.models import SignupMark, Subscriber
from tests.system import PATIENCE
from tests.web.conftest import ADDRESS, Site
from tests.web.sign_up import Door, is_accepted, opened, typed_again


@pytest.fixture
def door(site: Site) -> Iterator[Door]:
    """The page of the site's publication, which has one reader already."""
    with opened(site.services) as made:
        yield made


def test_who_fills_in_the_hidden_field_gets_the_same_answer_and_nothing_happens(
    door: Door, client: httpx.Client
) -> None:
    real = door.press(client, "khin@example.org")
    machine = client.post(door.page, data=door.fields("bot@example.org", website="https://x"))
    assert machine.content == real.content
    assert door.counts() == (2, 1, 1)


def test_a_form_of_another_site_needs_one_more_press_on_our_page(
    door: Door, client: httpx.Client
) -> None:
    """No token, an old one, one of another publication, a forged one: our page, filled in."""
    fields = door.fields("khin@example.org", "my")
    good = door.token()
    for token in (
        "",
        "x",
        door.token(age=3 * 3600).text,
        door.token(slug="monthly").text,
        good.text[:-1] + ("A" if good.text[-1] != "A" else "Q"),
        "B" + good.text[1:],
    ):
        answer = client.post(door.page, data={**fields, "token": token})
        assert answer.status_code == 200
        assert "Please check your address and press the button." in answer.text
        assert typed_again(answer) == "khin@example.org"
        assert 'value="my" required checked' in answer.text
        at_home = client.post(f"{door.url}/s/weekly", data={**fields, "token": token})
        assert '<html lang="my"' in at_home.text, "in the language that was asked for"
    assert door.counts() == (1, 0, 0)


def test_faster_than_a_person_goes_the_slower_way(door: Door, client: httpx.Client) -> None:
    token = door.token(age=1)
    fast = {**door.fields("khin@example.org"), "token": token.text, "number": door.number(token)}
    assert "One more step" in client.post(door.page, data=fast).text
    assert door.counts() == (1, 0, 0)


def test_without_proof_one_waits_and_presses_again(door: Door, client: httpx.Client) -> None:
    for number in ("", "1", "-1", "9" * 5000):
        fields = door.fields("khin@example.org", number=number)
        step = client.post(door.page, data=fields)
        assert step.status_code == 200
        assert "Wait 20 seconds, then press the button." in step.text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', step.text))
    assert hidden["address"] == "khin@example.org"
    early = client.post(door.page, data=hidden)
    assert "That was too early. Wait 20 seconds more" in early.text
    assert hidden["token"] in early.text, "who presses early does not wait longer"
    assert door.counts() == (1, 0, 0)
    assert "khin" not in str(early.url)
    waited = {**hidden, "token": door.token(Stage.WAITED, age=21).text}
    assert is_accepted(client.post(door.page, data=waited))
    assert door.counts() == (2, 1, 1)


def test_a_form_counts_once(door: Door, client: httpx.Client) -> None:
    """Pressed twice it gives the same answer; changed in between it is asked for again."""
    fields = door.fields("khin@example.org")
    first, again = (client.post(door.page, data=fields) for _ in range(2))
    assert first.content == again.content
    with writing(door.services.engine) as session:
        session.execute(delete(SignupMark))  # so that only the token holds the next one back
    client.post(door.page, data=fields)
    other = client.post(door.page, data={**fields, "address": "mya@example.org"})
    assert not is_accepted(other)
    assert typed_again(other) == "mya@example.org"
    assert door.counts() == (2, 1, 1)


def test_a_failure_is_said_and_the_same_form_works_afterwards(
    door: Door, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    fields = door.fields("khin@example.org")
    with monkeypatch.context() as patched:
        patched.setattr("newsletter.delivery.transactional.plan", broken)
        assert client.post(door.page, data=fields).status_code == 500
    assert door.counts() == (1, 0, 0)
    # After a fault of ours the server hangs up, so the next press comes over a new connection.
    assert is_accepted(httpx.post(door.page, data=fields, trust_env=False, timeout=PATIENCE))
    assert door.counts() == (2, 1, 1)


def test_an_address_erased_at_this_very_moment_is_a_new_one(
    door: Door, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, real = [], holding.hold

    def hold(*told: Any) -> Subscriber:
        tried.append(1)
        if len(tried) == 1:
            raise holding.erased_meanwhile()
        return real(*told)

    monkeypatch.setattr(optin, "hold", hold)
    door.press(client, "khin@example.org")
    assert len(tried) == 2
    assert door.counts() == (2, 1, 1)


def test_the_answer_takes_whole_steps_of_time_whatever_is_due(
    door: Door, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch that stands still but for the database's work, which takes what each says."""
    watch = [0.0]
    monkeypatch.setattr(signing_up, "monotonic", lambda: watch[0])
    rested: list[float] = []

    async def sleep(seconds: float) -> None:
        rested.append(seconds)

    monkeypatch.setattr(signing_up, "sleep", sleep)
    real = asking.ask
    for number, took in enumerate((0.001, 0.149, 0.151, 0.4)):

        def slowly(*told: Any, took: float = took, **named: Any) -> bool:
            watch[0] += took
            return real(*told, **named)

        monkeypatch.setattr(signing_up, "ask", slowly)
        door.press(client, f"r{number}@example.org")
    assert rested == [pytest.approx(rest) for rest in (0.149, 0.001, 0.149, 0.05)]


def test_no_answer_comes_sooner_than_the_slowest_ones_do(door: Door, client: httpx.Client) -> None:
    with writing(door.services.engine) as session:
        barred = door.services.sealer.blind_index("barred@example.org")
        suppression.suppress(session, barred, "complaint", now())
    for address in ("barred@example.org", "new@example.org"):
        fields = door.fields(address)
        began = time.monotonic()
        assert is_accepted(client.post(door.page, data=fields))
        assert time.monotonic() - began >= 0.15


def test_a_network_that_signs_up_too_many_waits(site: Site, client: httpx.Client) -> None:
    def at(host: str) -> dict[str, str]:
        return {"X-Forwarded-For": host}

    with opened(site.services, "127.0.0.1", per_network_hour=2) as door:

        def press(number: int, host: str) -> httpx.Response:
            fields = door.fields(f"reader{number}@example.org")
            return client.post(door.page, data=fields, headers=at(host))

        assert is_accepted(press(1, "192.0.2.7"))
        assert is_accepted(press(2, "::ffff:192.0.2.200"))
        for address in ("reader1@example.org", "new@example.org", ADDRESS):
            full = client.post(door.page, data=door.fields(address), headers=at("192.0.2.99"))
            assert full.status_code == 429
            assert 3500 < int(full.headers["retry-after"]) <= 3600
            assert full.text.count("<section lang=") == 2
            assert address not in full.text
        assert is_accepted(press(3, "192.0.3.7"))
        assert is_accepted(press(4, "2001:db8:1:2::1"))
        assert is_accepted(press(5, "2001:db8:1:2:ffff::1"))
        assert press(6, "2001:db8:1:2:3::1").status_code == 429
        assert is_accepted(press(7, "2001:db8:1:3::1"))
        assert client.get(door.page, headers=at("192.0.2.7")).status_code == 200
        assert door.counts()[1] == 6


def test_only_a_trusted_proxy_says_who_asks(site: Site, client: httpx.Client) -> None:
    with opened(site.services, "", per_network_hour=1) as door:
        codes = [
            client.post(
                door.page,
                data=door.fields(f"reader{n}@example.org"),
                headers={"X-Forwarded-For": f"192.0.{n}.1"},
            ).status_code
            for n in range(2)
        ]
        assert codes == [200, 429]


def test_no_client_address_is_kept_or_logged(site: Site, client: httpx.Client, home: Path) -> None:
    log.configure("DEBUG", file=home / "newsletter.log", to_stderr=False)
    try:
        with opened(site.services, "127.0.0.1", per_network_hour=1) as door:
            for address in ("khin@example.org", "mya@example.org", "bad"):
                client.post(
                    door.page,
                    data=door.fields(address),
                    headers={"X-Forwarded-For": "198.51.100.77"},
                )
            broken = client.post(
                f"{door.url}/s/weekly/none", headers={"X-Forwarded-For": "198.51.100.77"}
            )
            assert broken.status_code == 404
    finally:
        log.configure(to_stderr=False)
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    for never in (b"198.51.100", bytes([198, 51, 100, 77]), b"khin@", b"mya@"):
        assert never not in written, never
