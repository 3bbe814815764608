"""What the functions of this room must be told of a language; the settings fit this shape."""

from __future__ import annotations

from typing import Protocol


class Rules(Protocol):
    """The facts of one language; `core.settings.Language` explains each of them."""

    @property
    def digits(self) -> str:
        """`latn` or `mymr`."""

    @property
    def date(self) -> str:
        """The pattern of a long date, with {day}, {month} and {year}."""

    @property
    def day_of_week(self) -> str:
        """The pattern of a date with its {weekday}, around that {date}."""

    @property
    def list_separator(self) -> str:
        """Between all names of a list but the last two."""

    @property
    def list_last(self) -> str:
        """Between the last two."""

    @property
    def reading_unit(self) -> str:
        """`words` or `syllables`."""

    @property
    def reading_per_minute(self) -> int:
        """So many of the unit a minute."""
