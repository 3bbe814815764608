"""The discreet edition's own domain: worth nothing when it is the ordinary one."""

from __future__ import annotations

from collections.abc import Sequence

from newsletter.doctor.dmarc_tree import aligned
from newsletter.doctor.findings import Ask, Finding, Verdict
from newsletter.doctor.senders import Sender

_RULE = "what is written on the envelope must not name the organisation"


def judged(senders: Sequence[Sender], ask: Ask) -> list[Finding]:
    """One finding for each discreet face, against all ordinary ones."""
    ordinary = {one.domain for one in senders if not one.discreet}
    return [_one(one, ordinary, ask) for one in senders if one.discreet]


def _one(sender: Sender, ordinary: set[str], ask: Ask) -> Finding:
    subject = f"discreet domain of {sender.publication}"
    same = [domain for domain in sorted(ordinary) if sender.domain == domain]
    kin = [d for d in sorted(ordinary) if aligned(sender.domain, d, ask, strict=False)]
    related = [d for d in sorted(ordinary) if f".{sender.domain}".endswith(f".{d}")]
    if same or kin or related:
        return Finding(
            subject,
            Verdict.BAD,
            f"it is sent from {sender.domain}, which belongs to {(same or kin or related)[0]}, the "
            "domain of the ordinary edition",
            "give it a domain of its own that names nobody, and an address there",
            _RULE,
        )
    text = f"{sender.domain} is a domain of its own"
    return Finding(subject, Verdict.GOOD, text, rule=_RULE)
