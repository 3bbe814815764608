"""Which provider takes a message: shares by weight, the same one at every try, fail-over."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.routing import Route, matching, ranked

USUAL = Route({"smtp": 1.0})
SHARED = Route({"ses": 3.0, "relay-b": 1.0}, fallback=("smtp", "last"))
ALL = {"ses", "relay-b", "smtp", "last"}
IDS = range(1, 10_001)


def _shares(route: Route, healthy: set[str]) -> Counter[str | None]:
    return Counter(_chosen(route, number, healthy) for number in IDS)


def _chosen(route: Route, number: int, healthy: set[str]) -> str | None:
    found = matching([route, USUAL], "w", "en", "x.org")
    return next((name for name in ranked(found, number) if name in healthy), None)


def test_shares_follow_the_weights() -> None:
    shares = _shares(SHARED, ALL)
    assert set(shares) == {"ses", "relay-b"}, "fallback is not used while others are there"
    assert 7_350 < shares["ses"] < 7_650  # 7,500 ± 3.5 standard deviations
    three = _shares(Route({"a": 5.0, "b": 3.0, "c": 2.0}), {"a", "b", "c"})
    assert all(
        abs(three[name] - want) < 180 for name, want in zip("abc", (5000, 3000, 2000), strict=True)
    )


def test_who_is_down_gives_its_own_to_the_others_by_weight_and_nobody_else_moves() -> None:
    route = Route({"a": 2.0, "b": 2.0, "c": 1.0})
    before = {number: _chosen(route, number, {"a", "b", "c"}) for number in IDS}
    after = {number: _chosen(route, number, {"b", "c"}) for number in IDS}
    assert all(before[n] == after[n] for n in IDS if before[n] != "a")
    moved = Counter(after[n] for n in IDS if before[n] == "a")
    assert 0.60 < moved["b"] / moved.total() < 0.73, "two thirds, as b and c weigh 2 and 1"
    again = {number: _chosen(route, number, {"a", "b", "c"}) for number in IDS}
    assert again == before, "and they come back"


def test_fallback_is_asked_in_its_order_when_nobody_else_is_healthy() -> None:
    assert _shares(SHARED, {"smtp", "last"}) == {"smtp": len(IDS)}
    assert _shares(SHARED, {"last"}) == {"last": len(IDS)}
    assert _shares(SHARED, set()) == {None: len(IDS)}
    assert _shares(SHARED, {"unheard-of"}) == {None: len(IDS)}


@given(
    st.integers(1, 2**62),
    st.dictionaries(st.sampled_from("abcdef"), st.floats(0.001, 1e6), min_size=1),
    st.sets(st.sampled_from("abcdefxy")),
)
def test_the_same_delivery_finds_the_same_provider_however_others_fare(
    number: int, weights: dict[str, float], healthy: set[str]
) -> None:
    route = Route(weights, fallback=("x", "y"))
    first = ranked(route, number)[0]
    assert sorted(ranked(route, number)) == sorted(route.names)
    assert _chosen(route, number, healthy | {first}) == first
    found = _chosen(route, number, healthy)
    assert found in healthy if healthy & set(route.names) else found is None


BY_PUBLICATION = Route({"ses": 1.0}, publication="weekly")
BURMESE = Route({"relay-b": 1.0}, publication="weekly", edition="my")
GOOGLE = Route({"relay-c": 1.0}, domains=("gmail.com", "*.google.example"))
ROUTES = (BURMESE, GOOGLE, BY_PUBLICATION, USUAL)


@pytest.mark.parametrize(
    ("publication", "edition", "domain", "route"),
    [
        ("weekly", "my", "gmail.com", BURMESE),
        ("weekly", "en", "gmail.com", GOOGLE),
        ("daily", "my", "mail.google.example", GOOGLE),
        ("daily", "my", "a.b.google.example", GOOGLE),
        ("daily", "my", "google.example", USUAL),
        ("daily", "my", "notgmail.com", USUAL),
        ("daily", "my", "evilgoogle.example", USUAL),
        ("weekly", "en+my", "x.org", BY_PUBLICATION),
        ("daily", "en", "x.org", USUAL),
    ],
)
def test_the_first_route_that_fits_takes_it(
    publication: str, edition: str, domain: str, route: Route
) -> None:
    assert matching(ROUTES, publication, edition, domain) is route
