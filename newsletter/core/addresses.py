"""E-mail addresses: checked, normalised, masked. No address ever reaches a log.

`email-validator` accepts a few strings that turn into something else on the wire, such as an
encoded-word as local part; our own rule refuses them (RFC 2047 §5 forbids them in addresses).
Our form: the domain in lower case and as ASCII (IDNA 2008, UTS 46), the local part as given
(RFC 5321 §2.4: only the receiving host may fold its case); for looking up, all in lower case,
because no provider of our readers tells `A@` from `a@` and a person must not get two mails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from newsletter.core.errors import InputError
from newsletter.core.log import redact

_DANGEROUS = re.compile(r"=\?|[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\ufeff]")
_LOCAL = re.compile(r"^[=+\-@|].*[|=(]")


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
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  (slow to load)

    stripped = text.strip()
    if not stripped:
        raise InputError(field, "no address is given; write one such as reader@example.org")
    if _DANGEROUS.search(stripped) or _LOCAL.match(stripped):
        raise InputError(field, "the address holds characters that no mail address may hold")
    try:
        found = validate_email(
            stripped,
            strict=True,  # a local part of at most 64 octets (RFC 5321 §4.5.3.1.1)
            check_deliverability=False,
            allow_domain_literal=False,
            test_environment=True,
        )
    except EmailNotValidError as err:
        reason = _reason(stripped, str(err))
        raise InputError(field, f"this is no mail address: {reason}") from err
    domain = found.ascii_domain.lower()
    return Address(f"{found.local_part}@{domain}")


def _reason(text: str, said: str) -> str:
    if text.count("@") != 1:
        return "it needs one @-sign"
    reason = redact(said).rstrip(".")
    return reason[:1].lower() + reason[1:]


def mask(address: Address) -> str:
    """Enough for the owner to know it and for nobody else: r***@e***."""
    local, _, domain = address.text.rpartition("@")
    return f"{local[:1]}***@{domain[:1]}***"
