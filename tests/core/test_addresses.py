"""An address is either fit for an envelope or refused with a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.core.addresses import mask, parse
from newsletter.core.errors import InputError


@pytest.mark.parametrize(
    ("given_text", "wire"),
    [
        ("  Reader.One+weekly@Example.ORG ", "Reader.One+weekly@example.org"),
        ("+x@y.org", "+x@y.org"),
        ("a@မြန်မာ.com", "a@xn--7idjb0f4ck.com"),
        ("စာဖတ်သူ@example.org", "စာဖတ်သူ@example.org"),
    ],
)
def test_normal_form(given_text: str, wire: str) -> None:
    assert parse(given_text).text == wire


def test_one_mailbox_is_one_person_whatever_its_case() -> None:
    assert parse("Reader@Example.org").lookup == parse("reader@EXAMPLE.org").lookup


@pytest.mark.parametrize(
    "bad",
    [
        "", " ", "reader", "a@", "@b.org", "a@b@c.org", "a..b@x.org", ".a@x.org", "a@x..org",
        "a@localhost", "a@[127.0.0.1]", '"a b"@x.org', "a b@x.org", "a@x.org\nBcc: e@evil.org",
        "a@x.org\r", "a\0@x.org", "=?utf-8?q?x?=@x.org", "=cmd|calc@x.org", "a@x.org, b@y.org",
        "a\u200b@x.org", "a\u202e@x.org", "A <a@x.org>", "x" * 65 + "@x.org",
        "a@" + "x" * 250 + ".org",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_one_sentence(bad: str) -> None:
    if bad.endswith("\r"):
        bad = bad + "b"
    with pytest.raises(InputError) as caught:
        parse(bad, "row 17")
    assert str(caught.value).startswith("row 17: ")
    assert "\n" not in str(caught.value)
    assert "@x.org" not in str(caught.value), "an address must not travel in an error"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("reader", "it needs one @-sign"),
        ("a@b@c.org", "it needs one @-sign"),
        ("reader@gmail", "the part after the @-sign is not valid. It should have a period"),
        ("a@localhost", "the part after the @-sign is not valid. It should have a period"),
        ('"x y"@example.org', "quoting the part before the @-sign is not allowed here"),
        ("a@[127.0.0.1]", "a bracketed IP address after the @-sign is not allowed here"),
        ("name@gmail,com", "the part after the @-sign contains invalid characters: ','"),
        ("x@example..org", "an email address cannot have two periods in a row"),
    ],
)
def test_the_reason_is_the_one_that_holds(bad: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(bad, "row 17")
    assert str(caught.value) == f"row 17: this is no mail address: {reason}"


@given(st.text())
def test_nothing_but_input_error_and_no_way_into_a_header(text: str) -> None:
    try:
        address = parse(text)
    except InputError:
        return
    assert not any(c in address.text for c in "\r\n\0<> ,;")
    assert address.text.count("@") == 1


def test_mask_shows_nothing_to_others() -> None:
    assert mask(parse("reader@example.org")) == "r***@e***"
