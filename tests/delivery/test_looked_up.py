"""The planners of both databases use the partial indexes for what `status` asks of a million."""

from __future__ import annotations

import pytest
from sqlalchemy import ColumnElement, select

from newsletter.app import Services
from newsletter.core.db import reading
from newsletter.delivery.looked_up import IN_DOUBT, PUT_OFF, REFUSED
from newsletter.delivery.models import Delivery

_INDEXES = {
    "refused": (REFUSED, "ix_deliveries_trouble"),
    "in doubt": (IN_DOUBT, "ix_deliveries_trouble"),
    "put off": (PUT_OFF, "ix_deliveries_put_off"),
}


@pytest.mark.parametrize("name", _INDEXES)
def test_a_condition_is_in_the_words_of_its_index(any_services: Services, name: str) -> None:
    condition, index = _INDEXES[name]
    assert index in _plan(any_services, condition)


def _plan(services: Services, condition: ColumnElement[bool]) -> str:
    asked = select(Delivery.id).where(Delivery.issue_id == 1, condition)
    explain = "EXPLAIN QUERY PLAN" if services.engine.name == "sqlite" else "EXPLAIN"
    with reading(services.engine) as session:
        connection = session.connection()
        if services.engine.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # there are no rows yet
        compiled = asked.compile(services.engine)
        given = compiled.params
        values = tuple(given[key] for key in compiled.positiontup or ()) or given
        rows = connection.exec_driver_sql(f"{explain} {compiled}", values).all()
    return str(rows)
