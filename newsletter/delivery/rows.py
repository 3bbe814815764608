"""How many rows a statement changed: the answer to every fenced UPDATE of the ledger."""

from __future__ import annotations

from sqlalchemy import Insert, Update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session


def changed(session: Session, statement: Insert | Update) -> int:
    """Run the statement and count the rows it touched; objects in the session are not refreshed."""
    # Without preserve_rowcount psycopg's INSERT … SELECT counts -1.
    options = {"synchronize_session": False, "preserve_rowcount": True}
    result = session.execute(statement, execution_options=options)
    assert isinstance(result, CursorResult)  # noqa: S101
    return int(result.rowcount)
