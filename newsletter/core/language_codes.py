"""Codes of languages as in BCP 47 (RFC 5646): `en`, `my`, `shn`, `pt-BR`, `zh-Hant`."""

from __future__ import annotations

import re

_CODE = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?", re.IGNORECASE)


def canonical(text: str) -> str:
    """The code in the usual case (RFC 5646 §2.1.1), from `PT-br`, `pt_BR` or `pt-BR`.

    A language, then perhaps its script, then perhaps a region; nothing longer. Raises
    ValueError with a sentence for anything else.
    """
    found = _CODE.fullmatch(text.strip().replace("_", "-"))
    if found is None:
        raise ValueError(f"'{text}' is no code of a language; write it as en, shn or pt-BR")
    language, script, region = found.groups("")
    parts = (language.lower(), script.title(), region.upper())
    return "-".join(part for part in parts if part)
