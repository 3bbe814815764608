"""Readers at the command line: what was added, who is barred and how that ends, and leaving."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from newsletter.app import open_services
from newsletter.core.addresses import parse
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.core.tokens import Claim, Purpose
from subscribers import suppression
from tests.cli.command import Command

ONE = "one@example.org"


def _bar(newsletter: Command, address: str, reason: str) -> None:
    services = open_services(newsletter.home)
    try:
        index = services.sealer.blind_index(parse(address).lookup)
        with writing(services.engine) as session:
            assert suppression.suppress(session, index, reason, now())
    finally:
        services.close()


def test_adding_says_the_edition_and_keeps_it_unasked(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    add = ("subscribers", "add", ONE)
    assert "new on the list; it gets the edition 'my'" in newsletter.ok(*add, "--edition", "my").out
    assert "with the edition 'my'; nothing changed" in newsletter.ok(*add).out
    changed = newsletter.ok(*add, "--edition", "en+my").out
    assert "its edition was 'my' and is now 'en+my'" in changed


def test_who_is_barred_is_listed_and_released_by_hand(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    newsletter.ok("subscribers", "add", ONE)
    newsletter.ok("subscribers", "add", "two@example.org")
    _bar(newsletter, ONE, "hard_bounce")
    listed = newsletter.ok("subscribers", "list", "--state", "suppressed", "--json").json
    (row,) = listed["subscribers"]
    assert (row["state"], row["reason"], row["address"]) == (
        "suppressed",
        "hard_bounce",
        "o***@e***",
    )
    assert "hard_bounce" in newsletter.ok("subscribers", "list", "--state", "suppressed").out
    active = newsletter.ok("subscribers", "list", "--state", "active", "--json").json
    assert [r["state"] for r in active["subscribers"]] == ["active"]
    refused = newsletter.refused("subscribers", "add", ONE)
    assert "the mail server refused it for good" in refused
    assert "newsletter subscribers release ADDRESS" in refused
    freed = newsletter.ok("subscribers", "release", ONE, "--reason", "the mailbox works again")
    assert "the next issue goes to it" in freed.out
    assert newsletter.ok("subscribers", "list", "--json").json["counts"]["active"] == 2
    assert "not suppressed" in newsletter.refused("subscribers", "release", ONE, "--reason", "x")


def test_a_complaint_is_lifted_by_the_reader_s_wish_and_revives_nobody(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    newsletter.ok("subscribers", "add", ONE)
    newsletter.ok("subscribers", "remove", ONE)
    _bar(newsletter, ONE, "complaint")
    release = ("subscribers", "release", ONE, "--reason", "a letter of 3 May")
    assert "--yes-they-asked" in newsletter.refused(*release)
    assert "who left stays away" in newsletter.ok(*release, "--yes-they-asked").out
    assert newsletter.ok("subscribers", "list", "--json").json["counts"]["ended"] == 1
    assert "left before" in newsletter.refused("subscribers", "add", ONE)


def test_a_mail_server_that_pipes_never_bounces(newsletter: Command, tmp_path: Path) -> None:
    newsletter.ok("init", "--yes")
    stranger = "From: a@example.org\r\nSubject: hello\r\n\r\nPlease let me go.\r\n"
    forged = "From: a@example.org\r\nSubject: leave v1.AAAA.BBBB\r\n\r\n"
    for mail in (stranger, forged):
        ran = newsletter.apart.ok("subscribers", "leave", "-", stdin=mail)
        assert "nobody was taken off" in ran.err
    file = tmp_path / "mail.eml"
    file.write_text(stranger)
    assert "no link of ours" in newsletter.refused("subscribers", "leave", file)
    services = open_services(newsletter.home)
    token = services.signer.sign(Claim(uuid4(), 1, Purpose.UNSUBSCRIBE))
    services.close()
    (newsletter.home / "newsletter.db").write_bytes(b"written over " * 999)
    mail = f"From: a@example.org\r\nSubject: leave {token}\r\n\r\n"
    assert newsletter.apart("subscribers", "leave", "-", stdin=mail).code == 75
