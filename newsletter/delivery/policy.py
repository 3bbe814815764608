"""What a bounce says of a reader: the table of judgement. Pure.

The enhanced status code (RFC 3463) outweighs everything: reports say `Action: failed` of what
is only full for now. Without one that tells, the words of the other server are read, and only
then is its provider believed. What is about us (5.7.x: who we are, what we write) is never held
against the reader.
"""

from __future__ import annotations

import re
from enum import StrEnum

from newsletter.providers.events import Kind


class Verdict(StrEnum):
    """What an event is judged to be."""

    HARD = "hard"
    """The mailbox does not exist: never mailed again."""
    SOFT = "soft"
    """Full, slow or out of order: remembered, see `remembering`."""
    NO_HOST = "no_host"
    """Its domain has no server: hard when the next issue meets the same."""
    OURS = "ours"
    """Our network, sender or content; the reader is not to blame."""
    EAI = "eai"
    """The address needs a way that speaks SMTPUTF8 (RFC 6531); the mailbox may be well."""
    COMPLAINT = "complaint"
    NONE = "none"
    """Nothing follows for the reader."""


PERMANENT, TEMPORARY = "permanent", "temporary"
"""Stand where a status code would, when the other side gave its own view and no code."""

_HARD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
_SENDER = frozenset({"5.1.7", "5.1.8"})
_VAGUE = re.compile(r"[45]\.(?:0\.0|1\.0|5\.0)")
"""Codes that say no more than the class: Exim writes 5.0.0 under each of its reports."""
_STATUS = re.compile(r"(?<![\d.])([245]\.[0-7]\.\d{1,3})(?![\d.]*\d)")
"""Subjects go to 7 (RFC 3463 §3), so that no "Exim 4.94.2" in a text is taken for a code."""
_SMTP = re.compile(r"(?<![\d.])([45]\d\d)(?=[ -]|$)")

_OUR_WORDS = re.compile(
    r"\bspam|unsolicited|\bblack ?-?list|\bblock ?-?list|\bblocked\b|\bRBL\b|\bDNSBL\b|spamhaus"
    r"|barracuda|reputation|\bSPF\b|\bDKIM\b|\bDMARC\b|\bPTR\b|reverse dns|policy (?:reason|viol)"
    r"|content (?:reject|block|filter)|message (?:content )?rejected|virus|unusual rate|TSS\d\d"
    r"|\bsender (?:address|domain|verif|reject)|rate.?limit|not authenticated"
    r"|relay(?:ing)? (?:access )?(?:denied|not)|access denied",
    re.IGNORECASE,
)
_HARD_WORDS = re.compile(
    r"(?:user|recipient|mailbox|address|account|addressee)[^.;]{0,40}?(?:unknown|not found"
    r"|does(?:n'?t| not) exist|not exist|no longer (?:valid|exists|available|in use)"
    r"|(?:is|been|was) (?:disabled|deactivated|closed|deleted|terminated|discontinued))"
    r"|(?:unknown|no such|invalid|non-?existent|unrouteable|unroutable) (?:local )?"
    r"(?:user|recipient|mailbox|address|account|person|addressee)"
    r"|no mailbox (?:here|by that name)|not a valid (?:user|recipient|mailbox|address)"
    r"|\bnot our customer\b|\buser doesn'?t have\b",
    re.IGNORECASE,
)
_YAHOO = re.compile(r"\b554\b.*\bdd\b.*\baccount\b", re.IGNORECASE | re.DOTALL)
_FULL_WORDS = re.compile(
    r"quota|mailbox (?:is )?full|full mailbox|over ?quota|storage|too many messages", re.IGNORECASE
)
_RATE_STATUS = range(23, 33)
"""Gmail's x.7.23 … x.7.32: what bulk senders must have (its list of SMTP errors)."""


def judge(kind: Kind | str, status: str, answer: str) -> Verdict:
    """What an event of this kind means; `status` as `stated` made it, `answer` as it was kept."""
    if kind == Kind.COMPLAINED:
        return Verdict.COMPLAINT
    return bounce(status, answer) if kind == Kind.BOUNCED else Verdict.NONE


def stated(status: str, answer: str, permanent: bool | None) -> str:
    """What is kept of how a bounce was classed: the code that tells most, else the plain view.

    At most 16 characters: a status code, `permanent`, `temporary` or nothing.
    """
    given = _STATUS.fullmatch(status.strip())
    if given and not _VAGUE.fullmatch(given[1]):
        return given[1]
    found = _told(answer)
    if found:
        return found
    if given and (permanent is None or given[1].startswith("4") is permanent):
        return given[1]  # the code outweighs the provider's own view
    view = {True: PERMANENT, False: TEMPORARY, None: ""}
    return view[permanent]


def answered(answer: str) -> Verdict:
    """What a server's refusal in the dialogue means ("550 5.1.1 User unknown")."""
    return bounce("", answer)


def bounce(status: str, answer: str) -> Verdict:
    """The table: by a code that tells, then by words, then by the class of the code."""
    code = status if _tells(status) else _told(answer)
    if code:
        return _by_status(code, answer)
    by_words = _by_words(answer)
    if by_words is not None and not status.startswith("4") and status != TEMPORARY:
        return by_words
    if status.startswith("2"):
        return Verdict.NONE
    return Verdict.HARD if status == PERMANENT else Verdict.SOFT


def _tells(status: str) -> bool:
    return bool(_STATUS.fullmatch(status)) and not _VAGUE.fullmatch(status)


def _told(answer: str) -> str:
    """The first code in a text that says more than its class."""
    codes = (code for code in _STATUS.findall(answer) if not code.startswith("2"))
    return next((code for code in codes if not _VAGUE.fullmatch(code)), "")


def _by_status(code: str, answer: str) -> Verdict:
    if code in _HARD:
        return Verdict.HARD
    if code == "5.4.4":
        return Verdict.NO_HOST
    if code == "5.6.7":
        return Verdict.EAI
    if code.startswith("2"):
        return Verdict.NONE
    return Verdict.OURS if _is_ours(code, answer) else Verdict.SOFT


def _is_ours(code: str, answer: str) -> bool:
    """x.7.x is policy (RFC 3463 §3.8), but 4.7.1 is mostly greylisting; 5.6.x is the content."""
    if code in _SENDER or code.startswith(("5.7.", "5.6.")):
        return True
    if not code.startswith("4.7."):
        return False
    detail = int(code.rpartition(".")[2])
    microsoft = detail >= 500
    return detail in _RATE_STATUS or microsoft or bool(_OUR_WORDS.search(answer))


def _by_words(answer: str) -> Verdict | None:
    if _YAHOO.search(answer):
        return Verdict.HARD
    if _OUR_WORDS.search(answer):
        return Verdict.OURS
    if "smtputf8" in answer.lower():
        return Verdict.EAI
    smtp = _SMTP.search(answer)
    if _FULL_WORDS.search(answer) or (smtp and smtp[1].startswith("4")):
        return Verdict.SOFT
    return Verdict.HARD if _HARD_WORDS.search(answer) else None
