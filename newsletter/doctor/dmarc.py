"""DMARC judged (RFC 9989, 9990): is there a policy, can it be read, and do our mails pass it."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.doctor.dmarc_record import DmarcRecord, is_dmarc
from newsletter.doctor.dmarc_tree import Step, Walk, aligned, walked
from newsletter.doctor.findings import Ask, Finding, Record, State, Verdict

_WANTED = "Gmail, Yahoo and Microsoft want at least p=none of whoever sends in bulk"


def judged(domain: str, ask: Ask) -> list[Finding]:
    """All there is to say of the policy that holds for a From domain."""
    subject = f"DMARC of {domain}"
    walk = walked(domain, ask)
    if walk.unknown:
        return [Finding(subject, Verdict.UNKNOWN, walk.unknown, "look again later")]
    doubled = [step for step in walk.steps if step.several > 1]
    if doubled:
        return [_doubled(subject, one) for one in doubled]
    step = walk.policy
    if step is None or step.record is None:
        return [
            Finding(
                subject,
                Verdict.BAD,
                f"neither _dmarc.{domain} nor a name above it says what to do with forgeries",
                "set the record below; on the domain above it holds for this one too",
                _WANTED,
                "RFC 9989 §4.10; Google 81126",
            )
        ]
    return [
        *_written(subject, step.record),
        _policy(subject, walk, step, step.record),
        *_reports(step.domain, step.record, ask),
    ]


def _doubled(subject: str, step: Step) -> Finding:
    return Finding(
        subject,
        Verdict.BAD,
        f"_dmarc.{step.domain} has {step.several} records, and receivers then believe none",
        "leave one of them",
        "there must be exactly one record",
        "RFC 9989 §4.10",
    )


def _written(subject: str, record: DmarcRecord) -> Iterator[Finding]:
    for fault in record.faults:
        yield Finding(
            subject,
            Verdict.BAD if fault.startswith("'p=") else Verdict.WARNING,
            fault,
            "mend it as below",
            "tags have the values that the standard names",
            "RFC 9989 §4.7",
        )
    if record.gone:
        named = ", ".join(f"{name}=" for name in record.gone)
        instead = "; for a test write t=y instead of pct=" if "pct" in record.gone else ""
        yield Finding(
            subject,
            Verdict.WARNING,
            f"it holds {named}, which receivers pass over since May 2026",
            f"take it out{instead}",
            "pct, rf and ri are removed",
            "RFC 9989 §4.7",
        )
    if record.unknown:
        named = ", ".join(f"{name}=" for name in record.unknown)
        text = f"it holds {named}, which no receiver knows"
        yield Finding(subject, Verdict.WARNING, text, "take it out", source="RFC 9989 §4.7")


def _policy(subject: str, walk: Walk, step: Step, record: DmarcRecord) -> Finding:
    own = step.domain == walk.domain
    policy = record.policy if own else record.subdomains or record.policy
    at = "" if own else f", by {step.domain} above it"
    tested = ", as a test (t=y), so receivers go one step lower" if record.testing else ""
    better = {
        "none": "once the reports show only your own mail, say p=quarantine, so that forgeries of "
        "your name are put away",
    }
    return Finding(
        subject,
        Verdict.GOOD,
        f"the policy is {policy}{at}{tested}",
        better.get(policy, ""),
        _WANTED,
        "RFC 9989 §4.7; Google 81126",
    )


def _reports(owner: str, record: DmarcRecord, ask: Ask) -> Iterator[Finding]:
    if not record.reports:
        yield Finding(
            f"reports on {owner}",
            Verdict.GOOD,
            "nobody asks for reports (no rua=)",
            "rua=mailto:… lets receivers tell you daily what was sent in your name",
            source="RFC 9990 §3",
        )
    for domain in dict.fromkeys(domain for _, domain in record.reports):
        yield _report(owner, domain, ask)


def _report(owner: str, domain: str, ask: Ask) -> Finding:
    """Whether another domain agrees to take the reports on this one (RFC 9990 §4)."""
    subject = f"reports on {owner}"
    text = f"they go to {domain}"
    if (same := aligned(owner, domain, ask, strict=False)) is not False:
        verdict = Verdict.UNKNOWN if same is None else Verdict.GOOD
        return Finding(subject, verdict, text, source="RFC 9990 §4")
    name = f"{owner}._report._dmarc.{domain}"
    answer = ask(name, "TXT")
    if answer.failed:
        return Finding(subject, Verdict.UNKNOWN, f"{text}; {name}: {answer.why}")
    if any(is_dmarc(value) for value in answer.values):
        return Finding(subject, Verdict.GOOD, f"{text}, which agrees", source="RFC 9990 §4")
    return Finding(
        subject,
        Verdict.WARNING,
        f"{text}, which does not say that it wants them, so none are sent",
        f'whoever runs {domain} sets the TXT record {name} to "v=DMARC1"',
        "who gets reports on others must agree",
        "RFC 9990 §4",
    )


def record_for(domain: str, rua: str, ask: Ask) -> Record:
    """The record as it should be: the one in force without what is wrong, or a first one."""
    walk = walked(domain, ask)
    why = "what receivers do with forgeries of this name (DMARC)"
    step = walk.policy
    if step is None or step.record is None:
        name, there = f"_dmarc.{domain}", ask(f"_dmarc.{domain}", "TXT")
        state = State.UNKNOWN if walk.unknown else State.TO_SET
        if any(one.several > 1 for one in walk.steps):
            state = State.TO_CHANGE
        return Record(name, "TXT", _first(rua), why, state, there.values)
    name = f"_dmarc.{step.domain}"
    if not (step.record.faults or step.record.gone or step.record.unknown):
        return Record(name, "TXT", step.text, why, State.RIGHT, (step.text,))
    return Record(name, "TXT", mended(step.record), why, State.TO_CHANGE, (step.text,))


def _first(rua: str) -> str:
    return f"v=DMARC1; p=none; rua=mailto:{rua}" if rua else "v=DMARC1; p=none"


def mended(record: DmarcRecord) -> str:
    """The record written anew from what in it is right."""
    parts = ["v=DMARC1", f"p={record.policy}"]
    parts += [f"sp={record.subdomains}"] if record.subdomains else []
    parts += [f"np={record.missing}"] if record.missing else []
    parts += ["adkim=s"] if record.strict_dkim else []
    parts += ["aspf=s"] if record.strict_spf else []
    parts += [f"psd={record.psd}"] if record.psd != "u" else []
    parts += ["t=y"] if record.testing else []
    addresses = ",".join(f"mailto:{address}" for address, _ in record.reports)
    parts += [f"rua={addresses}"] if addresses else []
    return "; ".join(parts)
