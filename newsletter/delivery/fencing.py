"""Who may move marks of an issue, and who may stop it: many together, or one alone.

On PostgreSQL a row that many share all the time is never free for who wants it alone, because
newcomers may share past the one that waits; advisory locks stand in one queue. On SQLite there is
one writer at a time anyway.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

_SPACE = 7_119
"""The first of an advisory lock's two numbers: issues being sent."""
_TOGETHER = text("SELECT pg_advisory_xact_lock_shared(:space, :issue)")
_ALONE = text("SELECT pg_advisory_xact_lock(:space, :issue)")


def together(session: Session, issue_id: int) -> None:
    """Before its status is read by whoever sends: nobody stops the issue until the commit.

    A statement of its own, so that the next one sees what was committed while this one waited.
    """
    _lock(session, _TOGETHER, issue_id)


def alone(session: Session, issue_id: int) -> None:
    """Before its status is changed: nobody moves a mark of it until the commit."""
    _lock(session, _ALONE, issue_id)


def _lock(session: Session, statement: object, issue_id: int) -> None:
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(statement, {"space": _SPACE, "issue": issue_id})  # type: ignore[call-overload]
