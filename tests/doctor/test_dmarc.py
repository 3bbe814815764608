"""DMARC by RFC 9989: its tags, the walk up the tree, alignment, and who may get reports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.core.dns import Answer
from newsletter.doctor import alignment, dmarc
from newsletter.doctor.dmarc_record import is_dmarc, parse
from newsletter.doctor.dmarc_tree import aligned, walked
from newsletter.doctor.findings import State, Verdict
from newsletter.doctor.outgoing import Way
from newsletter.doctor.senders import Sender
from tests.dns_server import SERVFAIL, Zone
from tests.doctor.names import asking, of

_DOMAIN = "news.example.org"


def _zone(*records: str, at: str = _DOMAIN, more: Zone | None = None) -> Zone:
    return {(f"_dmarc.{at}", "TXT"): list(records), **(more or {})}


def _judged(*records: str, more: Zone | None = None) -> dict[Verdict, list[str]]:
    found = dmarc.judged(_DOMAIN, asking(_zone(*records, more=more)))
    return {verdict: of(found, verdict) for verdict in Verdict}


def test_right_record_is_well() -> None:
    found = _judged(f"v=DMARC1; p=quarantine; np=reject; t=y; rua=mailto:desk@{_DOMAIN}")
    assert not found[Verdict.BAD] + found[Verdict.WARNING] + found[Verdict.UNKNOWN]
    assert "the policy is quarantine, as a test" in found[Verdict.GOOD][0]


@pytest.mark.parametrize(
    ("record", "verdict", "words"),
    [
        ("v=DMARC1; p=reject; pct=50", Verdict.WARNING, "pct=, which receivers pass over since"),
        (
            "v=DMARC1; p=none; rf=afrf; ri=3600",
            Verdict.WARNING,
            "rf=, ri=, which receivers pass over since",
        ),
        ("v=DMARC1; p=noone", Verdict.BAD, "'p=noone' is none of"),
        ("v=DMARC1; p=none; sp=all", Verdict.WARNING, "'sp=all'"),
        ("v=DMARC1; p=none; adkim=x", Verdict.WARNING, "'adkim=x'"),
        ("v=DMARC1; p=none; psd=maybe", Verdict.WARNING, "'psd=maybe'"),
        ("v=DMARC1; p=none; rua=desk@example.org", Verdict.WARNING, "no mailto: address"),
        ("v=DMARC1; p=none; rua=mailto:d@example.org!10m", Verdict.WARNING, "no mailto: address"),
        ("v=DMARC1; p=none; colour=red", Verdict.WARNING, "colour="),
        ("v=DMARC1; p=none; p=reject", Verdict.BAD, "'p=' stands twice"),
        ("v=DMARC1 p=none", Verdict.BAD, "neither _dmarc.news.example.org"),
        ("v=DMARC2; p=none", Verdict.BAD, "neither _dmarc.news.example.org"),
    ],
)
def test_each_fault_has_its_verdict(record: str, verdict: Verdict, words: str) -> None:
    assert any(words in one for one in _judged(record)[verdict])


def test_two_records_are_none() -> None:
    assert "has 2 records" in _judged("v=DMARC1; p=none", "v=DMARC1; p=reject")[Verdict.BAD][0]


def test_failing_server_is_never_a_reproach() -> None:
    found = dmarc.judged(_DOMAIN, asking({(f"_dmarc.{_DOMAIN}", "TXT"): SERVFAIL}))
    assert [one.verdict for one in found] == [Verdict.UNKNOWN]


def test_policy_of_the_domain_above_holds_with_its_sp() -> None:
    above = _zone("v=DMARC1; p=reject; sp=quarantine", at="example.org")
    found = dmarc.judged(_DOMAIN, asking(above))
    assert found[0].found == "the policy is quarantine, by example.org above it"


def test_walk_asks_eight_names_at_the_most() -> None:
    asked: list[str] = []

    def ask(name: str, kind: str) -> Answer:
        asked.append(name)
        return asking({})(name, kind)

    walked("a.b.c.d.e.f.g.h.i.j.mail.example.com", ask)
    assert asked == [
        "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
        *("_dmarc.g.h.i.j.mail.example.com", "_dmarc.h.i.j.mail.example.com"),
        *("_dmarc.i.j.mail.example.com", "_dmarc.j.mail.example.com"),
        *("_dmarc.mail.example.com", "_dmarc.example.com", "_dmarc.com"),
    ]


@pytest.mark.parametrize(
    ("records", "organisation"),
    [
        ({}, "a.mail.example.com"),
        ({"a.mail.example.com": "", "example.com": ""}, "example.com"),
        ({"mail.example.com": "psd=n", "example.com": ""}, "mail.example.com"),
        ({"example.com": "", "com": "psd=y"}, "example.com"),
        ({"com": "psd=y"}, "example.com"),
        ({"a.mail.example.com": "psd=y"}, "a.mail.example.com"),
    ],
)
def test_organisation_is_found_by_the_tree(records: dict[str, str], organisation: str) -> None:
    """RFC 9989 §4.10.1; no list of public suffixes is asked."""
    zone: Zone = {
        (f"_dmarc.{name}", "TXT"): [f"v=DMARC1; p=none; {tag}"] for name, tag in records.items()
    }
    assert walked("a.mail.example.com", asking(zone)).organisation == organisation


def test_alignment_is_strict_or_relaxed() -> None:
    above = asking(_zone("v=DMARC1; p=none", at="example.org"))
    assert aligned(_DOMAIN, "bounce.example.org", above, strict=False)
    assert not aligned(_DOMAIN, "bounce.example.org", above, strict=True)
    assert aligned(_DOMAIN, "NEWS.example.org.", above, strict=True)
    assert not aligned(_DOMAIN, "example.net", above, strict=False)
    # Without a record nothing says that a name belongs to the one above it.
    assert not aligned(_DOMAIN, "example.org", asking({}), strict=False)
    silent: Zone = {("_dmarc.example.org", "TXT"): SERVFAIL}
    assert aligned(_DOMAIN, "example.org", asking(silent), strict=False) is None


@pytest.mark.parametrize(
    ("bounces", "signed_by", "verdict"),
    [
        ("b@bounce.example.org", "example.org", Verdict.GOOD),
        ("b@example.net", "example.org", Verdict.WARNING),
        ("b@example.org", "example.net", Verdict.WARNING),
        ("b@example.net", "example.net", Verdict.BAD),
        ("", "", Verdict.GOOD),
    ],
)
def test_one_of_the_two_must_speak_for_the_sender(
    bounces: str, signed_by: str, verdict: Verdict
) -> None:
    sender = Sender("weekly", f"desk@{_DOMAIN}", return_address=bounces, signing_domain=signed_by)
    ask = asking(_zone("v=DMARC1; p=none", at="example.org"))
    assert alignment.judged(sender, [Way("smtp")], ask).verdict is verdict


def test_strict_alignment_is_what_the_record_says() -> None:
    sender = Sender(
        "weekly", f"desk@{_DOMAIN}", return_address="b@example.org", signing_domain="example.org"
    )
    ask = asking(_zone("v=DMARC1; p=none; aspf=s; adkim=s", at="example.org"))
    assert alignment.judged(sender, [Way("smtp")], ask).verdict is Verdict.BAD


def test_provider_with_a_return_path_of_its_own_is_not_judged() -> None:
    sender = Sender("weekly", f"desk@{_DOMAIN}")
    way = Way("mailgun", own_envelope=False)
    ask = asking(_zone("v=DMARC1; p=none"))
    assert alignment.judged(sender, [way], ask).verdict is Verdict.UNKNOWN


def test_reports_go_only_to_who_wants_them() -> None:
    record = "v=DMARC1; p=none; rua=mailto:d@reports.example"
    assert any("does not say" in one for one in _judged(record)[Verdict.WARNING])
    agreed: Zone = {(f"{_DOMAIN}._report._dmarc.reports.example", "TXT"): ["v=DMARC1;"]}
    found = _judged(record, more=agreed)
    assert not found[Verdict.WARNING]
    assert "they go to reports.example, which agrees" in found[Verdict.GOOD]


def test_record_to_set_keeps_what_is_right() -> None:
    there = f"v=DMARC1; p=reject; pct=100; aspf=s; rua=mailto:desk@{_DOMAIN}"
    record = dmarc.record_for(_DOMAIN, "", asking(_zone(there)))
    assert record.value == f"v=DMARC1; p=reject; aspf=s; rua=mailto:desk@{_DOMAIN}"
    assert record.state is State.TO_CHANGE
    again = dmarc.record_for(_DOMAIN, "", asking(_zone(record.value)))
    assert again.state is State.RIGHT
    first = dmarc.record_for(_DOMAIN, f"desk@{_DOMAIN}", asking({}))
    assert (first.name, first.state) == (f"_dmarc.{_DOMAIN}", State.TO_SET)
    assert not parse(first.value).faults


@given(st.text())
def test_no_text_makes_the_parser_fall(text: str) -> None:
    is_dmarc(text)
    for written in (text, f"v=DMARC1;{text}", f"v=DMARC1; p=none; rua={text}; fo={text}"):
        found = parse(written)
        again = parse(dmarc.mended(found))
        assert not again.faults + again.gone + again.unknown


@given(st.lists(st.sampled_from(["psd=y", "psd=n", "psd=u", "p=none", "", "pct=5"]), max_size=5))
def test_every_walk_ends_at_the_name_or_above(tags: list[str]) -> None:
    names = ["a.b.c.example.org", "b.c.example.org", "c.example.org", "example.org", "org"]
    zone: Zone = {
        (f"_dmarc.{name}", "TXT"): [f"v=DMARC1; {tag}"]
        for name, tag in zip(names, tags, strict=False)
    }
    assert f".{names[0]}".endswith(f".{walked(names[0], asking(zone)).organisation}")
    dmarc.judged(names[0], asking(zone))
