"""Who is on the list: nobody twice, nobody revived, nothing in clear."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core import log
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError, NotFound
from subscribers import (
    audience,
    directory,
    importing,
    leaving,
    listing,
    preferences,
    suppression,
)
from subscribers.models import Consent, Subscription
from tests.subscribers.conftest import NOW, Add
from tests.subscribers.returning import come_back


def test_the_same_mailbox_is_one_subscriber_however_it_is_written(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        assert add(session, "Aye.Aye@Example.org") == "new"
        assert add(session, "aye.aye@EXAMPLE.ORG") == "there"
        assert add(session, "aye.aye@example.org", "en+my") == "updated"
    with reading(any_services.engine) as session:
        (row,) = directory.listing(session, publication_id)
        assert (row.edition, row.state) == ("en+my", "active")
        assert row.address(any_services.sealer).text == "Aye.Aye@example.org"
        kinds = list(session.scalars(select(Consent.kind).order_by(Consent.id)))
        assert kinds == ["given", "changed"]


@pytest.mark.parametrize("how", ["editor", "import"])
def test_nobody_who_left_is_revived_by_others(
    any_services: Services, publication_id: int, add: Add, how: str
) -> None:
    with writing(any_services.engine) as session:
        add(session, "left@example.org")
        person = directory.find(session, any_services.sealer, "left@example.org")
        assert person
        who: dict[str, Any] = {
            "public_id": person.public_id,
            "publication_id": publication_id,
            "now": NOW,
        }
        assert leaving.leave(session, how="page", wording="Unsubscribe", **who) == "left"
        assert add(session, "LEFT@example.org", "my", how) == "ended"
        assert audience.standing(session, person.id, publication_id) == "unsubscribed"
        later = NOW + timedelta(hours=1)
        back = come_back(session, any_services.sealer, publication_id, "left@example.org", later)
        assert back == "confirmed"
        assert audience.standing(session, person.id, publication_id) is None


def test_a_barred_address_is_neither_added_nor_taken_back(
    any_services: Services, publication_id: int, add: Add
) -> None:
    sealer = any_services.sealer
    with writing(any_services.engine) as session:
        add(session, "here@example.org")
        for address in ("never@example.org", "here@example.org"):
            assert suppression.suppress(session, sealer.blind_index(address), "hard_bounce", NOW)
        assert not suppression.suppress(session, sealer.blind_index(address), "manual", NOW)
        assert add(session, "never@example.org") == "suppressed"
        assert directory.find(session, sealer, "never@example.org") is None
        person = directory.find(session, sealer, "here@example.org")
        assert person
        who: dict[str, Any] = {
            "public_id": person.public_id,
            "publication_id": publication_id,
            "now": NOW,
        }
        leaving.leave(session, how="page", wording="Unsubscribe", **who)
        assert come_back(session, sealer, publication_id, "here@example.org", NOW) is None
        assert listing.counts(session, publication_id)["ended"] == 1


def test_taking_off_needs_somebody_there(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        add(session, "one@example.org")
        take = (session, any_services.sealer, publication_id)
        with pytest.raises(NotFound):
            directory.remove(*take, "two@example.org", NOW)
        assert directory.remove(*take, "one@example.org", NOW) == "left"
        assert directory.remove(*take, "one@example.org", NOW) == "already"
        assert len(list(session.scalars(select(Consent)))) == 2


def test_the_audience_is_one_statement_with_a_reason_for_each_left_out(
    any_services: Services, publication_id: int, add: Add
) -> None:
    sealer = any_services.sealer
    with writing(any_services.engine) as session:
        for name, edition in (("a", "en"), ("b", "my"), ("c", "en"), ("d", "en"), ("e", "en+my")):
            add(session, f"{name}@example.org", edition)
        ids = [row.subscriber_id for row in directory.listing(session, publication_id)]
        suppression.suppress(session, sealer.blind_index("c@example.org"), "complaint", NOW)
        directory.remove(session, sealer, publication_id, "d@example.org", NOW)
        session.scalars(
            select(Subscription).where(Subscription.subscriber_id == ids[4])
        ).one().state = "pending"
        session.flush()
        found = [(*row,) for row in session.execute(audience.candidates(publication_id, NOW))]
        assert found == [
            (ids[0], "en", None),
            (ids[1], "my", None),
            (ids[2], "en", "suppressed"),
            (ids[4], "en+my", "pending"),
        ]
        assert audience.editions_wanted(session, publication_id, NOW) == {"en": 1, "my": 1}
        standings = [audience.standing(session, i, publication_id) for i in [*ids, 999, None]]
        assert standings == [
            None, None, "suppressed", "unsubscribed", "pending", "erased", "erased",
        ]  # fmt: skip


def test_the_reader_s_own_choice_is_stronger_than_a_file(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        add(session, "own@example.org", "en")
        person = directory.find(session, any_services.sealer, "own@example.org")
        assert person
        who: dict[str, Any] = {"public_id": person.public_id, "publication_id": publication_id}
        mine = preferences.Choice("my", text_only=True)
        assert preferences.choose(session, choice=mine, now=NOW, **who) == "changed"
        assert add(session, "own@example.org", "en", "import") == "there"
        view = preferences.view(session, any_services.sealer, now=NOW, **who)
        assert view
        assert (view.masked, view.edition, view.state) == ("o***@e***", "my", "active")
        assert view.text_only
        assert add(session, "own@example.org", "en", "editor") == "updated"


def test_no_address_lies_in_the_database_or_the_log(
    file_services: Services, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from newsletter.editorial import publications

    services = file_services

    secret = "thandar.kyaw.4417"
    log.configure("DEBUG", file=home / "newsletter.log")
    try:
        with writing(services.engine) as session:
            publication_id = publications.create(session, publications.default(), now=NOW).id
            data = f"email,name\n{secret}@example.org,Thandar\n{secret}@@bad,x\n".encode()
            report = importing.import_csv(
                session, services.sealer, publication_id=publication_id, data=data,
                name=f"list of {secret}@example.org.csv", editions=["en", "my"],
                default_edition="en", now=NOW,
            )  # fmt: skip
            assert report.counts["new"] == report.counts["broken"] == 1
            log.logger("test").info("imported", rows=str(report.rows), who=f"{secret}@example.org")
        with pytest.raises(InputError) as refused, writing(services.engine) as session:
            directory.remove(session, services.sealer, publication_id, f"{secret}@@x", NOW)
        with writing(services.engine) as session:
            directory.remove(session, services.sealer, publication_id, f"{secret}@example.org", NOW)
        shown = repr(report) + str(refused.value) + "".join(capfd.readouterr())
        assert secret not in shown
        files = [path for path in home.rglob("*") if path.is_file()]
        assert {"newsletter.db", "newsletter.db-wal", "newsletter.log"} <= {p.name for p in files}
        for path in files:
            assert secret.encode() not in path.read_bytes(), path.name
            assert b"example.org" not in path.read_bytes(), path.name
    finally:
        log.configure(to_stderr=False)
