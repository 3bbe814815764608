"""The link in a confirmation mail as scanners, readers and attackers use it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select, update

from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.tokens import Purpose
from newsletter.editorial import publications
from subscribers import suppression
from subscribers.models import Confirmation, Consent, Subscriber, Subscription
from tests.system import PATIENCE
from tests.web.conftest import ADDRESS, Site
from tests.web.sign_up import CONTACT, Door, opened

PRESS = {"confirm": "1"}
READER = "khin.mar@mail.example.org"


@pytest.fixture
def door(site: Site) -> Iterator[Door]:
    """The page of the site's publication."""
    with opened(site.services) as made:
        yield made


@pytest.fixture
def asked(door: Door, client: httpx.Client) -> UUID:
    """A sign-up in Burmese that waits for its press."""
    door.press(client, READER, "my")
    with reading(door.services.engine) as session:
        return session.scalars(select(Confirmation.public_id)).one()


def link(door: Door, site: Site, subject: UUID, purpose: Purpose = Purpose.CONFIRM) -> str:
    """The address in the mail."""
    return f"{door.url}/c/{site.token(purpose, subject)}"


def standing(door: Door) -> tuple[str, str, list[str]]:
    """State and edition of who signed up last, and the kinds of consent."""
    with reading(door.services.engine) as session:
        held = session.scalars(select(Subscription).order_by(Subscription.id.desc())).first()
        assert held is not None
        proofs = session.scalars(select(Consent).where(Consent.subscription_id == held.id))
        return held.state, held.edition, [f"{proof.kind} {proof.how}" for proof in proofs]


WAITING: tuple[str, str, list[str]] = ("pending", "my", [])


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_changes_nothing(
    door: Door, site: Site, client: httpx.Client, asked: UUID, method: str
) -> None:
    for _ in range(10):
        answer = client.request(method, link(door, site, asked))
        assert answer.status_code == 200
    assert standing(door) == WAITING
    if method != "HEAD":
        assert answer.text.count("<button") == answer.text.count("<h1") == 1
        assert '<html lang="my"' in answer.text, "in the language that was asked for"
        assert "k***@m***" in answer.text
        assert "khin" not in answer.text
        assert "<script" not in answer.text
        assert "script-src" not in answer.headers["content-security-policy"]
        assert len(answer.content) < 10_000


def test_one_press_subscribes_and_a_second_says_so(
    door: Door, site: Site, client: httpx.Client, asked: UUID
) -> None:
    url = link(door, site, asked) + "?l=en"
    done = client.post(url, data=PRESS)
    assert "You are now subscribed" in done.text
    assert "If your phone may be searched" in done.text
    for again in (client.post(url, data=PRESS), client.get(url)):
        assert again.status_code == 200
        assert "Already confirmed" in again.text
    assert standing(door) == ("active", "my", ["given form"])
    with reading(door.services.engine) as session:
        proof = session.scalars(select(Consent.wording).order_by(Consent.id.desc())).first()
    assert proof is not None
    assert "Hill Country Letter: Subscribe" in proof
    assert "Hill Country Letter: Confirm subscription" in proof


def test_fifty_presses_at_once_leave_one_proof(door: Door, site: Site, asked: UUID) -> None:
    url = link(door, site, asked)

    def press(_: int) -> int:
        return httpx.post(url, data=PRESS, trust_env=False, timeout=PATIENCE).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(press, range(50))) == {200}
    assert standing(door) == ("active", "my", ["given form"])


@pytest.mark.parametrize("fields", [{}, {"confirm": "0"}, {"List-Unsubscribe": "One-Click"}])
def test_a_body_that_is_no_press_changes_nothing(
    door: Door, site: Site, client: httpx.Client, asked: UUID, fields: dict[str, str]
) -> None:
    assert client.post(link(door, site, asked), data=fields).status_code == 400
    assert standing(door) == WAITING


def test_a_link_out_of_date_leads_to_a_new_sign_up(
    door: Door, site: Site, client: httpx.Client, asked: UUID
) -> None:
    """Also when it was forgotten since: it must not tell whether it ever was."""
    with writing(door.services.engine) as session:
        session.execute(update(Confirmation).values(expires_at=now() - timedelta(seconds=1)))
    for subject in (asked, uuid4()):
        url = link(door, site, subject) + "?l=en"
        for page in (client.get(url), client.post(url, data=PRESS)):
            assert page.status_code == 200
            assert "This link has expired" in page.text
            assert 'href="/s/weekly?l=en"' in page.text
            assert "@m***" not in page.text
    assert standing(door) == WAITING


def test_an_address_that_was_barred_since_is_told_to_write(
    door: Door, site: Site, client: httpx.Client, asked: UUID
) -> None:
    with writing(door.services.engine) as session:
        index = door.services.sealer.blind_index(READER)
        assert session.scalar(select(Subscriber.id).where(Subscriber.address_index == index))
        suppression.suppress(session, index, "complaint", now())
    page = client.post(link(door, site, asked) + "?l=en", data=PRESS)
    assert "This address cannot be added" in page.text
    assert CONTACT in page.text
    assert standing(door)[0] == "pending"


def test_nobody_is_added_to_a_publication_that_was_archived(
    door: Door, site: Site, client: httpx.Client, asked: UUID
) -> None:
    with writing(door.services.engine) as session:
        publications.get(session, None).archived_at = now()
    url = link(door, site, asked) + "?l=en"
    for page in (client.get(url), client.post(url, data=PRESS)):
        assert "No sign-ups now" in page.text
        assert "<form" not in page.text
    assert standing(door) == WAITING


def test_no_other_token_confirms(door: Door, site: Site, client: httpx.Client, asked: UUID) -> None:
    good = link(door, site, asked)
    bent = [
        link(door, site, asked, Purpose.UNSUBSCRIBE),
        link(door, site, asked, Purpose.PREFERENCES),
        link(door, site, asked, Purpose.TEST),
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good[:-3],
        f"{door.url}/c/none",
    ]
    pages = {client.post(url, data=PRESS).text for url in bent}
    pages |= {client.get(url).text for url in bent}
    assert len(pages) == 1
    assert all(client.get(url).status_code == 400 for url in bent)
    assert client.get(f"{door.url}/u/{site.token(Purpose.CONFIRM, asked)}").status_code == 400
    assert standing(door) == WAITING


def test_who_is_subscribed_changes_the_language_by_the_press_only(
    door: Door, site: Site, client: httpx.Client
) -> None:
    door.press(client, ADDRESS, "en+my")
    assert site.standing() == ("active", "my", ["given editor"])
    with reading(door.services.engine) as session:
        subject = session.scalars(select(Confirmation.public_id)).one()
    client.post(link(door, site, subject), data=PRESS)
    assert site.standing() == ("active", "en+my", ["given editor", "changed form"])
