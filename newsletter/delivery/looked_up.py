"""Conditions in the very words of the partial indexes of deliveries.

With a place for a value where the index has a word, SQLite walks over every row instead, and so
does PostgreSQL once it has prepared the statement.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, literal_column

from newsletter.delivery.models import Delivery
from newsletter.delivery.states import State


def _word(state: State) -> ColumnElement[str]:
    return literal_column(f"'{state.value}'")


_TROUBLE = Delivery.state.in_([_word(State.UNKNOWN), _word(State.REFUSED)])
REFUSED = _TROUBLE & (Delivery.state == _word(State.REFUSED))
"""By ix_deliveries_trouble."""
IN_DOUBT = _TROUBLE & (Delivery.state == _word(State.UNKNOWN))
"""By ix_deliveries_trouble."""
PUT_OFF = (Delivery.state == _word(State.PLANNED)) & Delivery.answer.is_not(None)
"""By ix_deliveries_put_off."""
