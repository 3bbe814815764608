"""The colours and fonts of a publication, as an editor writes them. Shapes and rules only."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from newsletter.rendering.look import require_readable


class Theme(BaseModel):
    """Where its mails differ from the house's look; whatever is empty is derived or the house's.

    A colour is written `#0b4f6c`. `dark_…` is for readers whose screen is dark and follows from
    the colour of the day when it is not given. Fonts: sans, serif, system, verdana.
    InputError names the pair of colours that cannot be read, and one that could.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    accent: str = ""
    """Headings of categories, the stripe over the masthead and, without `link`, links."""
    link: str = ""
    masthead: str = ""
    masthead_text: str = ""
    text: str = ""
    background: str = ""
    """Around the white card on which everything is written."""
    dark_accent: str = ""
    dark_link: str = ""
    dark_masthead: str = ""
    dark_masthead_text: str = ""
    dark_text: str = ""
    dark_background: str = ""
    font: str = ""
    heading_font: str = ""

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        require_readable(self.chosen())
        return self

    def chosen(self) -> dict[str, str]:
        """What is set, as the publication's row keeps it."""
        return {key: value for key, value in self.model_dump().items() if value}
