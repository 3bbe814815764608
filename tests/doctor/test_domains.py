"""DKIM, receiving, sending addresses, discreet domains, hints: judged from what the DNS says."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from newsletter.doctor import discreet, dkim, hints, receiving, sending_address, tags
from newsletter.doctor.findings import State, Verdict
from newsletter.doctor.outgoing import Way
from newsletter.doctor.senders import Sender
from newsletter.rendering import dkim_keys
from tests.dns_server import SERVFAIL, Zone
from tests.doctor.names import asking

_DOMAIN = "news.example.org"
_PLACE = f"k1._domainkey.{_DOMAIN}"
_OURS = dkim_keys.record(generate_private_key(65537, 2048))
_OTHER = dkim_keys.record(generate_private_key(65537, 2048))
_WEAK = dkim_keys.record(generate_private_key(65537, 1024))
_CURVE = dkim_keys.record(Ed25519PrivateKey.generate())


def _key(*records: str, wanted: str = _OURS) -> tuple[Verdict, str]:
    found = dkim.judged(_DOMAIN, "k1", wanted, asking({(_PLACE, "TXT"): list(records)}))
    return found.verdict, found.found


@pytest.mark.parametrize(
    ("record", "verdict", "words"),
    [
        (_OURS, Verdict.GOOD, "RSA, 2048 bits"),
        (_OURS.replace("v=DKIM1; ", ""), Verdict.GOOD, "RSA, 2048 bits"),
        (_OURS.replace("p=", "p= "), Verdict.GOOD, "RSA, 2048 bits"),
        (_OTHER, Verdict.BAD, "another key is published"),
        (_CURVE, Verdict.BAD, "another key is published"),
        ("v=DKIM1; k=rsa; p=", Verdict.BAD, "was revoked"),
        ("v=DKIM1; k=rsa", Verdict.BAD, "holds no key"),
        ("v=DKIM1; k=rsa; p=%%%", Verdict.BAD, "is no key"),
        ("v=DKIM1; k=dsa; p=AAAA", Verdict.BAD, "k=dsa is not known"),
        (_OURS.replace("v=DKIM1", "v=DKIM2"), Verdict.BAD, "v=DKIM1"),
        (_OURS.replace("k=rsa", "h=sha1; k=rsa"), Verdict.BAD, "h=sha1"),
        (_OURS.replace("k=rsa", "s=tlsrpt; k=rsa"), Verdict.BAD, "not for mail"),
        (_OURS.replace("k=rsa", "t=y; k=rsa"), Verdict.WARNING, "t=y"),
        (_OURS.replace("k=rsa", "t=s; k=rsa"), Verdict.GOOD, "RSA"),
    ],
    ids=map(str, range(14)),  # the keys are new each time, and xdist wants the same names
)
def test_published_key_is_held_against_ours(record: str, verdict: Verdict, words: str) -> None:
    found = _key(record)
    assert found[0] is verdict
    assert words in found[1]


def test_key_of_other_kinds_and_lengths() -> None:
    assert _key(_CURVE, wanted=_CURVE) == (Verdict.GOOD, "the key is published (Ed25519)")
    assert _key(_WEAK, wanted=_WEAK)[0] is Verdict.WARNING
    tiny = base64.b64decode(_WEAK.rpartition("p=")[2])[:40]
    assert _key(f"v=DKIM1; p={base64.b64encode(tiny).decode()}", wanted="")[0] is Verdict.BAD


def test_key_that_is_not_there_or_twice() -> None:
    assert _key()[0] is Verdict.BAD
    assert "2 records" in _key(_OURS, _OTHER)[1]
    silent = asking({(_PLACE, "TXT"): SERVFAIL})
    assert dkim.judged(_DOMAIN, "k1", _OURS, silent).verdict is Verdict.UNKNOWN


def test_record_of_a_key_can_be_copied_into_a_zone() -> None:
    ask = asking({})
    record = dkim.record_for(_DOMAIN, "k1", _OURS, ask, dkim.judged(_DOMAIN, "k1", _OURS, ask))
    assert record.state is State.TO_SET
    assert record.line == dkim_keys.zone_line(_DOMAIN, "k1", _OURS)
    there = asking({(_PLACE, "TXT"): [_OURS]})
    finding = dkim.judged(_DOMAIN, "k1", _OURS, there)
    assert dkim.record_for(_DOMAIN, "k1", _OURS, there, finding).state is State.RIGHT


@given(st.text())
def test_no_text_makes_the_tags_fall(text: str) -> None:
    tags.parse(text)
    for record in (text, f"v=DKIM1; p={text}", f"v=DKIM1; k=rsa; h={text}; p=AAAA"):
        dkim.judged(_DOMAIN, "k1", "", asking({(_PLACE, "TXT"): [record]}))


_MACHINE: Zone = {("mx.example.org", "A"): ["192.0.2.25"]}


@pytest.mark.parametrize(
    ("zone", "verdict", "words"),
    [
        ({(_DOMAIN, "MX"): ["10 mx.example.org"], **_MACHINE}, Verdict.GOOD, "mx.example.org"),
        ({(_DOMAIN, "MX"): ["0 "]}, Verdict.BAD, "null MX"),
        ({(_DOMAIN, "MX"): ["10 gone.example.org"]}, Verdict.BAD, "has no address"),
        ({(_DOMAIN, "A"): ["192.0.2.1"]}, Verdict.WARNING, "no MX record"),
        ({(_DOMAIN, "AAAA"): ["2001:db8::1"]}, Verdict.WARNING, "no MX record"),
        ({}, Verdict.BAD, "nothing takes mail"),
        ({(_DOMAIN, "MX"): SERVFAIL}, Verdict.UNKNOWN, "SERVFAIL"),
        ({(_DOMAIN, "A"): SERVFAIL}, Verdict.UNKNOWN, "SERVFAIL"),
        (
            {(_DOMAIN, "MX"): ["10 mx.example.org"], ("mx.example.org", "A"): SERVFAIL},
            *(Verdict.UNKNOWN, "SERVFAIL"),
        ),
    ],
)
def test_whether_answers_can_arrive(zone: Zone, verdict: Verdict, words: str) -> None:
    found = receiving.judged(_DOMAIN, "From", asking(zone))
    assert found.verdict is verdict
    assert words in found.found


@pytest.mark.parametrize(
    ("names", "address", "verdict"),
    [
        (["mail.example.org"], "192.0.2.9", Verdict.GOOD),
        (["mail.example.org"], "192.0.2.8", Verdict.BAD),
        ([], "192.0.2.9", Verdict.BAD),
        (SERVFAIL, "192.0.2.9", Verdict.UNKNOWN),
    ],
)
def test_sending_address_has_a_name_that_leads_back(
    names: list[str] | str, address: str, verdict: Verdict
) -> None:
    ask = asking({("9.2.0.192.in-addr.arpa", "PTR"): names, ("mail.example.org", "A"): [address]})
    way = Way("smtp", addresses=("192.0.2.9",))
    (found,) = sending_address.judged(way, lambda _: ask("9.2.0.192.in-addr.arpa", "PTR"), ask)
    assert found.verdict is verdict


def test_discreet_edition_needs_a_domain_of_its_own() -> None:
    ordinary = Sender("weekly", f"desk@{_DOMAIN}")
    for address, verdict in (
        ("notes@quiet.example", Verdict.GOOD),
        (f"notes@{_DOMAIN}", Verdict.BAD),
        (f"notes@quiet.{_DOMAIN}", Verdict.BAD),
        ("notes@quiet.example.org", Verdict.BAD),
    ):
        ask = asking({("_dmarc.example.org", "TXT"): ["v=DMARC1; p=none"]})
        hidden = Sender("weekly", address, discreet=True)
        (found,) = discreet.judged([ordinary, hidden], ask)
        assert found.verdict is verdict, address


def test_optional_records_are_never_missed() -> None:
    nothing = hints.judged(_DOMAIN, asking({}))
    assert nothing.verdict is Verdict.GOOD
    assert nothing.found == "no MTA-STS, no TLS-RPT, no BIMI"
    some = asking({(f"_smtp._tls.{_DOMAIN}", "TXT"): ["v=TLSRPTv1; rua=mailto:t@example.org"]})
    assert hints.judged(_DOMAIN, some).found == "TLS-RPT is there; no MTA-STS, no BIMI"
