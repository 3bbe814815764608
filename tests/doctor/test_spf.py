"""SPF: read as RFC 7208 writes it, counted through includes, evaluated for an address."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.core.settings import load
from newsletter.doctor import spf
from newsletter.doctor.findings import State, Verdict
from newsletter.doctor.outgoing import Way, ways
from newsletter.doctor.spf_evaluating import Outcome, evaluated
from newsletter.doctor.spf_macros import Question, expanded
from newsletter.doctor.spf_record import is_spf, parse
from newsletter.doctor.spf_survey import surveyed
from tests.dns_server import SERVFAIL, Zone
from tests.doctor.names import asking, of

_DOMAIN = "news.example.org"
_RELAY = Way("smtp", "mail.example.org", addresses=("192.0.2.9",))


def _says(record: str, address: str = "192.0.2.9", more: Zone | None = None) -> Outcome:
    zone: Zone = {(_DOMAIN, "TXT"): [record], **(more or {})}
    question = Question(ip_address(address), f"desk@{_DOMAIN}")
    return evaluated(question, _DOMAIN, asking(zone)).outcome


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        ("v=spf1 ip4:192.0.2.9 -all", Outcome.PASS),
        ("v=spf1 ip4:192.0.2.0/24 -all", Outcome.PASS),
        ("v=spf1 ip4:192.0.3.0/24 -all", Outcome.FAIL),
        ("v=spf1 -ip4:192.0.2.9 +all", Outcome.FAIL),
        ("v=spf1 ~all", Outcome.SOFTFAIL),
        ("v=spf1 ?all", Outcome.NEUTRAL),
        ("v=spf1", Outcome.NEUTRAL),
        ("V=SPF1 IP4:192.0.2.9 -ALL", Outcome.PASS),
        ("v=spf10 +all", Outcome.NONE),
        ("v=spf1 ip4:192.0.2.9 nonsense", Outcome.PERMERROR),
    ],
)
def test_address_is_judged_by_the_record(record: str, outcome: Outcome) -> None:
    assert _says(record) is outcome


def test_names_in_it_are_followed() -> None:
    more: Zone = {
        (_DOMAIN, "A"): ["192.0.2.9"],
        (_DOMAIN, "MX"): ["10 mail.example.org"],
        ("mail.example.org", "A"): ["192.0.2.200"],
        ("mail.example.org", "AAAA"): ["2001:db8::25"],
        ("_spf.example.net", "TXT"): ["v=spf1 ip4:198.51.100.0/24 -all"],
        ("other.example.net", "TXT"): ["v=spf1 redirect=_spf.example.net"],
    }
    assert _says("v=spf1 a -all", more=more) is Outcome.PASS
    assert _says("v=spf1 mx -all", more=more) is Outcome.FAIL
    assert _says("v=spf1 mx/24 -all", more=more) is Outcome.PASS
    assert _says("v=spf1 mx -all", "2001:db8::25", more) is Outcome.PASS
    assert _says("v=spf1 mx//64 -all", "2001:db8::99", more) is Outcome.PASS
    for record in ("include:_spf.example.net -all", "redirect=other.example.net"):
        assert _says(f"v=spf1 {record}", "198.51.100.7", more) is Outcome.PASS
        assert _says(f"v=spf1 {record}", "203.0.113.7", more) is Outcome.FAIL
    assert _says("v=spf1 include:nobody.example.net -all", more=more) is Outcome.PERMERROR
    assert _says("v=spf1 redirect=nobody.example.net", more=more) is Outcome.PERMERROR


def test_a_record_that_includes_itself_comes_to_an_end() -> None:
    assert _says(f"v=spf1 include:{_DOMAIN} -all") is Outcome.PERMERROR


def test_the_eleventh_look_up_ends_it() -> None:
    more: Zone = {("far.example.net", "A"): ["198.51.100.1"]}
    record = f"v=spf1 {'a:far.example.net ' * 10}{{}} ip4:192.0.2.9 -all"
    assert _says(record.format(""), more=more) is Outcome.PASS
    assert _says(record.format("a:far.example.net"), more=more) is Outcome.PERMERROR


def test_server_that_fails_is_a_passing_error() -> None:
    more: Zone = {("gone.example.net", "TXT"): SERVFAIL}
    assert _says("v=spf1 include:gone.example.net -all", more=more) is Outcome.TEMPERROR


def test_three_names_that_lead_nowhere_are_too_many() -> None:
    record = "v=spf1 a:a.example.net a:b.example.net {} ip4:192.0.2.9 -all"
    assert _says(record.format("")) is Outcome.PASS
    assert _says(record.format("a:c.example.net")) is Outcome.PERMERROR


@pytest.mark.parametrize(
    ("macro", "written"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    ],
)
def test_macros_are_written_out_as_in_the_standard(macro: str, written: str) -> None:
    """The examples of RFC 7208 §7.4."""
    question = Question(ip_address("192.0.2.3"), "strong-bad@email.example.com")
    assert expanded(macro, "email.example.com", question) == written


def test_macro_of_a_new_address_is_in_single_digits() -> None:
    question = Question(ip_address("2001:db8::cb01"), "strong-bad@email.example.com")
    assert expanded("%{ir}.%{v}._spf.%{d2}", "email.example.com", question) == (
        "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
    )


def test_exists_asks_for_the_name_that_a_macro_makes() -> None:
    more: Zone = {("9.2.0.192.allow.example.net", "A"): ["127.0.0.2"]}
    assert _says("v=spf1 exists:%{ir}.allow.example.net -all", more=more) is Outcome.PASS
    record = "v=spf1 exists:%{ir}.allow.example.net -all"
    assert _says(record, "192.0.2.8", more) is Outcome.FAIL


@pytest.mark.parametrize(
    "word",
    [
        *("ip4:999.1.1.1", "ip4:2001:db8::1", "ip6:192.0.2.1", "ip4:192.0.2.0/33", "include:"),
        *("all:example.org", "a/99", "exists:%{z}", "mx:", "include", "redirect=", "ip4"),
        *("include:a/24", "inclde:example.net", "all/8", "a:%", "ipv4:192.0.2.1"),
    ],
)
def test_a_slip_makes_the_record_void_and_is_named(word: str) -> None:
    record = parse(f"v=spf1 {word} -all")
    assert len(record.faults) == 1
    assert word.partition("=")[0] in record.faults[0]


@given(st.text())
def test_no_text_makes_the_parser_fall(text: str) -> None:
    parse(text)
    parse(f"v=spf1 {text}")
    is_spf(text)


_WORDS = st.lists(
    st.one_of(
        st.sampled_from(["a", "mx", "ptr", "-all", "+all", "include:x.org", "redirect=x.org"]),
        st.from_regex(r"[+?~-]?(ip4|ip6|exists|a|mx|include):[a-z0-9:./%{}]{0,20}", fullmatch=True),
    )
)


@given(_WORDS)
def test_no_record_makes_an_evaluation_fall(words: list[str]) -> None:
    zone: Zone = {
        ("x.org", "TXT"): [" ".join(["v=spf1", *words])],
        ("x.org", "MX"): ["10 ", "5 x.org"],
        ("x.org", "A"): ["192.0.2.1", "nonsense"],
    }
    for address in ("192.0.2.1", "2001:db8::1"):
        evaluated(Question(ip_address(address), "a@x.org"), "x.org", asking(zone))
    surveyed("x.org", parse(" ".join(["v=spf1", *words])), asking(zone))
    spf.judged("x.org", [_RELAY], asking(zone))
    assert not parse(spf.merged([" ".join(["v=spf1", *words])], [_RELAY])).faults


def _judged(*records: str, more: Zone | None = None, way: Way = _RELAY) -> dict[Verdict, list[str]]:
    zone: Zone = {(_DOMAIN, "TXT"): [*records, "an unrelated text"], **(more or {})}
    found = spf.judged(_DOMAIN, [way], asking(zone))
    return {verdict: of(found, verdict) for verdict in Verdict}


def test_right_record_is_well() -> None:
    found = _judged("v=spf1 ip4:192.0.2.9 -all")
    assert not found[Verdict.BAD] + found[Verdict.WARNING] + found[Verdict.UNKNOWN]


def test_two_records_are_none() -> None:
    assert (
        "there are 2 SPF records"
        in _judged("v=spf1 ip4:192.0.2.9 -all", "v=spf1 a ~all")[Verdict.BAD][0]
    )


def test_eleven_lookups_are_too_many_wherever_they_stand() -> None:
    more: Zone = {
        ("_spf.example.net", "TXT"): ["v=spf1 " + " ".join(f"a:{n}.example.net" for n in range(9))],
        **{(f"{n}.example.net", "A"): ["198.51.100.1"] for n in range(9)},
    }
    assert not _judged("v=spf1 ip4:192.0.2.9 include:_spf.example.net -all", more=more)[Verdict.BAD]
    eleven = _judged("v=spf1 ip4:192.0.2.9 include:_spf.example.net mx -all", more=more)
    assert eleven[Verdict.BAD][0].startswith("it takes 11 look-ups (_spf.example.net takes 10)")


@pytest.mark.parametrize(
    ("record", "verdict", "words"),
    [
        ("v=spf1 ip4:192.0.2.9 +all", Verdict.BAD, "the whole world may send"),
        ("v=spf1 ip4:192.0.2.9 ?all", Verdict.WARNING, "?all"),
        ("v=spf1 ip4:192.0.2.9", Verdict.WARNING, "no 'all'"),
        ("v=spf1 ip4:192.0.2.9 ptr -all", Verdict.WARNING, "ptr"),
        ("v=spf1 ip4:198.51.100.1 -all", Verdict.BAD, "192.0.2.9 may not send for it (fail)"),
        ("v=spf1 ip4:192.0.2.9 foo -all", Verdict.BAD, "'foo' is no term"),
        ("v=spf1 include:none.example.net -all", Verdict.BAD, "has no SPF records"),
        ("v=spf1 a:a.x a:b.x a:c.x ip4:192.0.2.9 -all", Verdict.BAD, "names what does not exist"),
    ],
)
def test_each_fault_has_its_verdict(record: str, verdict: Verdict, words: str) -> None:
    assert any(words in one for one in _judged(record)[verdict])


def test_failing_server_is_never_a_reproach() -> None:
    zone: Zone = {(_DOMAIN, "TXT"): SERVFAIL}
    assert [one.verdict for one in spf.judged(_DOMAIN, [_RELAY], asking(zone))] == [Verdict.UNKNOWN]
    more: Zone = {("_spf.example.net", "TXT"): SERVFAIL}
    found = _judged("v=spf1 include:_spf.example.net -all", more=more)
    assert not found[Verdict.BAD] + found[Verdict.WARNING]
    assert found[Verdict.UNKNOWN]


def test_a_guessed_address_is_only_a_warning() -> None:
    way = Way("smtp", "mail.example.org", addresses=("192.0.2.9",), guessed=True)
    found = _judged("v=spf1 ip4:198.51.100.1 -all", way=way)
    assert not found[Verdict.BAD]
    assert len(found[Verdict.WARNING]) == 1


def test_relay_of_a_known_operator_is_covered_by_its_include() -> None:
    way = Way("smtp", "smtp.gmail.com", include="_spf.google.com")
    more: Zone = {
        ("_spf.example.net", "TXT"): ["v=spf1 include:_spf.google.com ~all"],
        ("_spf.google.com", "TXT"): ["v=spf1 ip4:198.51.100.0/24 ~all"],
    }
    deep = _judged("v=spf1 include:_spf.example.net ~all", more=more, way=way)
    assert not deep[Verdict.BAD]
    assert "does not include _spf.google.com" in _judged("v=spf1 mx ~all", way=way)[Verdict.BAD][-1]


@pytest.mark.parametrize(
    ("host", "way"),
    [
        ("smtp.gmail.com", Way("smtp", "smtp.gmail.com", include="_spf.google.com")),
        ("x.amazonaws.com", Way("smtp", "x.amazonaws.com", own_envelope=False)),
        (
            "Mail.example.org",
            Way("smtp", "mail.example.org", addresses=("192.0.43.9",), guessed=True),
        ),
        (
            "10.0.0.25",
            Way(
                "smtp",
                "10.0.0.25",
                guessed=True,
                unknown="10.0.0.25 is a machine of your own network",
            ),
        ),
    ],
)
def test_where_mail_leaves_from_is_found_by_the_relay_s_name(
    host: str, way: Way, tmp_path: Path
) -> None:
    settings = load(tmp_path, {}, {"smtp": {"host": host}})
    assert ways(settings, asking({("mail.example.org", "A"): ["192.0.43.9"]})) == [way]
    told: dict[str, dict[str, object]] = {"smtp": {"host": host}}
    told["doctor"] = {"sending_addresses": ["192.0.43.77"]}
    (found,) = ways(load(tmp_path, {}, told), asking({}))
    assert found.include or not found.own_envelope or found.addresses == ("192.0.43.77",)


@pytest.mark.parametrize(
    ("there", "wanted", "state"),
    [
        ([], "v=spf1 ip4:192.0.2.9 ~all", State.TO_SET),
        (["v=spf1 ip4:192.0.2.9 -all"], "v=spf1 ip4:192.0.2.9 -all", State.RIGHT),
        (["v=spf1 a -all"], "v=spf1 a ip4:192.0.2.9 -all", State.TO_CHANGE),
        (["v=spf1 a +all"], "v=spf1 a ip4:192.0.2.9 ~all", State.TO_CHANGE),
        (["v=spf1 a ~all", "v=spf1 a mx -all"], "v=spf1 a mx ip4:192.0.2.9 -all", State.TO_CHANGE),
        (
            ["v=spf1 redirect=_spf.example.net"],
            "v=spf1 include:_spf.example.net ip4:192.0.2.9 ~all",
            State.TO_CHANGE,
        ),
    ],
)
def test_record_to_set_keeps_what_is_right(there: list[str], wanted: str, state: State) -> None:
    zone: Zone = {
        (_DOMAIN, "TXT"): there,
        (_DOMAIN, "A"): ["198.51.100.1"],
        (_DOMAIN, "MX"): [f"10 {_DOMAIN}"],
    }
    found = spf.judged(_DOMAIN, [_RELAY], asking(zone))
    record = spf.record_for(_DOMAIN, [_RELAY], asking(zone), found)
    assert (record.value, record.state) == (wanted, state)
