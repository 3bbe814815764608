"""Settings of notices: who hears when an issue needs somebody."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from newsletter.core import addresses
from newsletter.core.errors import InputError


def _parted(value: object) -> object:
    """A list, or the same as one text with commas, which is all that a variable can hold."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _address(text: str) -> str:
    try:
        return addresses.parse(text).text
    except InputError as err:
        raise ValueError(f"{err.message}; write one such as desk@example.org") from None


class Notices(BaseModel):
    """The editors to whom a notice is mailed; nobody when it is empty."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    to: Annotated[list[Annotated[str, AfterValidator(_address)]], BeforeValidator(_parted)] = []
