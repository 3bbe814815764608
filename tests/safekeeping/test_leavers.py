"""Who left or was erased after a backup gets nothing from what is restored of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.cli.restored import gone_in
from newsletter.core import audit
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import NotAllowedNow
from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery.pausing import resume
from newsletter.editorial import checks, issues
from newsletter.editorial.models import Issue
from newsletter.schedule import slots
from newsletter.schedule.firing import fire_due
from subscribers import erasing, journal, spool
from subscribers.models import Consent, Subscriber
from subscribers.spool import Leaving
from tests.delivery import newsroom
from tests.safekeeping import safe
from tests.safekeeping.safe import Target
from tests.safekeeping.test_nobody_twice import other_url  # noqa: F401  (a fixture)
from tests.system import PATIENCE
from tests.web.conftest import running


def link_of(services: Services, local: str, purpose: Purpose) -> str:
    """The token that stands in the mails to this reader."""
    with reading(services.engine) as session:
        index = services.sealer.blind_index(f"{local}@example.org")
        who = session.scalars(select(Subscriber).where(Subscriber.address_index == index)).one()
        return services.signer.sign(Claim(who.public_id, 1, purpose))


def one_leaves_and_one_is_erased(services: Services) -> None:
    """By the button of the mail program, and by the page."""
    presses = (
        (f"/u/{link_of(services, 'r1', Purpose.UNSUBSCRIBE)}", {"List-Unsubscribe": "One-Click"}),
        (f"/p/{link_of(services, 'r2', Purpose.PREFERENCES)}", {"erase": "yes"}),
    )
    with running(services) as server, httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        for path, fields in presses:
            assert client.post(f"{server.url}{path}", data=fields).status_code == 200


def approve(services: Services, issue_id: int) -> None:
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        issues.approve(session, issue, checks.check(issue, issue.publication), now=now())


def mailed(services: Services, issue_id: int) -> list[str]:
    approve(services, issue_id)
    newsroom.start(services, issue_id)
    newsroom.work_off(services)
    return sorted(mail.recipient.text for mail in newsroom.taken(services))


def test_who_left_since_gets_nothing(
    any_services: Services,
    other_url: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    first, file = any_services, tmp_path / "weekly.age"
    issue_id = newsroom.publish(first, 4)
    safe.back_up(first, file)
    one_leaves_and_one_is_erased(first)
    waits(first, "r3")
    place = safe.target(tmp_path, first, other_url)
    ran = place.restore(file, "--left-in", first.settings.home, "--json")
    assert ran.code == 0, ran
    assert ran.json["brought_in"] == {"left": 2, "erased": 1}
    restored = place.services(first)
    place.accept()
    assert mailed(restored, issue_id) == ["r4@example.org"]
    with reading(restored.engine) as session:
        index = restored.sealer.blind_index("r2@example.org")
        held = select(Subscriber).where(Subscriber.address_index == index)
        assert session.scalar(held) is None
        deeds = [entry.deed for entry in audit.entries(session)]
    assert deeds[:2] == ["restore_accepted", "left_since_backup"]
    assert "suppressed" in place.command()("subscribers", "add", "r2@example.org").err
    restored.close()


def waits(services: Services, local: str) -> None:
    """A wish to leave that the first database could not take."""
    claim = services.signer.read(link_of(services, local, Purpose.UNSUBSCRIBE), Purpose.UNSUBSCRIBE)
    wish = Leaving(claim.subject, claim.scope, "one_click", "button", now())
    spool.keep(services.settings.home, wish)


def findings(place: Target) -> list[str]:
    found = place.command()("doctor", "--offline", "--json").json["findings"]
    return [one["verdict"] for one in found if one["subject"] == "restore"]


def test_nothing_goes_out_before_somebody_accepts(
    any_services: Services,
    other_url: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    first, file = any_services, tmp_path / "weekly.age"
    issue_id = newsroom.publish(first, 3)
    safe.back_up(first, file)
    one_leaves_and_one_is_erased(first)
    place = safe.target(tmp_path, first, other_url)
    assert "newsletter restored --accept" in place.restore(file).out
    restored = place.services(first)
    approve(restored, issue_id)
    with pytest.raises(NotAllowedNow, match="newsletter restored --left-in"):
        newsroom.start(restored, issue_id)
    assert newsroom.counts(restored, issue_id).total == 0
    assert findings(place) == ["warning"]
    assert "not accepted yet" in place.command().ok("restored").out
    later = place.command()("restored", "--left-in", first.settings.home / journal.NAME, "--json")
    assert later.json["brought_in"] == {"left": 1, "erased": 1}
    again = place.command()("restored", "--left-in", first.settings.home, "--json")
    assert again.json["brought_in"] == {"left": 0, "erased": 0}
    declined = place.command()("restored", "--accept", stdin="n\n")
    assert "nothing was accepted" in declined.out
    place.accept()
    assert findings(place) == ["good"]
    newsroom.start(restored, issue_id)
    newsroom.work_off(restored)
    assert [mail.recipient.text for mail in newsroom.taken(restored)] == ["r3@example.org"]
    restored.close()


def test_the_slot_holds_the_issue_with_the_reason(services: Services, tmp_path: Path) -> None:
    file = tmp_path / "weekly.age"
    issue_id = newsroom.publish(services, 3)
    safe.back_up(services, file)
    place = safe.target(tmp_path, services)
    assert place.restore(file).code == 0
    restored = place.services(services)
    approve(restored, issue_id)
    due = now() + timedelta(hours=1)
    with writing(restored.engine) as session:
        issue = session.get_one(Issue, issue_id)
        slots.schedule(session, issue.publication, issue, at=due, now=now())
    with writing(restored.engine) as session:
        (fired,) = [one for one in fire_due(session, due) if one.issue_number]
    assert fired.kind == "hold"
    assert "newsletter restored --accept" in fired.reason
    restored.close()


def test_a_paused_issue_does_not_go_on_either(services: Services, tmp_path: Path) -> None:
    """Doubtful deliveries that are sent again would reach whoever left since."""
    file = tmp_path / "weekly.age"
    issue_id = newsroom.publish(services, 3)
    newsroom.start(services, issue_id)
    safe.back_up(services, file)
    place = safe.target(tmp_path, services)
    assert place.restore(file).code == 0
    restored = place.services(services)
    with writing(restored.engine) as session, pytest.raises(NotAllowedNow, match="--accept"):
        resume(session, session.get_one(Issue, issue_id), now())
    restored.close()


def test_who_came_back_since_stays(services: Services, tmp_path: Path) -> None:
    """In the restored one, before the journal of the first was brought in."""
    newsroom.publish(services, 2)
    safe.back_up(services, tmp_path / "one.age")
    one_leaves_and_one_is_erased(services)
    place = safe.target(tmp_path, services)
    assert place.restore(tmp_path / "one.age").code == 0
    restored = place.services(services)
    for local in ("r1", "r2"):
        index = restored.sealer.blind_index(f"{local}@example.org")
        with writing(restored.engine) as session:
            who = session.scalars(select(Subscriber).where(Subscriber.address_index == index)).one()
            proof = Consent(kind="given", how="form", wording="pressed", at=now())
            proof.subscription_id = who.subscriptions[0].id
            session.add(proof)
    ran = place.command()("restored", "--left-in", services.settings.home, "--json")
    assert ran.json["brought_in"] == {"left": 0, "erased": 0}
    restored.close()


def test_every_door_notes_who_leaves_and_no_address(services: Services, tmp_path: Path) -> None:
    newsroom.publish(services, 5)
    home = services.settings.home
    command = Target(home, "", tmp_path, tmp_path).command()
    one_leaves_and_one_is_erased(services)
    command.ok("subscribers", "remove", "r3@example.org")
    command.ok("subscribers", "erase", "r4@example.org", "--yes")
    mail = tmp_path / "mail.eml"
    token = link_of(services, "r5", Purpose.UNSUBSCRIBE)
    mail.write_text(f"From: x@example.org\nSubject: unsubscribe {token}\n\n")
    command.ok("subscribers", "leave", mail)
    text = (home / journal.NAME).read_text()
    kinds = [line.split()[3:5] for line in text.splitlines()]
    assert [kind if kind == "erased" else how for kind, how in kinds] == [
        "one_click", "erased", "editor", "erased", "mail",
    ]  # fmt: skip
    assert "@" not in text
    assert (home / journal.NAME).stat().st_mode & 0o777 == 0o600


def test_a_wish_that_waited_is_noted_when_it_is_applied(services: Services) -> None:
    newsroom.publish(services, 1)
    waits(services, "r1")
    assert spool.drain(services.engine, services.settings.home) == 1
    (gone,) = gone_in([services.settings.home])
    assert (gone.publication_id, gone.how) == (1, "one_click")


def test_a_disk_that_refuses_the_journal_takes_nobody_back(services: Services) -> None:
    newsroom.publish(services, 2)
    (services.settings.home / journal.NAME).mkdir()
    one_leaves_and_one_is_erased(services)
    with reading(services.engine) as session:
        assert session.scalars(select(Subscriber.id)).all() == [1]


def test_half_a_line_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a power cut leaves it; and a full file makes room once."""
    who = erasing.Erased(UUID(int=7), bytes(range(32)))
    journal.erased(tmp_path, who)
    with (tmp_path / journal.NAME).open("a") as file:
        file.write("2026-11-21T10:00:00+00:00 0000")
    journal.left(tmp_path, who.public_id, 3, "page")
    found = journal.read(tmp_path)
    assert [(one.publication_id, one.how, one.index) for one in found] == [
        (0, "", who.index),
        (3, "page", None),
    ]
    monkeypatch.setattr(journal, "LIMIT", 10)
    journal.left(tmp_path, who.public_id, 4, "page")
    assert [one.publication_id for one in journal.read(tmp_path)] == [0, 3, 4]
    assert (tmp_path / journal.OLDER).stat().st_mode & 0o777 == 0o600
