"""A database of an earlier version, with a ledger in it, comes whole through the migrations."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, text

from newsletter import migrations
from tests.conftest import fresh_database

_AT = "2026-03-01 10:00:00+00:00"
_DELIVERY = (
    "INSERT INTO deliveries (id, issue_id, confirmation_id, subscriber_id, edition, state, "
    "attempts, turn, changed_at) VALUES (:id, :issue, :confirmation, 7, 'en', 'submitted', 1, 0, "
    f"'{_AT}')"
)
_EVENT = (
    "INSERT INTO events (id, source, mark, kind, delivery_id, outcome, at, received_at) "
    f"VALUES (1, 'memory', :mark, 'delivered', 1, 'delivered', '{_AT}', '{_AT}')"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    """A database at 0004 as the program itself would have made it, foreign keys in force."""
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys=ON"))
        _filled(engine)
        yield engine
        engine.dispose()
        return
    with fresh_database(request.getfixturevalue("postgres_url")) as url:
        engine = create_engine(url)
        _filled(engine)
        yield engine
        engine.dispose()


def _filled(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", "newsletter:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        rows = [(1, 1, None), (2, None, 1), (9, 2, None)]
        for number, issue, confirmation in rows:
            values = {"id": number, "issue": issue, "confirmation": confirmation}
            connection.execute(text(_DELIVERY), values)
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('deliveries_id_seq', 9)"))
        connection.execute(text(_EVENT), {"mark": b"m" * 32})
        connection.execute(text("DELETE FROM deliveries WHERE id = 9"))


def test_ledger_and_what_was_said_of_it_stay(old: Engine) -> None:
    migrations.upgrade(old)
    with old.begin() as connection:
        rows = connection.execute(text("SELECT id, state FROM deliveries ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [(1, "submitted"), (2, "submitted")]
        assert connection.scalar(text("SELECT delivery_id FROM events")) == 1


def test_number_of_a_message_that_is_gone_never_comes_back(old: Engine) -> None:
    migrations.upgrade(old)
    with old.begin() as connection:
        new = connection.scalar(
            text(
                "INSERT INTO deliveries (greeting_id, edition, state, changed_at) "
                f"VALUES (1, 'en', 'planned', '{_AT}') RETURNING id"
            )
        )
    assert new == 10


@pytest.mark.parametrize("origin", ["NULL, NULL, NULL", "1, NULL, 1", "NULL, 1, 1"])
def test_message_has_exactly_one_origin(old: Engine, origin: str) -> None:
    migrations.upgrade(old)
    statement = (
        "INSERT INTO deliveries (issue_id, confirmation_id, greeting_id, edition, state, "
        f"changed_at) VALUES ({origin}, 'en', 'planned', '{_AT}')"
    )
    with pytest.raises(Exception, match="one_origin"), old.begin() as connection:
        connection.execute(text(statement))


def test_mail_goes_with_its_sign_up_and_with_its_greeting(old: Engine) -> None:
    migrations.upgrade(old)
    with old.begin() as connection:
        if old.dialect.name == "sqlite":
            connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        _with_reader(connection)
        connection.execute(text("DELETE FROM subscriptions"))
        left = connection.execute(text("SELECT id, subscriber_id FROM deliveries")).all()
        assert [tuple(row) for row in left] == [(1, 7)]
        connection.execute(text("DELETE FROM subscribers"))
        assert connection.scalar(text("SELECT subscriber_id FROM deliveries")) is None


def _with_reader(connection) -> None:  # type: ignore[no-untyped-def]
    publication = (
        "INSERT INTO publications (id, slug, names, languages, sender_address, sender_names, "
        "reply_to, leave_address, subject_prefixes, about, postal_addresses, slot_weekday, "
        "slot_time, slot_zone, stale_minutes, created_at) VALUES (1, 'w', '{}', '[]', '', '{}', "
        f"'', '', '{{}}', '{{}}', '{{}}', 1, '09:00', 'UTC', 1, '{_AT}')"
    )
    reader = (
        "INSERT INTO subscribers (id, public_id, sealed_address, address_index, created_at) "
        f"VALUES (7, :uuid, :sealed, :mark, '{_AT}')"
    )
    held = (
        "INSERT INTO subscriptions (id, subscriber_id, publication_id, state, edition, created_at)"
        f" VALUES (1, 7, 1, 'active', 'en', '{_AT}')"
    )
    signed_up = (
        "INSERT INTO confirmations (id, public_id, subscription_id, edition, wording, created_at, "
        f"expires_at) VALUES (1, :uuid, 1, 'en', '', '{_AT}', '{_AT}')"
    )
    greeted = (
        "INSERT INTO greetings (id, kind, public_id, subscription_id, edition, created_at) "
        f"VALUES (1, 'welcome', :uuid, 1, 'en', '{_AT}')"
    )
    mail = (
        "INSERT INTO deliveries (id, greeting_id, subscriber_id, edition, state, changed_at) "
        f"VALUES (20, 1, 7, 'en', 'planned', '{_AT}')"
    )
    values = {"uuid": "0" * 32, "sealed": b"x", "mark": b"m" * 32}
    for statement in (publication, reader, held, signed_up, greeted, mail):
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        connection.execute(text(statement), used)
