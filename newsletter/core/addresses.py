"""E-mail addresses: checked, normalised, masked. No address ever reaches a log.

`email-validator` accepts a few strings that turn into something else on the wire, such as an
encoded-word as local part; our own rule refuses them (RFC 2047 §5 forbids them in addresses).
Our form: the domain in lower case and as ASCII (IDNA 2008, UTS 46), the local part as given
(RFC 5321 §2.4: only the receiving host may fold its case); for looking up, all in lower case,
because no provider of our readers tells `A@` from `a@` and a person must not get two mails.

Plain addresses, nearly all of any list, are judged by one expression, a hundred times faster
than by the library; what it takes the library takes too, with the same result.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from newsletter.core.errors import InputError
from newsletter.core.log import redact

FAULTS = ("empty", "no_at", "characters", "domain", "too_long", "form")
"""Why a text is no address, for pages that say it in the reader's language."""

_LOCAL_OCTETS, _OCTETS, _LABEL_OCTETS = 64, 254, 63
"""RFC 5321 §4.5.3.1.1, RFC 3696 erratum 1690, RFC 1035 §2.3.1."""

_PLAIN = re.compile(
    r"([A-Za-z0-9_+'-]+(?:\.[A-Za-z0-9_+'-]+)*)"
    r"@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+([A-Za-z]{2,63}))"
)
_SPECIAL = {"arpa", "invalid", "local", "localhost", "onion", "test", "example"}
_RFC_2142 = """
info marketing sales support abuse noc security postmaster hostmaster usenet news webmaster www
uucp ftp
"""
_FOLDED = frozenset(_RFC_2142.split())
"""Mailboxes whose case means nothing, which the library writes small."""

_DANGEROUS = re.compile(
    r"=\?|[\x00-\x1f\x7f]|"
    # What no eye sees (Default_Ignorable_Code_Point of Unicode) and is no control by its category.
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_FORMULA = re.compile(r"^[=+\-@|].*[|=(]")


@dataclass(frozen=True, slots=True)
class Address:
    """An address fit for an envelope."""

    text: str
    """As it goes into `RCPT TO` and `To:`: local part as given, domain in ASCII."""

    @property
    def lookup(self) -> str:
        """The form under which the same mailbox is found again."""
        return self.text.lower()

    @property
    def domain(self) -> str:
        """The receiving domain, ASCII, lower case."""
        return self.text.rpartition("@")[2]

    @property
    def needs_smtputf8(self) -> bool:
        """True when the local part is not ASCII and only RFC 6531 servers can take it."""
        return not self.text.isascii()


def parse(text: str, field: str = "address") -> Address:
    """The address in a piece of text; InputError says in one sentence why it is none."""
    found = plain(text) or _judge(text)
    if isinstance(found, str):
        return Address(found)
    raise InputError(field, found[1])


def fault(text: str) -> str | None:
    """Why a text is no address, as one of FAULTS, or None when it is one; as `parse` judges."""
    found = plain(text) or _judge(text)
    return None if isinstance(found, str) else found[0]


def plain(text: str) -> str | None:
    """The normal form of a plain ASCII address, or None when only the slow way can tell.

    For lists of a million rows; `parse` and this never say different things.
    """
    stripped = text.strip()
    match = _PLAIN.fullmatch(stripped) if len(stripped) <= _OCTETS else None
    if match is None:
        return None
    local, domain, top = match.groups()
    if len(local) > _LOCAL_OCTETS or "--" in domain or top.lower() in _SPECIAL:
        return None
    if local.lower() in _FOLDED:
        local = local.lower()
    return f"{local}@{domain.lower()}"


def _judge(text: str) -> str | tuple[str, str]:
    """The normal form, or why there is none: a code of FAULTS and a sentence."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  (slow to load)

    stripped = text.strip()
    wrong = _beyond(stripped)
    if wrong:
        return wrong
    try:
        found = validate_email(
            stripped,
            strict=True,
            check_deliverability=False,
            allow_domain_literal=False,
            test_environment=True,
        )
    except EmailNotValidError as err:
        return _code(stripped), f"this is no mail address: {_reason(stripped, str(err))}"
    address = f"{found.local_part}@{found.ascii_domain.lower()}"
    return _over(address) or address


def _beyond(stripped: str) -> tuple[str, str] | None:
    """What the library would let pass, or would say in words that help nobody."""
    if not stripped:
        return "empty", "no address is given; write one such as reader@example.org"
    if _DANGEROUS.search(stripped) or _FORMULA.match(stripped) or _unseen(stripped):
        return "characters", "the address holds characters that no mail address may hold"
    local, at, _ = stripped.rpartition("@")
    if at and local != unicodedata.normalize("NFKC", local) and not _canonical(local):
        return (
            "characters",
            "this is no mail address: letters of another width or shape stand in it; write it "
            "in plain letters",
        )
    if stripped.startswith(("mailto:", "MAILTO:")):
        return "form", "this is no mail address: leave out 'mailto:'"
    return None


def _unseen(text: str) -> bool:
    """Controls, bidi marks, spaces of any width but the plain one, unassigned and private."""
    return not text.isascii() and any(unicodedata.category(c)[0] in "CZ" and c != " " for c in text)


def _canonical(local: str) -> bool:
    """Whether only marks in another order make the difference, which we mend (RFC 6532 §3.1)."""
    mended = unicodedata.normalize("NFC", local)
    return unicodedata.normalize("NFKC", mended) == mended


def _over(address: str) -> tuple[str, str] | None:
    """The limits count octets, not letters: a Burmese one takes three (RFC 6531 §3.3)."""
    local = len(address.rpartition("@")[0].encode())
    if local > _LOCAL_OCTETS:
        return "too_long", (
            f"this is no mail address: the part before the @-sign takes {local} bytes, and there "
            f"is room for {_LOCAL_OCTETS}"
        )
    if len(address.encode()) > _OCTETS:
        return "too_long", f"this is no mail address: it is longer than {_OCTETS} bytes"
    return None


def _code(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not at:
        return "no_at"
    if set(text) & {"<", ">"} or '"' in local or "@" in local or not local:
        return "form"
    labels = domain.split(".")
    if (
        len(local) > _LOCAL_OCTETS
        or len(text) > _OCTETS
        or any(len(one) > _LABEL_OCTETS for one in labels)
    ):
        return "too_long"
    if isinstance(plain(f"a@{domain}") or _judge_domain(domain), str):
        return "form" if _dots(local) else "characters"
    return "domain"


def _judge_domain(domain: str) -> str | None:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        found = validate_email(f"a@{domain}", check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return found.ascii_domain


def _dots(local: str) -> bool:
    return local.startswith(".") or local.endswith(".") or ".." in local


def _reason(text: str, said: str) -> str:
    if "＠" in text and "@" not in text:
        return "its @-sign is a wide one (＠); write a plain @"
    if text.count("@") != 1:
        return "it needs one @-sign"
    if "<" in text or ">" in text:
        return "write it alone, without a name and angle brackets"
    reason = re.sub(r"\((Codepoint U\+[0-9A-F]+).*\)", r"(\1)", redact(said)).rstrip(".")
    return reason[:1].lower() + reason[1:]


def mask(address: Address) -> str:
    """Enough for the owner to know it and for nobody else: r***@e***."""
    local, _, domain = address.text.rpartition("@")
    return f"{local[:1]}***@{domain[:1]}***"
