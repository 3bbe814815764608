"""What came back, as an editor sees it: of an issue, of one reader, and in `status`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import get_args

from sqlalchemy import update

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.core.resources import shipped
from newsletter.delivery import hearing, notices, rates
from newsletter.delivery.models import Notice
from newsletter.providers.events import Event, Kind
from subscribers import audience
from tests.cli.command import Command
from tests.delivery import newsroom
from tests.delivery.returns import T0, said, taken, tell


def _command(services: Services) -> Command:
    return Command(services.settings.home, {"NEWSLETTER_PUBLIC__URL": "http://127.0.0.1:8080"})


def _returned(services: Services) -> None:
    ids = taken(services, newsroom.publish(services, 20), now())
    at = now()
    tell(
        services,
        said(services, ids[0], Kind.BOUNCED, "5.1.1", at=at, answer="550 5.1.1 <r1@example.org> ?"),
        *(said(services, one, Kind.COMPLAINED, at=at) for one in ids[1:4]),
        *(said(services, one, Kind.DELIVERED, at=at) for one in ids[4:9]),
        Event(Kind.OTHER, "x", at, ("nothing",), answer="a kind of r1@example.org", raw=b"{}"),
        now=at,
    )
    rates.look(services, at)


def test_an_issue_tells_what_came_back_and_what_followed(file_services: Services) -> None:
    _returned(file_services)
    newsletter = _command(file_services)
    found = newsletter.ok("events", 1, "--json").json
    counts = {(row["kind"], row["outcome"]): row["count"] for row in found["events"]}
    assert counts == {
        ("bounced", "hard_suppressed"): 1,
        ("complained", "complaint_ended"): 3,
        ("delivered", "delivered"): 5,
    }
    assert found["returned"]["complaint_percent"] == 15.789
    assert found["returned"]["bounce_percent"] == 5
    (strange,) = found["strangers"]
    assert (strange["kind"], strange["outcome"]) == ("other", "unmatched")
    (notice,) = found["notices"]
    assert notice["kind"] == "complaints"
    shown = " ".join(newsletter.ok("events", 1).out.split())  # whatever the width
    assert "reported as spam: the subscription ended, the address is suppressed" in shown
    assert "issue 1: 3 complaints, 15.789 % (limit 0.3 %)" in shown
    assert "issue 1: 1 dead address, 5 % (limit 5 %)" in shown
    assert "example.org" not in shown


def test_status_shows_why_an_issue_paused_and_who_was_told(file_services: Services) -> None:
    _returned(file_services)
    newsletter = _command(file_services)
    found = newsletter.ok("status", 1, "--json").json
    assert found["status"] == "paused"
    assert found["notices"][0]["kind"] == "complaints"
    shown = newsletter.ok("status", 1).out
    assert "not mailed: 3 readers of issue 1 reported it as spam" in shown
    with writing(file_services.engine) as session:
        notices.raise_(session, 1, None, "credentials", "the login is refused", now())
    overview = newsletter.ok("status", "--json").json["publications"][0]["notices"]
    assert [notice["kind"] for notice in overview] == ["credentials", "complaints"]
    assert "the login is refused" in newsletter.ok("status").out


def test_notices_of_an_issue_grow_old(file_services: Services) -> None:
    _returned(file_services)
    with writing(file_services.engine) as session:
        session.execute(update(Notice).values(created_at=now() - timedelta(days=8)))
    newsletter = _command(file_services)
    shown = newsletter.ok("status", 1).out
    assert "notice of" not in shown
    assert "1 older notice: 'newsletter events 1' shows what it said" in shown
    assert "reported it as spam" in newsletter.ok("events", 1).out


def test_nothing_came_back_yet(file_services: Services) -> None:
    newsroom.publish(file_services, 1)
    assert "Nothing came back yet." in _command(file_services).ok("events", 1).out


def test_a_story_says_what_was_said_how_it_was_judged_and_what_followed(
    file_services: Services,
) -> None:
    ids = taken(file_services, newsroom.publish(file_services, 2), T0)
    words = "452 4.2.2 r1 is over quota"
    tell(
        file_services,
        said(file_services, ids[0], Kind.BOUNCED, "4.2.2", at=T0, answer=words),
        said(file_services, ids[1], Kind.BOUNCED, "5.1.1", at=T0),
        now=now(),
    )
    newsletter = _command(file_services)
    found = newsletter.ok("subscribers", "story", "r1@example.org", "--json").json
    (told,) = found["messages"][0]["told"]
    assert (told["kind"], told["status"], told["outcome"]) == ("bounced", "4.2.2", "soft")
    assert told["answer"] == "452 4.2.2 [address] is over quota"
    assert found["failing"]["issues"] == 1
    shown = newsletter.ok("subscribers", "story", "r1@example.org").out
    assert "it failed for now, which is remembered" in shown
    assert "mail failed in 1 issue in a row" in shown
    other = newsletter.ok("subscribers", "story", "r2@example.org").out
    assert "the mailbox does not exist: the address is suppressed" in other
    page = file_services.settings.home / "page.html"
    newsletter.ok("subscribers", "story", "r2@example.org", "--page", page)
    text = re.sub("<[^>]+>|[\u200b\u2060]", "", page.read_text("utf-8"))
    assert "စာတိုက်ပုံး မရှိသောကြောင့်" in text
    # Why it came back stands there in the reader's words, not as a code of our own.
    assert "ဤလိပ်စာသို့ အီးမေးလ် ပို့၍မရကြောင်း" in text
    assert "hard_bounce" not in text


def test_every_reason_has_words_on_the_page_of_a_story() -> None:
    page = (shipped("templates") / "web" / "person_part.html").read_text("utf-8")
    codes = {*get_args(audience.Standing), *hearing.REASONS.values()}
    for code in codes | {"cancelled", "recipient", "policy", "gave_up"}:
        assert f'"{code}": ' in page.partition("reasons = {")[2].partition("}")[0], code


def test_publication_settings_say_how_doubts_are_settled(file_services: Services) -> None:
    newsroom.publish(file_services, 1)
    newsletter = _command(file_services)
    assert newsletter.ok("publication", "set", "unknown_policy", "look").out == (
        "unknown_policy: never → look\n"
    )
    newsletter.ok("publication", "set", "quiet_hours", "22:00-07:00")
    shown = newsletter.ok("publication", "show").out
    assert 'quiet_hours = "22:00-07:00"' in shown
    assert 'unknown_policy = "look"' in shown
    assert "two different times" in newsletter.refused(
        "publication", "set", "quiet_hours", "07:00-07:00"
    )
