"""Leaving lasts, happens once, and is found in mails to the leave address."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.keyring import Key, Keyring
from newsletter.core.tokens import Claim, Purpose, TokenSigner
from subscribers import directory, leaving
from subscribers.mailto import token_in_mail
from subscribers.models import Consent
from tests.subscribers.conftest import NOW, Add

TOKEN = TokenSigner(Keyring(b"i" * 32, (), (Key(1, "k1", b"k" * 32),))).sign(
    Claim(UUID(int=7**40 % 2**128), 1, Purpose.UNSUBSCRIBE)
)


def test_fifty_at_once_leave_one_consent(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        add(session, "many@example.org")
        (row,) = directory.listing(session, publication_id)

    def press(_: int) -> str:
        with writing(any_services.engine) as session:
            return leaving.leave(
                session, public_id=row.public_id, publication_id=publication_id,
                how="one_click", wording="one-click", now=NOW,
            )  # fmt: skip

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(press, range(50)))
    assert sorted(outcomes) == ["already"] * 49 + ["left"]
    with reading(any_services.engine) as session:
        kinds = list(session.scalars(select(Consent.kind)))
    assert sorted(kinds) == ["given", "withdrawn"]


@pytest.mark.parametrize(
    "head",
    [
        f"Subject: leave {TOKEN}",
        f"Subject: =?utf-8?q?please_leave_{TOKEN.replace('_', '=5F')}?=",
        f"Subject: leave\r\n {TOKEN}",
        f"Subject: leave {TOKEN[:40]}\r\n {TOKEN[40:]}",
        f"To: <leave+{TOKEN}@weekly.example.org>\r\nSubject: something else",
        f"Auto-Submitted: no\r\nSubject: leave {TOKEN}",
    ],
)
def test_a_mail_that_asks_to_leave_is_understood(head: str) -> None:
    mail = f"From: forged@example.org\r\n{head}\r\n\r\n\r\n".encode()
    assert token_in_mail(mail) == TOKEN


@pytest.mark.parametrize(
    "mail",
    [
        f"Auto-Submitted: auto-replied (vacation)\r\nSubject: Re: leave {TOKEN}\r\n\r\n",
        f"Subject: Thank you\r\n\r\n> https://weekly.example.org/u/{TOKEN}\r\n",
        f"Subject: leave {TOKEN[:-3]}\r\n\r\n",
        "",
        "\x00\xff: \r\n\r\n",
    ],
)
def test_a_mail_that_does_not_ask_is_left_alone(mail: str) -> None:
    assert token_in_mail(mail.encode("latin-1")) is None
