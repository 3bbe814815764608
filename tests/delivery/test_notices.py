"""Notices: told once, mailed once, and never in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError
from newsletter.core.settings import load
from newsletter.delivery import notices, notifying
from newsletter.editorial import publications
from tests.delivery import front_desk, newsroom
from tests.delivery.newsroom import over_smtp, taken
from tests.delivery.returns import T0
from tests.smtp_server import ScriptedServer

SENTENCE = "20 errors one after the other, the last: 550 5.1.1 <r1@example.org> unknown"


def _told_to(services: Services, *editors: str) -> Services:
    found = services.settings.notices.model_copy(update={"to": list(editors)})
    return replace(services, settings=services.settings.model_copy(update={"notices": found}))


def _raise(services: Services, kind: str = "errors", hours: float = 0) -> bool:
    with writing(services.engine) as session:
        at = T0 + timedelta(hours=hours)
        return notices.raise_(session, 1, 1, kind, SENTENCE, at)


def _listed(services: Services) -> list[dict[str, object]]:
    with reading(services.engine) as session:
        return notices.listing(session, T0, publication_id=1, issue_id=1)


def test_one_is_told_at_a_time_and_names_nobody(any_services: Services) -> None:
    newsroom.publish(any_services, 1)
    assert _raise(any_services)
    assert not _raise(any_services)
    assert not _raise(any_services, hours=3)  # it still waits to be mailed
    assert _raise(any_services, "credentials")
    assert _raise(any_services, hours=25)  # nobody wanted it by mail
    said = [row["text"] for row in _listed(any_services)]
    assert said == [SENTENCE.replace("r1@example.org", "[address]")] * 3


def test_each_editor_gets_one_mail(services: Services) -> None:
    newsroom.publish(services, 1)
    mailing = _told_to(services, "desk@example.org", "min@example.org")
    _raise(services)
    assert notifying.mail_due(mailing, T0) == 1
    assert notifying.mail_due(mailing, T0 + timedelta(hours=5)) == 0
    first, second = taken(mailing)
    assert [first.recipient.text, second.recipient.text] == ["desk@example.org", "min@example.org"]
    mail = front_desk.read(first.data)
    assert (mail["From"], mail["To"]) == ("desk@news.example", "desk@example.org")
    assert mail["Subject"] == "[weekly] Issue 1 needs you"
    assert mail["Auto-Submitted"] == "auto-generated"
    body = front_desk.body(mail, "plain")
    assert "20 errors one after the other" in body
    assert "r1@" not in body
    assert "newsletter status 1 --publication weekly" in body
    (row,) = _listed(services)
    assert row["mailed_at"] == T0.isoformat()
    assert not _raise(services, hours=0.5)
    assert _raise(services, hours=2)  # it happened again


def test_burmese_words_go_through_the_mail_whole(services: Services) -> None:
    newsroom.publish(services, 1)
    with writing(services.engine) as session:
        notices.raise_(session, 1, None, "x", "“အပတ်စဉ်” လမ်းများ ပိတ်ထားဆဲဖြစ်သည်", T0)
    mailing = _told_to(services, "desk@example.org")
    assert notifying.mail_due(mailing, T0) == 1
    mail = front_desk.read(taken(mailing)[0].data)
    assert "လမ်းများ ပိတ်ထားဆဲဖြစ်သည်" in front_desk.body(mail, "plain")
    assert mail["Subject"] == "[weekly] The newsletter needs you"


def test_nobody_is_mailed_when_nobody_is_named(services: Services) -> None:
    newsroom.publish(services, 1)
    _raise(services)
    assert notifying.mail_due(services, T0) == 0
    assert (taken(services), len(_listed(services))) == ([], 1)


def test_a_mail_that_cannot_go_out_is_tried_five_times_and_shown(services: Services) -> None:
    newsroom.publish(services, 1)
    _raise(services)
    with ScriptedServer() as server:
        port = server.port
    mailing = _told_to(over_smtp(services, port), "desk@example.org")
    for hours in (0, 0.01, 0.1, 0.2, 0.5, 1.1, 1.2, 4.5, 8, 12):
        assert notifying.mail_due(mailing, T0 + timedelta(hours=hours)) == 0
    (row,) = _listed(services)
    assert (row["tries"], row["mailed_at"]) == (5, None)


def test_without_a_sender_nothing_breaks(services: Services) -> None:
    newsroom.publish(services, 1)
    _raise(services)
    with writing(services.engine) as session:
        publications.get(session, None).sender_address = ""
    mailing = _told_to(services, "desk@example.org")
    assert notifying.mail_due(mailing, T0) == 0
    assert _listed(services)[0]["tries"] == 1


def test_editors_are_checked_when_they_are_set(services: Services) -> None:
    home = services.settings.home
    variable = "NEWSLETTER_NOTICES__TO"
    named = load(home, {variable: "desk@example.org, min@example.org"}).notices.to
    assert named == ["desk@example.org", "min@example.org"]
    with pytest.raises(InputError, match=r"NEWSLETTER_NOTICES__TO: notices\.to.* such as desk@"):
        load(home, {variable: "desk"})
