"""The database's history: Alembic revisions, applied by `newsletter migrate`.

Owns: every change of the tables. Refuses: data of its own. Doors: upgrade, check.
"""

from __future__ import annotations

from sqlalchemy import Engine, inspect, text

from newsletter.core.errors import ConfigurationError

HEAD = "0003"
"""The newest revision this program knows; a test holds it against the files."""

_LOCK = 7_119_205


def current(engine: Engine) -> str | None:
    """The revision the database stands at; None for an empty one."""
    with engine.connect().execution_options(read_only=True) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def check(engine: Engine) -> None:
    """ConfigurationError with the remedy when the database is not the one this program knows."""
    found = current(engine)
    if found is None:
        raise ConfigurationError(
            "there is no newsletter in this home yet; run 'newsletter init' first"
        )
    if found > HEAD:
        raise ConfigurationError(
            f"the database was made by a newer version of this program (it stands at {found}, "
            f"this program knows {HEAD}); install the newer version, nothing was changed"
        )
    if found < HEAD:
        raise ConfigurationError(
            f"the database is older than this program ({found}, needs {HEAD}); "
            "make a backup and run 'newsletter migrate'"
        )


def upgrade(engine: Engine) -> None:
    """Bring the database to HEAD, in one transaction; two programs at once are harmless."""
    from alembic import command  # noqa: PLC0415  (0.7 s that no other command should pay)
    from alembic.config import Config  # noqa: PLC0415

    found = current(engine)
    if found is not None and found >= HEAD:
        check(engine)
        return
    config = Config()
    config.set_main_option("script_location", "newsletter:migrations")
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
