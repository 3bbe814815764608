"""The tables that migrations make are the tables the code declares, and versions are guarded."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from newsletter import migrations
from newsletter.app import Services, initialise, open_services
from newsletter.core.db import Base, reading
from newsletter.core.errors import ConfigurationError


def test_migrations_make_the_declared_tables(any_services: Services) -> None:
    with any_services.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []


def test_head_is_the_newest_file() -> None:
    assert ScriptDirectory("newsletter/migrations").get_current_head() == migrations.HEAD


def test_database_of_a_newer_version_is_left_alone(services: Services) -> None:
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num='9999'"))
    for deed in (open_services, initialise):
        with pytest.raises(ConfigurationError, match="newer version"):
            deed(services.settings.home)


def test_lost_key_is_never_replaced(services: Services) -> None:
    services.settings.key_path.unlink()
    for deed in (open_services, initialise):
        with pytest.raises(ConfigurationError, match="missing; put it back"):
            deed(services.settings.home)
    assert not services.settings.key_path.exists()


def test_foreign_key_is_noticed(services: Services, tmp_path) -> None:  # type: ignore[no-untyped-def]
    other = initialise(tmp_path / "other")
    other.close()
    services.settings.key_path.write_bytes(other.settings.key_path.read_bytes())
    for deed in (open_services, initialise):
        with pytest.raises(ConfigurationError, match="does not belong"):
            deed(services.settings.home)


def test_who_runs_hears_that_the_database_changed_beneath_it(any_services: Services) -> None:
    with reading(any_services.engine) as session:
        migrations.require_same(session)
    for stands, said in (
        ("9999", "another version"),
        (migrations.MOVED, "was moved"),
        (migrations.MOVING, "did not end"),
    ):
        with any_services.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num=:now"), {"now": stands})
        with (
            reading(any_services.engine) as session,
            pytest.raises(migrations.OtherVersion, match=said),
        ):
            migrations.require_same(session)
