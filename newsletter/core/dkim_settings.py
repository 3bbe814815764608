"""Settings of the domain's own signature on each message (DKIM)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from newsletter.core.validation_words import wanted

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_LABELS = rf"^({_LABEL}(\.{_LABEL})*)?$"
_Domain = Annotated[
    str,
    Field(pattern=_LABELS, max_length=253),
    wanted("write the domain of the sender's address, such as news.example.org"),
]
_Selector = Annotated[
    str, Field(pattern=_LABELS, max_length=63), wanted("write a short name, such as weekly2026")
]


def _listed(value: object) -> object:
    """A list, or the same as one text with commas, which is all that a variable can hold."""
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


class Dkim(BaseModel):
    """In whose name messages are signed, and with which keys; empty: relays often sign."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    domain: _Domain
    selector: _Selector
    key_path: str
    second_selector: _Selector
    second_key_path: str
    left_out: Annotated[
        tuple[Literal["Date", "Message-ID", "Feedback-ID"], ...],
        BeforeValidator(_listed),
        wanted("write a list of Date, Message-ID and Feedback-ID"),
    ] = ()
    """Headers that a relay writes anew, so that signing them would break the signature."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        first = (self.domain, self.selector, self.key_path)
        second = (self.second_selector, self.second_key_path)
        if any(first) and not all(first):
            raise ValueError("set domain, selector and key_path, or none of them")
        if any(second) and not (all(second) and self.domain):
            raise ValueError("a second key needs second_selector, second_key_path and a first key")
        if self.domain and self.selector == self.second_selector:
            raise ValueError("the second key needs a selector of its own")
        return self

    def paths(self, home: Path) -> dict[str, Path]:
        """The files of the keys by their selectors; a relative path begins in the home."""
        given = ((self.selector, self.key_path), (self.second_selector, self.second_key_path))
        return {selector: home / path for selector, path in given if selector}
