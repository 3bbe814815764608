"""Thousands of rows at a time, in and out, past the machinery that takes half of their time.

Only names of our own tables and columns stand in the SQL made here; values go in as parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import Dialect, Table, func, select, text
from sqlalchemy.orm import Session

VALUES = "(…)"
"""Where the values of `among` belong in its statement."""


def among(
    session: Session, statement: str, values: Sequence[object], *, lock: str = ""
) -> Sequence[tuple[Any, ...]]:
    """The rows of a SELECT that asks for `IN (…)`; `lock` is added where rows can be locked."""
    connection = session.connection()
    places = f"({', '.join([_mark(connection.dialect)] * len(values))})"
    locking = f" {lock}" if lock and connection.dialect.name != "sqlite" else ""
    sql = statement.replace(VALUES, places) + locking
    return [tuple(row) for row in connection.exec_driver_sql(sql, tuple(values))]


def spread(
    session: Session, statement: str, values: Sequence[bytes], *, lock: str = ""
) -> Sequence[tuple[Any, ...]]:
    """As `among`, and perhaps more rows, for values in the order of the column's index.

    Neighbours lie side by side there: one look from the least to the greatest is ten times
    faster than thousands of looks, unless very many others lie between them.
    """
    connection = session.connection()
    if not lock or connection.dialect.name == "sqlite":
        mark = _mark(connection.dialect)
        between = statement.replace(f"IN {VALUES}", f"BETWEEN {mark} AND {mark}")
        most = 4 * len(values) + 1
        ends = (min(values), max(values), most)
        found = [tuple(row) for row in connection.exec_driver_sql(f"{between} LIMIT {mark}", ends)]
        if len(found) < most:
            return found
    return among(session, statement, values, lock=lock)


def insert(
    session: Session,
    model: type,
    columns: Sequence[str],
    rows: Iterable[tuple[object, ...]],
    **same: object,
) -> None:
    """Put rows into a table; what is the `same` in all of them goes through its column's type.

    The values of `rows` go to the driver as they are: text, bytes, whole numbers.
    """
    table, connection = table_of(model), session.connection()
    dialect = connection.dialect
    fixed = tuple(_bound(table, name, value, dialect) for name, value in same.items())
    ready: list[tuple[object, ...]] = [(*row, *fixed) for row in rows]
    if ready:
        names = ", ".join((*columns, *same))
        places = ", ".join([_mark(dialect)] * len(ready[0]))
        sql = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608  (see above)
        connection.exec_driver_sql(sql, ready)


def reserve(session: Session, model: type, count: int) -> Sequence[int]:
    """So many ids that nobody else will use."""
    table = table_of(model)
    if session.get_bind().dialect.name == "sqlite":  # nobody else writes in this transaction
        highest = session.scalar(select(func.max(table.c.id))) or 0
        return range(highest + 1, highest + 1 + count)
    wanted = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :n)")
    return [int(n) for n in session.scalars(wanted, {"name": table.name, "n": count})]


def table_of(model: type) -> Table:
    """The table of a model."""
    return cast("Table", model.__table__)  # type: ignore[attr-defined]


def _mark(dialect: Dialect) -> str:
    return "?" if dialect.paramstyle == "qmark" else "%s"


def _bound(table: Table, column: str, value: object, dialect: Dialect) -> object:
    process = table.c[column].type.dialect_impl(dialect).bind_processor(dialect)
    return process(value) if process else value
