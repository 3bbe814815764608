"""The account of one person as a page to read, print and hand over: one file, nothing fetched.

In each language the person reads, one part under the other. Clear words are asked for by GDPR
art. 12 §1, a copy of everything by art. 15 §3.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from newsletter.rendering.environment import Theme
from newsletter.rendering.finishing import keep_together
from newsletter.reports.person import Account

_HOLD = '<span class="nw">'


def page(theme: Theme, account: Account, now: datetime, languages: Sequence[str] = ()) -> str:
    """The page in the person's own languages, or in those given.

    Whoever has no subscription any more gets it in all that there are.
    """
    codes = list(languages) or languages_of(theme, account)
    parts = [
        (code, Markup(_part(theme, account, code, now, first=code == codes[0])))  # noqa: S704
        for code in codes
    ]
    native = {code: rules.native for code, rules in theme.languages.items()}
    whole = theme.page("web/person.html", codes[0], lang=codes[0], parts=parts, native=native)
    return keep_together(whole, _HOLD)


def languages_of(theme: Theme, account: Account) -> list[str]:
    """The languages of the person's editions, each once, in the order chosen."""
    read = [code for edition in account.editions for code in edition.split("+")]
    return [code for code in dict.fromkeys(read) if code in theme.languages] or [*theme.languages]


def _part(theme: Theme, account: Account, language: str, now: datetime, *, first: bool) -> str:
    native = {code: rules.native for code, rules in theme.languages.items()}
    return theme.page(
        "web/person_part.html",
        language,
        lang=language,
        account=account,
        now=now,
        native=native,
        first=first,
    )
