"""DKIM judged: does the DNS show the public half of the key that signs (RFC 6376, 8301, 8463)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from newsletter.doctor import tags
from newsletter.doctor.findings import Ask, Finding, Record, State, Verdict

LEAST_BITS, ADVISED_BITS = 1024, 2048
_AT = "set the record below, and wait until it is seen"


def place(domain: str, selector: str) -> str:
    """Where the key of a selector lies in the DNS."""
    return f"{selector}._domainkey.{domain}"


def judged(domain: str, selector: str, wanted: str, ask: Ask) -> Finding:
    """What lies at a selector. `wanted` is the record of our own key; empty: a relay's."""
    subject = f"DKIM of {domain}, selector {selector}"
    answer = ask(place(domain, selector), "TXT")
    if answer.failed:
        return Finding(subject, Verdict.UNKNOWN, answer.why, "look again later")
    if not answer.values:
        remedy = _AT if wanted else "publish the key that whoever signs for you gives you"
        return _bad(subject, "no key is published, so every signature is void", remedy)
    if len(answer.values) > 1:
        text = f"{len(answer.values)} records are published, and receivers may take either"
        return _bad(subject, text, "leave one of them", source="RFC 6376 §3.6.2.2")
    return _read(subject, answer.values[0], wanted)


def _bad(subject: str, text: str, remedy: str, *, source: str = "RFC 6376 §3.6.1") -> Finding:
    rule = "the public half of the key that signs lies at its selector"
    return Finding(subject, Verdict.BAD, text, remedy, rule, source)


def _read(subject: str, text: str, wanted: str) -> Finding:
    found = tags.parse(text)
    given = found.pairs
    mend = _AT if wanted else "ask whoever signs for you for the right record"
    if fault := _fault(found):
        return _bad(subject, fault, mend)
    if not given["p"]:
        return _bad(subject, "the key was revoked (p= is empty)", "publish a key that signs")
    key = _key(given["p"])
    if key is None:
        return _bad(subject, "what stands in p= is no key", mend)
    if wanted and key != _key(tags.parse(wanted).pairs["p"]):
        text = "another key is published than the one that signs here, so signatures fail"
        return _bad(subject, text, mend)
    return _weighed(subject, given, key)


def _fault(found: tags.Tags) -> str:
    """What makes the record void as a whole."""
    given = found.pairs
    if given.get("v", "DKIM1") != "DKIM1" or ("v" in given and next(iter(given)) != "v"):
        return "it does not begin with v=DKIM1"
    if "p" not in given:
        return "it holds no key (p=)"
    if "h" in given and "sha256" not in given["h"].replace(" ", "").lower().split(":"):
        return f"it allows only h={given['h']}, and we sign with sha256"
    if given.get("s", "*").replace(" ", "") not in {"*", "email"} and "email" not in given["s"]:
        return f"it is not for mail (s={given['s']})"
    if given.get("k", "rsa").lower() not in {"rsa", "ed25519"}:
        return f"its kind k={given['k']} is not known"
    return found.faults[0] if found.faults else ""


def _weighed(subject: str, given: Mapping[str, str], key: bytes) -> Finding:
    rule, source = f"RSA of {ADVISED_BITS} bits at least", "RFC 8301 §3.2; Google 81126"
    bits = _bits(key) if given.get("k", "rsa").lower() == "rsa" else 0
    if given.get("k", "rsa").lower() == "rsa" and bits < ADVISED_BITS:
        if not bits:
            return _bad(subject, "what stands in p= is no RSA key", "publish the right key")
        verdict = Verdict.BAD if bits < LEAST_BITS else Verdict.WARNING
        text = f"the key has {bits} bits"
        return Finding(
            subject, verdict, text, "make a new one by 'newsletter dkim new-key'", rule, source
        )
    if "y" in given.get("t", "").replace(" ", "").split(":"):
        return Finding(
            subject,
            Verdict.WARNING,
            "it says t=y: receivers take the signature for a test, as if there were none",
            "take t=y out of the record",
            "t=y is for trying out",
            "RFC 6376 §3.6.1",
        )
    kind = f"RSA, {bits} bits" if bits else "Ed25519"
    return Finding(
        subject, Verdict.GOOD, f"the key is published ({kind})", rule=rule, source=source
    )


def _key(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _bits(key: bytes) -> int:
    try:
        found = load_der_public_key(key)
    except ValueError:
        return 0
    return found.key_size if isinstance(found, RSAPublicKey) else 0


def record_for(domain: str, selector: str, wanted: str, ask: Ask, finding: Finding) -> Record:
    """The record of our own key, and how it stands to what is there."""
    answer = ask(place(domain, selector), "TXT")
    state = State.UNKNOWN if answer.failed else State.TO_CHANGE if answer.values else State.TO_SET
    if finding.verdict is Verdict.GOOD:
        state = State.RIGHT
    why = "the public half of the key that signs (DKIM)"
    return Record(place(domain, selector), "TXT", wanted, why, state, answer.values)
