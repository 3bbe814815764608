"""What other systems write beside an address: subscribed, cleaned, bounced, opted out.

The words are those in the exports of Mailchimp, listmonk, Ghost, Substack, Google Groups,
Mailman, Postmark, SES, Mailgun and SendGrid. A word that is not known is never guessed at:
mailing somebody who left is worse than asking.
"""

from __future__ import annotations

import re
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
    LEFT = "yes when they left"
    DATE = "an instant when they left"


COLUMNS = {
    Kind.WORD: "status state memberstatus subscriberstatus subscriptionstatus subscribestatus "
    "contactstatus groupstatus emailstatus emailpreference liststatus globalstatus optinstatus "
    "emailpermissionstatus subscription",
    Kind.STAYS: "subscribed issubscribed subscribedtoemails subscribetoemails active isactive "
    "enabled confirmed optin optedin emailenabled",
    Kind.LEFT: "unsubscribed isunsubscribed emaildisabled optout optedout hasoptedoutofemail "
    "bounced hardbounced complained blocked blocklisted blacklisted suppressed deleted "
    "donotemail donotmail",
    Kind.DATE: "unsubscribedat unsubscribedate unsubscribetime unsubtime unsubscribedon cleantime "
    "cleanedat bouncedat complainedat deletedat removedat optouttime optoutdate optedoutat",
}
KIND_OF = {name: kind for kind, names in COLUMNS.items() for name in names.split()}

_STAYS = words(
    "subscribed subscriber active enabled confirmed member owner manager optedin optin normal ok "
    "valid eachemail allemail dailydigest digest abridged free paid comped on"
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
    "nonsubscriber transactional": "never confirmed",
}
_GONE_WORDS = {word: said for words, said in _GONE.items() for word in words.split()}
_YES = frozenset(("yes", "true", "1", "y", "t", "x", "ဟုတ်"))
_NO = frozenset(("no", "false", "0", "n", "f", "", "none", "null", "မဟုတ်"))

_REASONS = {
    "hardbounce hardbounced bounce bounced permanent permanentfailure undeliverable cleaned "
    "invalid badmailbox inactivemailbox hardfail": "hard_bounce",
    "complaint complained spam spamcomplaint spamreport markedasspam abuse feedbackloop": (
        "complaint"
    ),
    "manual manualsuppression unsubscribed unsubscribe unsub optedout optout blocklisted "
    "blacklisted blocked banned suppressed donotmail customer admin user": "manual",
    "erased erasure gdpr deleted forgotten": "erased",
}
_REASON_WORDS = {word: reason for words, reason in _REASONS.items() for word in words.split()}


def left(name: str, kind: Kind, value: str) -> str | None:
    """Why a row is left out by what its column says, or None when it may be taken.

    InputError for a word that is not known.
    """
    word = _plain(value)
    if kind is Kind.DATE:
        return None if word in _NO else f"the column '{name}' says when they left"
    if kind is Kind.WORD:
        return _by_word(name, word, value)
    yes = _yes(name, word, value)
    if yes is None or yes is (kind is Kind.STAYS):
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


def _yes(name: str, word: str, value: str) -> bool | None:
    if not word:
        return None
    if word in _YES or word in _STAYS:
        return True
    if word in _NO or word in _GONE_WORDS:
        return False
    raise _unknown(name, value, "yes or no")


def _unknown(name: str, value: str, wanted: str) -> InputError:
    return InputError(
        "",
        f"the column '{name}' says '{redact(value.strip())[:30]}', which is not known here; write "
        f"{wanted}, or do without the column: --column status=-",
    )


def _plain(value: str) -> str:
    return re.sub(r"[\s_.-]+", "", value).casefold()
