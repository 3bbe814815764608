"""The parts of the sign-up form by themselves: tokens, work, networks, the spliced page."""

from __future__ import annotations

import gzip
import hashlib
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.web.form_tokens import VALID_SECONDS, FormTokens, Spent, Stage
from newsletter.web.networks import Networks, network
from newsletter.web.proof_of_work import Work
from newsletter.web.spliced import Spliced

SECRET = b"s" * 32


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


def test_a_token_counts_from_its_time_on_for_two_hours_for_its_publication() -> None:
    clock = Clock()
    tokens = FormTokens(SECRET, clock)
    token = tokens.issue("weekly", Stage.WAITED, 20)
    read = tokens.read("weekly", token.text)
    assert read == token
    assert 19.9 < tokens.left(token) <= 20
    clock.at += 20
    assert tokens.left(token) == 0
    clock.at += VALID_SECONDS - 1
    assert tokens.read("weekly", token.text) == token
    assert tokens.read("monthly", token.text) is None
    assert FormTokens(b"o" * 32, clock).read("weekly", token.text) is None
    clock.at += 2
    assert tokens.read("weekly", token.text) is None


@given(place=st.integers(0, 50), character=st.characters(codec="utf-8"))
def test_a_token_with_another_character_is_none(place: int, character: str) -> None:
    tokens = FormTokens(SECRET)
    token = tokens.issue("weekly", Stage.FIRST, 3)
    bent = token.text[:place] + character + token.text[place + 1 :]
    read = tokens.read("weekly", bent)
    # The last of 22 characters has four bits to spare: a second spelling, but of the same nonce.
    assert read is None or read.nonce == token.nonce


@given(st.text(max_size=80))
def test_no_other_text_is_a_token(text: str) -> None:
    assert FormTokens(SECRET).read("weekly", text) is None


def test_what_was_said_with_a_token_is_remembered_within_bounds() -> None:
    tokens, spent = FormTokens(SECRET), Spent(kept=2)
    first, second, third = (tokens.issue("weekly", Stage.FIRST, 0) for _ in range(3))
    assert [spent.use(first, word) for word in "aab"] == ["first", "again", "other"]
    spent.give_back(first)
    assert spent.use(first, "b") == "first"
    assert spent.use(second, "a") == spent.use(third, "a") == "first"
    assert spent.use(first, "b") == "first", "the oldest was let go of"


def test_work_is_done_by_counting_to_the_number_and_by_nothing_else() -> None:
    token = FormTokens(SECRET).issue("weekly", Stage.FIRST, 0)
    work = Work(SECRET, 3000)
    wanted = work.challenge(token)
    hits = [
        n for n in range(3001) if hashlib.sha256(f"{token.text}{n}".encode()).hexdigest() == wanted
    ]
    (number,) = hits
    assert work.is_done(token, str(number))
    for wrong in ("", str(number + 1), f"0{number}", f"{number} ", f"+{number}", "၁", "x" * 99):
        assert not work.is_done(token, wrong)
    other = FormTokens(SECRET).issue("weekly", Stage.FIRST, 0)
    assert work.challenge(other) != wanted
    assert Work(b"o" * 32, 3000).challenge(token) != wanted


def test_the_numbers_are_spread_over_the_whole_work() -> None:
    tokens, work = FormTokens(SECRET), Work(SECRET, 99)
    found = [work._number(tokens.issue("weekly", Stage.FIRST, 0)) for _ in range(2000)]
    assert (min(found), max(found)) == (0, 99)
    assert 40 < sum(found) / len(found) < 60


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.255", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("192.0.2.1", "::ffff:192.0.2.9", True),
        ("2001:db8::1", "2001:db8::ffff:0:0:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "unix:", True),
        ("", "192.0.2.1", False),
    ],
)
def test_a_network_is_a_24_or_a_64(one: str, other: str, *, same: bool) -> None:
    assert (network(one) == network(other)) is same


@given(st.ip_addresses() | st.text(max_size=60))
def test_whatever_the_server_takes_for_an_address_has_a_network(host: object) -> None:
    found = network(str(host))
    assert len(found) in {0, 3, 8}
    if len(found) == 3:
        assert ip_address(found + b"\0").version == 4


def test_a_full_network_waits_for_the_end_of_its_hour() -> None:
    clock = Clock()
    networks = Networks(2, clock)
    for minute in (0, 30):
        clock.at += minute * 60
        assert networks.wait("192.0.2.1") == 0
        networks.count("192.0.2.1")
    assert networks.wait("192.0.2.77") == 1800
    assert networks.wait("198.51.100.1") == 0
    clock.at += 1800
    assert networks.wait("192.0.2.1") == 0
    networks.count("192.0.2.1")
    assert networks.wait("192.0.2.1") == 0, "the new hour began with one"


def test_counts_are_bounded_and_hold_no_address() -> None:
    networks = Networks(1, Clock(), kept=10)
    for number in range(100):
        networks.count(f"192.0.{number}.1")
    assert len(networks._counts) == 10
    assert networks.wait("192.0.99.1") > 0
    assert bytes([192, 0, 99]) not in b"".join(networks._counts)


@given(
    parts=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="{}")), min_size=3, max_size=3
    ),
    values=st.tuples(*[st.text(st.characters(codec="ascii"), max_size=200)] * 2),
)
def test_a_spliced_page_is_the_page_with_its_values(
    parts: list[str], values: tuple[str, str]
) -> None:
    spliced = Spliced("{one}".join(parts[:2]) + "{two}" + parts[2], ("{one}", "{two}"))
    wanted = (parts[0] + values[0] + parts[1] + values[1] + parts[2]).encode()
    assert spliced.plain(*values) == gzip.decompress(spliced.gzipped(*values)) == wanted
    with pytest.raises(ValueError, match="zip"):
        spliced.plain("only one")
