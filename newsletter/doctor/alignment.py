"""Whether a mail of ours passes DMARC: SPF or DKIM must speak for From's own organisation."""

from __future__ import annotations

from collections.abc import Sequence

from newsletter.doctor.dmarc_tree import aligned, walked
from newsletter.doctor.findings import Ask, Finding, Verdict
from newsletter.doctor.outgoing import Way
from newsletter.doctor.senders import Sender

_RULE = "From's domain agrees with that of SPF or of DKIM; Microsoft wants both"
_SOURCE = "RFC 9989 §4.10.2; Google 81126"


def judged(sender: Sender, ways: Sequence[Way], ask: Ask) -> Finding:
    """Whether the domains agree: that of the envelope, and that of our own DKIM keys, if any."""
    subject = f"alignment of {sender.domain}"
    step = walked(sender.domain, ask).policy
    record = step.record if step else None
    parts = {}
    if any(way.own_envelope for way in ways):
        strict = record.strict_spf if record else False
        parts["SPF"] = sender.envelope, aligned(sender.domain, sender.envelope, ask, strict=strict)
    if signed_by := sender.signing_domain:
        strict = record.strict_dkim if record else False
        parts["DKIM"] = signed_by, aligned(sender.domain, signed_by, ask, strict=strict)
    return _judged(subject, sender, parts)


def _judged(subject: str, sender: Sender, parts: dict[str, tuple[str, bool | None]]) -> Finding:
    agreeing = [name for name, (_, found) in parts.items() if found]
    if off := {name: domain for name, (domain, found) in parts.items() if found is False}:
        named = " and ".join(f"{name} speaks for {domain}" for name, domain in off.items())
        return Finding(
            subject,
            Verdict.WARNING if agreeing else Verdict.BAD,
            f"mail is from {sender.domain}, and {named}, which receivers do not count for it",
            _remedy(sender, off),
            _RULE,
            _SOURCE,
        )
    if not parts or any(found is None for _, found in parts.values()):
        text = (
            "whether the provider signs for your domain only its account tells"
            if not parts
            else "the DNS could not say which domains belong together"
        )
        remedy = "look there that your domain is verified, with DKIM" if not parts else ""
        return Finding(subject, Verdict.UNKNOWN, text, remedy, _RULE, _SOURCE)
    return Finding(
        subject,
        Verdict.GOOD,
        f"the domain of {' and that of '.join(agreeing)} belongs to it",
        "" if "DKIM" in parts else "whether the relay signs (DKIM) cannot be seen from here",
        _RULE,
        _SOURCE,
    )


def _remedy(sender: Sender, off: dict[str, str]) -> str:
    ways = []
    if "DKIM" in off:
        ways.append(f"set domain under [dkim] to {sender.domain}, with a key of its own")
    if "SPF" in off and sender.discreet:
        ways.append(f"use an address under {sender.domain} as discreet.bounce_address")
    elif "SPF" in off:
        ways.append(f"use an address under {sender.domain} as address under [bounces]")
    return "; ".join(ways)
