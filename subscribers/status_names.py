"""By its name: whether a column of somebody else's list may tell who left, and how.

Names that are known from other systems come first; then pieces of names, because a form or a
spreadsheet calls it as it likes: `Unsubscribed?`, `Accepts Email Marketing`, `စာရင်းမှထွက်`.
A column wrongly taken for one costs a look at the report; one overlooked mails who left.
"""

from __future__ import annotations

import re

from subscribers.statuses import KIND_OF, Kind

_LEFT = re.compile(
    r"unsub|optout|optedout|\bleft\b|\bleave|remov|donot|dontmail|nomail|bounced|complain|"
    r"abgemeldet|abmeld|d[eé]sabonn|d[eé]sinscri|\bbaja\b|ထွက်|ဖျက်သိမ်း"
)
_STAYS = re.compile(
    r"subscrib|optin|optedin|consent|accepts|permission|agreed|\bactive|wants|receive|marketing|"
    r"သဘောတူ|လက်ခံ"
)
_NEITHER = frozenset(("activesubscription",))
"""Substack's word for who pays."""
_MARKS = re.compile(r"[\s\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e။၊]+")
_WORD = re.compile(r"status|standing|အခြေအနေ")


def plain(name: str) -> str:
    """A column's name without what spreadsheets vary: case, blanks, every mark of ASCII."""
    return _MARKS.sub("", name.strip("\ufeff")).casefold()


def kind_of(name: str) -> tuple[Kind, bool] | None:
    """How the column tells who left, and whether its name is one that systems write.

    None for a name that says nothing of the kind.
    """
    whole, spaced = plain(name), re.sub(r"[\s_.-]+", " ", name).casefold()
    if whole in KIND_OF:
        return KIND_OF[whole], True
    if whole in _NEITHER:
        return None
    for pattern, kind in ((_WORD, Kind.WORD), (_LEFT, Kind.LEFT), (_STAYS, Kind.STAYS)):
        if pattern.search(spaced) or pattern.search(whole):
            return kind, kind is Kind.LEFT
    return None
