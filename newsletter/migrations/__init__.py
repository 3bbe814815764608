"""The database's history: Alembic revisions, applied by `newsletter migrate`.

Owns: every change of the tables. Refuses: data of its own. Doors: upgrade, check, require_same.
"""

from __future__ import annotations

from sqlalchemy import Engine, inspect, text
from sqlalchemy.orm import Session

from newsletter.core.errors import ConfigurationError

HEAD = "0007"
"""The newest revision this program knows; a test holds it against the files."""
MOVING, MOVED = "moving", "moved"
"""In the place of the revision: a database that `newsletter move` is still filling, and one whose
newsletter lies elsewhere now. Neither may be used."""

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
    if found != HEAD:
        raise ConfigurationError(_other(found))


def require_same(session: Session) -> None:
    """`OtherVersion` when the database is no longer the one this program began with.

    For whoever runs long, each time before work is taken: an older program must not write into
    tables that a newer one has changed beneath it. One row is read, and no lock is taken.
    """
    found = session.scalar(text("SELECT version_num FROM alembic_version"))
    if found != HEAD:
        raise OtherVersion(_changed(str(found)))


class OtherVersion(ConfigurationError):
    """The database was brought to another version while this program ran."""


def _other(found: str) -> str:
    if found in _MOVES:
        return _MOVES[found]
    if found > HEAD:
        return (
            f"the database was made by a newer version of this program (it stands at {found}, "
            f"this program knows {HEAD}); install the newer version, nothing was changed"
        )
    return (
        f"the database is older than this program ({found}, needs {HEAD}); "
        "make a backup and run 'newsletter migrate'"
    )


def _changed(found: str) -> str:
    if found in _MOVES:
        return _MOVES[found]
    return (
        f"the database was brought to another version ({found}) while this program, which knows "
        f"{HEAD}, was running; it has stopped here: install the version of the database and start "
        "it again"
    )


_MOVES = {
    MOVING: (
        "a 'newsletter move' into this database was begun and did not end; run it again in the "
        "first home, which is in force as before unless it says otherwise"
    ),
    MOVED: (
        "this newsletter was moved to another database, and nothing may go out from here any "
        "more; name that one as url under [database] in newsletter.toml (if the move was "
        "interrupted, run 'newsletter move' again with the same target)"
    ),
}


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
