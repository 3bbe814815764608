"""What other systems write beside an address: subscribed, cleaned, bounced, opted out.

The words are those in the exports of Mailchimp, listmonk, Ghost, Substack, Google Groups,
Mailman, Postmark, SES, Mailgun and SendGrid. A word that is not known is never guessed at:
mailing somebody who left is worse than asking.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

from newsletter.core.errors import InputError
from newsletter.core.log import redact


def words(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


class Kind(Enum):
    """How a column tells that somebody left."""

    WORD = "a word for the standing"
    STAYS = "yes when they take part"
    LEFT = "anything but a no when they left"
    DATE = "an instant when they left"
    REMARK = "something else, where somebody may have noted that they left"


COLUMNS = {
    Kind.WORD: "status state memberstatus subscriberstatus subscriptionstatus subscribestatus "
    "contactstatus groupstatus emailstatus emailpreference liststatus globalstatus optinstatus "
    "emailpermissionstatus subscription",
    Kind.STAYS: "subscribed issubscribed subscribedtoemails subscribetoemails active isactive "
    "enabled confirmed optin optedin emailenabled",
    Kind.LEFT: "unsubscribed isunsubscribed emaildisabled optout optedout hasoptedoutofemail "
    "bounced hardbounced complained blocked blocklisted blacklisted suppressed deleted "
    "donotemail donotmail donotcontact removed",
    Kind.DATE: "unsubscribedat unsubscribedate unsubscribeddate unsubscribeat unsubscribetime "
    "unsubscribedtime unsubtime unsubdate unsubscribeon unsubscribedon cleantime "
    "cleanedat bouncedat complainedat deletedat removedat optouttime optoutdate optedoutat",
}
KIND_OF = {name: kind for kind, names in COLUMNS.items() for name in names.split()}
DOUBTFUL = frozenset(("state",))
"""Names that stand as often over something else: the state somebody lives in."""

_STAYS = words(
    "subscribed subscriber active enabled confirmed member owner manager optedin optin normal ok "
    "valid email eachemail allemail dailydigest digest abridged free paid comped on"
)
_GONE = {
    "unsubscribed unsub unsubscribe left optedout optout optedoutofemail noemail nomail": "left",
    "inactive disabled ended deleted removed archived expired off suspended": (
        "no longer takes part"
    ),
    "cleaned bounced bouncing bounce hardbounce hardbounced softbounce undeliverable invalid": (
        "bounced"
    ),
    "complained complaint spam spamcomplaint markedasspam abuse": "complained",
    "blocklisted blacklisted blocked banned suppressed donotmail donotemail": "is barred",
    "pending unconfirmed notconfirmed unactivated invited invitation waiting nonsubscribed "
    "nonsubscriber transactional neversubscribed notsubscribed": "never confirmed",
    "နုတ်ထွက် နှုတ်ထွက် နုတ်ထွက်ပြီး နှုတ်ထွက်ပြီး ထွက် ထွက်ပြီး": "left",
    "ရပ်နား ရပ်နားထား ရပ်ဆိုင်း ရပ်ဆိုင်းထား ပိတ်ထား": "no longer takes part",
}
_GONE_WORDS = {word: said for words, said in _GONE.items() for word in words.split()}
_YES = words("yes true 1 y t x ✓ ✔ ja oui ဟုတ် ဟုတ်ကဲ့")
_NO = words("no false 0 n f none null nil na nein non never မဟုတ် မဟုတ်ပါ") | {""}
_UNMISTAKABLE = words(
    "unsubscribed unsub optedout optout hardbounced cleaned complained donotmail donotemail "
    "donotcontact နုတ်ထွက် နှုတ်ထွက် နုတ်ထွက်ပြီး နှုတ်ထွက်ပြီး"
)

_REASONS = {
    "hardbounce hardbounced bounce bounced permanent permanentfailure undeliverable cleaned "
    "invalid badmailbox inactivemailbox hardfail": "hard_bounce",
    "complaint complained spam spamcomplaint spamreport markedasspam abuse feedbackloop": (
        "complaint"
    ),
    "unsubscribed unsubscribe unsub optedout optout optedoutofemail left": "unsubscribed",
    "manual manualsuppression blocklisted blacklisted blocked banned suppressed donotmail "
    "customer admin user": "manual",
    "erased erasure gdpr deleted forgotten": "erased",
}
_REASON_WORDS = {word: reason for words, reason in _REASONS.items() for word in words.split()}


def left(name: str, kind: Kind, value: str, *, sure: bool = True) -> str | None:
    """Why a row is left out by what its column says, or None when it may be taken.

    InputError for a word that is not known; passed over where it is not `sure` that the column
    tells the standing at all.
    """
    try:
        return _left(name, kind, value)
    except InputError:
        if sure:
            raise
        return None


def tells(values: Iterable[str]) -> bool:
    """Whether most of these cells are known words for a standing, or none says anything."""
    said = [word for word in map(_plain, values) if word]
    known = sum(word in _STAYS or word in _GONE_WORDS for word in said)
    return known * 2 > len(said) or not said


def _left(name: str, kind: Kind, value: str) -> str | None:
    word = _plain(value)
    if kind is Kind.REMARK and word not in _UNMISTAKABLE:
        return None
    if kind is Kind.DATE:
        nothing = word in _NO or not word.strip("0:/")  # MySQL writes never as 0000-00-00
        return None if nothing else f"the column '{name}' says when they left"
    if kind is Kind.WORD:
        return _by_word(name, word, value)
    if word in _NO if kind is Kind.LEFT else kind is Kind.STAYS and _stays(name, word, value):
        return None
    return f"the column '{name}' says '{redact(value.strip())[:30]}'"


def reason(value: str) -> str | None:
    """The reason of a suppression that a word of another system means; None for none of ours."""
    if re.match(r"\s*(?:smtp;\s*)?5\d\d\b|\s*5\.\d\.\d", value):
        return "hard_bounce"  # an answer of a server (RFC 5321 §4.2.1), as SendGrid writes them
    return _REASON_WORDS.get(_plain(value))


def _by_word(name: str, word: str, value: str) -> str | None:
    if not word or word in _STAYS:
        return None
    said = _GONE_WORDS.get(word)
    if said is None:
        raise _unknown(name, value, "subscribed or unsubscribed")
    return f"the column '{name}' says '{redact(value.strip())[:30]}': this reader {said} there"


def _stays(name: str, word: str, value: str) -> bool:
    if not word or word in _YES or word in _STAYS:
        return True
    if word in _NO or word in _GONE_WORDS:
        return False
    raise _unknown(name, value, "yes or no")


def _unknown(name: str, value: str, wanted: str) -> InputError:
    return InputError(
        "",
        f"the column '{name}' says '{redact(value.strip())[:30]}', which is not known here; write "
        f"{wanted}, or name the column that tells who left: --column status=NAME",
    )


def _plain(value: str) -> str:
    return re.sub(r"[\s_.-]+", "", value).casefold()
