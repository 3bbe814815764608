"""What a sign-up form asks for, as far as it can be understood, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from newsletter.core import addresses
from newsletter.core.addresses import Address
from newsletter.core.errors import InputError
from newsletter.editorial import edition_codes
from newsletter.web.forms import Fields

_SHOWN = 320
"""Characters of what was typed that are shown again: no address is longer (RFC 5321 §4.5.3.1)."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An address and an edition; either is None when it cannot be understood."""

    typed: str
    """The address as it was written, fit to be shown again."""
    address: Address | None
    edition: str | None
    fault: str | None
    """Why the address is none: a code of `addresses.fault`."""
    discreet: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether there is something to act on."""
        return self.address is not None and self.edition is not None


def read(fields: Fields, languages: Sequence[str], *, offers_discreet: bool = False) -> Wish:
    """The wish in a form's fields `address`, `edition` and `discreet`, for a publication of these
    languages. What is not offered is not wished."""
    hidden = offers_discreet and fields.get("discreet") == "1"
    written = fields.get("address", "").strip()
    typed = "".join(filter(str.isprintable, written))[:_SHOWN]
    edition = _edition(fields.get("edition", ""), languages)
    try:
        return Wish(typed, addresses.parse(written), edition, None, hidden)
    except InputError:
        return Wish(typed, None, edition, addresses.fault(written) or "form", hidden)


def _edition(text: str, languages: Sequence[str]) -> str | None:
    """Nothing needs to be chosen where there is only one language."""
    if not text.strip() and len(languages) == 1:
        return languages[0]
    try:
        return edition_codes.parse(languages, text)
    except InputError:
        return None
