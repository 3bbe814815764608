"""What a stored picture is called, and what is known of it without opening it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAME = re.compile(r"[0-9a-f]{32}\.(?:jpg|png)")


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture that is kept, named by the hash of its bytes; sizes in pixels."""

    name: str
    width: int
    height: int


def name_of(content: bytes, suffix: str) -> str:
    """The name of a picture: its bytes decide it, so that approving the name freezes them."""
    return f"{hashlib.sha256(content).hexdigest()[:32]}.{suffix}"


def is_stored_name(name: str) -> bool:
    """Is this the name of a stored picture (never a path)?"""
    return _NAME.fullmatch(name) is not None


def media_type(name: str) -> str:
    """`image/png` or `image/jpeg`, by the name of a stored picture."""
    return "image/png" if name.endswith(".png") else "image/jpeg"


def is_decorative(alts: Mapping[str, str]) -> bool:
    """An editor said that the picture tells nothing: an empty text in every language.

    A text in one language and none in another is a translation that is missing, and no text at
    all is a choice that nobody made.
    """
    return bool(alts) and not any(alts.values())


def decorative(languages: list[str]) -> dict[str, str]:
    """The texts of a picture of which an editor said so."""
    return dict.fromkeys(languages, "")


def lacking_words(alts: Mapping[str, str], languages: list[str]) -> list[str]:
    """The languages in which a picture still needs words for readers who do not see it."""
    if is_decorative(alts):
        return []
    return [language for language in languages if not alts.get(language)]
