"""What is good to have and not needed to send: MTA-STS, TLS-RPT, BIMI."""

from __future__ import annotations

from newsletter.doctor.findings import Ask, Finding, Verdict

_OPTIONAL = {
    "MTA-STS": ("_mta-sts.{}", "v=STSv1", "mail to you cannot be read on its way (RFC 8461)"),
    "TLS-RPT": ("_smtp._tls.{}", "v=TLSRPTv1", "you hear of TLS that fails (RFC 8460)"),
    "BIMI": ("default._bimi.{}", "v=BIMI1", "some programs show your logo beside the mail"),
}


def judged(domain: str, ask: Ask) -> Finding:
    """Which of the optional records are there; never more than a hint."""
    answers = {name: ask(at.format(domain), "TXT") for name, (at, _, _) in _OPTIONAL.items()}
    there = [
        name
        for name, answer in answers.items()
        if any(value.startswith(_OPTIONAL[name][1]) for value in answer.values)
    ]
    lacking = [name for name, answer in answers.items() if name not in there and answer.void]
    found = f"{', '.join(there)} {'are' if len(there) > 1 else 'is'} there" if there else ""
    absent = f"no {', no '.join(lacking)}" if lacking else ""
    return Finding(
        f"optional records of {domain}",
        Verdict.GOOD,
        "; ".join(filter(None, (found, absent))) or "the DNS could not say",
        "; ".join(f"with {name} {_OPTIONAL[name][2]}" for name in lacking),
        "nothing of this is needed to send",
    )
