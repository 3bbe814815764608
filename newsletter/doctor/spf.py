"""SPF judged: is it there once, can it be read, does it name who sends for us (RFC 7208)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from newsletter.core.dns import Answer
from newsletter.doctor import spf_record
from newsletter.doctor.findings import Ask, Finding, Record, State, Verdict
from newsletter.doctor.outgoing import Way
from newsletter.doctor.spf_evaluating import MOST_LOOKUPS, MOST_VOIDS, Outcome, evaluated
from newsletter.doctor.spf_macros import Question
from newsletter.doctor.spf_record import SpfRecord
from newsletter.doctor.spf_survey import Survey, surveyed

PLACEHOLDER = "ip4:THE-PUBLIC-ADDRESS-OF-YOUR-MAIL-SERVER"
_SENDERS = "Gmail, Yahoo and Microsoft want SPF and DKIM of whoever sends in bulk"


def judged(domain: str, ways: Sequence[Way], ask: Ask) -> list[Finding]:
    """All there is to say of the SPF of an envelope's domain."""
    answer = ask(domain, "TXT")
    subject = f"SPF of {domain}"
    if answer.failed:
        return [_unknown(subject, answer.why)]
    texts = spf_record.records(answer.values)
    if len(texts) != 1:
        return [_not_one(subject, texts)]
    record = spf_record.parse(texts[0])
    if record.faults:
        return [
            Finding(
                subject,
                Verdict.BAD,
                f"the record cannot be read: {'; '.join(record.faults)}",
                "mend it as below; until then receivers take it for none",
                "one wrong letter makes the whole record void",
                "RFC 7208 §4.6",
            )
        ]
    survey = surveyed(domain, record, ask)
    found = [*_counted(subject, survey), _ending(subject, record), *_odd(subject, record)]
    if not any(one.verdict is Verdict.BAD for one in found):
        found += [_covering(domain, way, survey, ask) for way in ways if way.own_envelope]
    return found


def _unknown(subject: str, why: str) -> Finding:
    return Finding(subject, Verdict.UNKNOWN, why, "look again later", source="RFC 7208 §4.4")


def _not_one(subject: str, texts: Sequence[str]) -> Finding:
    if not texts:
        return Finding(
            subject,
            Verdict.BAD,
            "there is no SPF record, so nobody can tell who may send for this domain",
            "set the record below",
            _SENDERS,
            "RFC 7208 §3; Google 81126",
        )
    return Finding(
        subject,
        Verdict.BAD,
        f"there are {len(texts)} SPF records, and receivers then believe none",
        "make one of them, as below, and take the others away",
        "there must be exactly one record",
        "RFC 7208 §3.2, §4.5",
    )


def _counted(subject: str, survey: Survey) -> Iterator[Finding]:
    rule = f"at most {MOST_LOOKUPS} look-ups, counted through all includes"
    source = "RFC 7208 §4.6.4"
    for fault in survey.faults:
        remedy = "mend or take out that part: receivers take the whole record for none"
        yield Finding(subject, Verdict.BAD, fault, remedy, source="RFC 7208 §5.2")
    if survey.lookups > MOST_LOOKUPS:
        costly = sorted(survey.parts.items(), key=lambda one: -one[1])
        parts = ", ".join(f"{name} takes {count}" for name, count in costly[:4])
        yield Finding(
            subject,
            Verdict.BAD,
            f"it takes {survey.lookups} look-ups ({parts or 'by its own terms'}); receivers stop "
            f"at {MOST_LOOKUPS} and take it for none",
            "take out the includes of services that no longer send for you",
            rule,
            source,
        )
    elif survey.unknown:
        yield Finding(subject, Verdict.UNKNOWN, survey.unknown[0], "look again later", rule, source)
    elif not survey.faults:
        text = f"one record, and {survey.lookups} of {MOST_LOOKUPS} look-ups"
        yield Finding(subject, Verdict.GOOD, text, rule=rule, source=source)
    if len(survey.voids) > MOST_VOIDS:
        yield Finding(
            subject,
            Verdict.BAD,
            f"it names what does not exist: {', '.join(survey.voids)}",
            "take these out: after two, receivers may take the record for none",
            f"at most {MOST_VOIDS} look-ups that find nothing",
            source,
        )


def _ending(subject: str, record: SpfRecord) -> Finding:
    source = "RFC 7208 §5.1"
    if record.ending == "+":
        return Finding(
            subject,
            Verdict.BAD,
            "it ends with +all: the whole world may send in this name",
            "end it with ~all",
            "the last term says what becomes of all others",
            source,
        )
    if record.ending in {"-", "~"} or record.redirect:
        end = f"{record.ending}all" if record.ending else f"redirect={record.redirect}"
        return Finding(subject, Verdict.GOOD, f"it ends with {end}", source=source)
    text = "it ends with ?all" if record.ending else "it has no 'all' at its end"
    return Finding(
        subject,
        Verdict.WARNING,
        f"{text}, so it says nothing of those it does not name",
        "end it with ~all",
        "the last term says what becomes of all others",
        source,
    )


def _odd(subject: str, record: SpfRecord) -> Iterator[Finding]:
    if any(term.name == "ptr" for term in record.terms):
        yield Finding(
            subject,
            Verdict.WARNING,
            "it holds 'ptr', which is slow and which some receivers pass over",
            "name the machines by ip4, ip6 or a",
            "ptr should not be used",
            "RFC 7208 §5.5",
        )


def _covering(domain: str, way: Way, survey: Survey, ask: Ask) -> Finding:
    subject = f"SPF of {domain} for {way.name}"
    if way.include:
        return _by_include(subject, way, survey)
    if not way.addresses:
        return Finding(
            subject,
            Verdict.UNKNOWN,
            f"from which addresses {way.name} sends is not known: {way.unknown}",
            "write them as sending_addresses under [doctor] in newsletter.toml",
        )
    outcomes = {
        one: evaluated(Question(ip_address(one), f"postmaster@{domain}"), domain, ask)
        for one in way.addresses
    }
    off = {one: found for one, found in outcomes.items() if found.outcome is not Outcome.PASS}
    if not off:
        named = ", ".join(way.addresses)
        return Finding(subject, Verdict.GOOD, f"{named} may send for it", source="RFC 7208 §8.3")
    unsure = next((one.why for one in off.values() if one.outcome is Outcome.TEMPERROR), "")
    if unsure:
        return _unknown(subject, unsure)
    if way.guessed and len(off) < len(outcomes):
        text = f"{', '.join(outcomes.keys() - off.keys())} may send for it, {', '.join(off)} not"
    else:
        text = f"{', '.join(off)} may not send for it ({next(iter(off.values())).outcome.value})"
    doubt = (
        f"; that is where {way.host} is found, if it sends from elsewhere set sending_addresses "
        "under [doctor]"
    )
    return Finding(
        subject,
        Verdict.WARNING if way.guessed else Verdict.BAD,
        text,
        "add them as below" + (doubt if way.guessed else ""),
        "every machine that sends for the domain must be named",
        "RFC 7208 §3; Google 81126",
    )


def _by_include(subject: str, way: Way, survey: Survey) -> Finding:
    if way.include in survey.includes:
        text = f"it includes {way.include}, from where {way.host} sends"
        return Finding(subject, Verdict.GOOD, text, source="RFC 7208 §5.2")
    return Finding(
        subject,
        Verdict.BAD,
        f"it does not include {way.include}, from where {way.host} sends",
        "add the include as below",
        "every machine that sends for the domain must be named",
        "RFC 7208 §5.2; Google 81126",
    )


def record_for(domain: str, ways: Sequence[Way], ask: Ask, findings: Sequence[Finding]) -> Record:
    """The SPF record as it should be: what is there, and what is missing in it."""
    answer = ask(domain, "TXT")
    texts = spf_record.records(answer.values)
    why = "who may send for this domain (SPF)"
    verdicts = {one.verdict for one in findings}
    if len(texts) == 1 and not verdicts & {Verdict.BAD, Verdict.WARNING}:
        return Record(domain, "TXT", texts[0], why, State.RIGHT, tuple(texts))
    return Record(domain, "TXT", merged(texts, ways), why, _state(answer, texts), tuple(texts))


def _state(answer: Answer, texts: Sequence[str]) -> State:
    if answer.failed:
        return State.UNKNOWN
    return State.TO_CHANGE if texts else State.TO_SET


def merged(texts: Sequence[str], ways: Sequence[Way]) -> str:
    """One record of all that is right in these and of what is missing, with an end."""
    words = [word for text in texts for word in text.split()[1:]]
    strict = any(word.lower() == "-all" for word in words)
    kept = [word for word in words if _is_kept(word)]
    wanted = [term for way in ways if way.own_envelope for term in _terms(way)]
    redirects = [word for word in kept if word.lower().startswith("redirect=")]
    kept = [word for word in kept if word not in redirects]
    kept += [f"include:{word.partition('=')[2]}" for word in redirects]
    if kept:
        wanted = [term for term in wanted if term != PLACEHOLDER]
    body = dict.fromkeys([*kept, *wanted])
    return " ".join(["v=spf1", *body, "-all" if strict else "~all"])


def _is_kept(word: str) -> bool:
    record = spf_record.parse(f"v=spf1 {word}")
    return not record.faults and not record.ending and "ptr" not in {t.name for t in record.terms}


def _terms(way: Way) -> list[str]:
    if way.include:
        return [f"include:{way.include}"]
    if way.addresses:
        return [f"ip{ip_address(one).version}:{one}" for one in way.addresses]
    return [PLACEHOLDER]
