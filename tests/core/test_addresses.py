"""An address is either fit for an envelope or refused with a sentence."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.core.address_remarks import remarks
from newsletter.core.addresses import FAULTS, _judge, fault, mask, parse, plain
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


@pytest.mark.parametrize(
    ("bad", "code", "said"),
    [
        ("  ", "empty", "write one such as reader@example.org"),
        ("reader.example.org", "no_at", "it needs one @-sign"),
        ("reader＠example.org", "no_at", "its @-sign is a wide one"),
        ("a@b@example.org", "form", "it needs one @-sign"),
        ("a@example.org;b@example.org", "form", "it needs one @-sign"),
        ('"a b"@example.org', "form", "quoting the part before the @-sign"),
        ("a..b@example.org", "form", "two periods in a row"),
        (".a@example.org", "form", "cannot start with a period"),
        ("a.@example.org", "form", "a period immediately before the @-sign"),
        ("Aye <a@example.org>", "form", "without a name and angle brackets"),
        ("<a@example.org>", "form", "without a name and angle brackets"),
        ("mailto:a@example.org", "form", "leave out 'mailto:'"),
        ("a(comment)@example.org", "characters", "invalid characters before the @-sign"),
        ("a b@example.org", "characters", "invalid characters before the @-sign: SPACE"),
        ("a\r\nBcc: b@example.org", "characters", "characters that no mail address may hold"),
        ("a\n@example.org", "characters", "characters that no mail address may hold"),
        ("a\0@example.org", "characters", "characters that no mail address may hold"),
        ("=?utf-8?q?x?=@example.org", "characters", "characters that no mail address may hold"),
        ("a@=?utf-8?q?x?=.org", "characters", "characters that no mail address may hold"),
        ("=cmd|calc@example.org", "characters", "characters that no mail address may hold"),
        ("a\u202egro.b@example.org", "characters", "characters that no mail address may hold"),
        ("a\u2066b@example.org", "characters", "characters that no mail address may hold"),
        ("a\u00adb@example.org", "characters", "characters that no mail address may hold"),
        ("a@exam\u00adple.org", "characters", "characters that no mail address may hold"),
        ("a@exam\u2060ple.org", "characters", "characters that no mail address may hold"),
        ("a@exam\ufe0fple.org", "characters", "characters that no mail address may hold"),
        ("a\u3000b@example.org", "characters", "characters that no mail address may hold"),
        ("ａ@example.org", "characters", "letters of another width or shape"),
        ("ﬁ@example.org", "characters", "letters of another width or shape"),
        ("a@[192.0.2.1]", "domain", "a bracketed IP address after the @-sign is not allowed"),
        ("a@192.0.2.1", "domain", "not within a valid top-level domain"),
        ("a@example.org.", "domain", "cannot end with a period"),
        ("a@example..org", "domain", "two periods in a row"),
        ("a@-example.org", "domain", "a hyphen immediately after the @-sign"),
        ("a@example", "domain", "it should have a period"),
        ("a@printer.local", "domain", "special-use or reserved"),
        ("a@ab--cd.org", "domain", "two dashes"),
        ("a@xn--zzzz.org", "domain", "not valid IDNA"),
        ("a@☃.org", "domain", "invalid (Codepoint U+2603)"),
        ("x" * 65 + "@example.org", "too_long", "too long before the @-sign"),
        ("စ" * 22 + "@example.org", "too_long", "takes 66 bytes, and there is room for 64"),
        ("a@" + "x" * 64 + ".org", "too_long", "so many characters"),
        ("a@" + ".".join(["x" * 60] * 5) + ".org", "too_long", "too long"),
        ("a@" + "မ" * 60 + ".org", "domain", "invalid"),
    ],
)  # fmt: skip
def test_every_fault_has_a_code_and_a_sentence(bad: str, code: str, said: str) -> None:
    assert fault(bad) == code
    with pytest.raises(InputError) as caught:
        parse(bad, "row 17")
    assert said.lower() in caught.value.message.lower()
    assert "example.org" not in caught.value.message or code == "empty"


@pytest.mark.parametrize(
    ("written", "wire"),
    [
        ("READER@EXAMPLE.ORG", "READER@example.org"),
        ("Info@example.org", "info@example.org"),
        ("reader+weekly@example.org", "reader+weekly@example.org"),
        ("=a@example.org", "=a@example.org"),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
        ("စ" * 21 + "@example.org", "စ" * 21 + "@example.org"),
        ("a@ｅｘａｍｐｌｅ．ｏｒｇ", "a@example.org"),
        ("a@straße.example.org", "a@xn--strae-oqa.example.org"),
        ("ဦးမြ@သတင်း.example.org", "ဦးမြ@xn--ridx5bwgj.example.org"),
        ("e\u0301@example.org", "é@example.org"),
    ],
)
def test_what_is_one_comes_out_as_it_goes_on_the_wire(written: str, wire: str) -> None:
    assert parse(written).text == wire
    assert fault(written) is None
    assert parse(parse(written).text) == parse(written)


_PIECES = st.text(st.sampled_from("aZ09.-_+'=?|(@ \"<>~!öမxn"), max_size=12)
_NEARLY = st.builds(
    lambda local, labels, top: f"{local}@{'.'.join(labels)}.{top}",
    st.one_of(_PIECES, st.text("ab.-+'", min_size=58, max_size=66), st.just("Info")),
    st.lists(
        st.one_of(
            st.text("aB1-", min_size=1, max_size=5),
            st.text("ab", min_size=60, max_size=65),
            st.sampled_from(["xn--p1ai", "ab--c", "example", ""]),
        ),
        max_size=5,
    ),
    st.one_of(st.sampled_from(["org", "Local", "test", "x1", "arpa", "c", ""]), _PIECES),
)


_ODDLY_PLAIN = st.builds(
    lambda local, labels, top: f"{local}@{'.'.join(labels)}.{top}",
    st.sampled_from(["a", "Info", "WWW", "+x", "a.b", "a'b-", "x" * 64, "x" * 65, ".a", "a..b"]),
    st.lists(
        st.one_of(
            st.sampled_from(["a", "ab--c", "xn--p1ai", "xn--zzzz", "-a", "a-", "B1", "x" * 63]),
            st.text("a-B1", min_size=1, max_size=64),
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["org", "Local", "test", "arpa", "x1", "c", "invalid", "ONION", "x" * 64]),
)


@given(st.one_of(_ODDLY_PLAIN, _NEARLY, st.text(), st.emails()))
@example("x" * 65 + "@example.org")
@example("a@" + "x" * 64 + ".org")
@example("x" * 64 + "@" + ".".join(["y" * 61] * 3) + ".yyy.org")  # 255 octets
@settings(max_examples=600)
def test_the_quick_judgment_is_the_slow_one(text: str) -> None:
    quick = plain(text)
    if quick is not None:
        assert quick == _judge(text)


@given(st.one_of(_NEARLY, st.text()))
def test_a_fault_is_told_whenever_parsing_refuses(text: str) -> None:
    code = fault(text)
    assert code is None or code in FAULTS
    try:
        parse(text)
    except InputError:
        assert code is not None
    else:
        assert code is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reader@example.org", []),
        ("Office@example.org", ["role"]),
        ("no-reply@example.org", ["role"]),
        ("a@မြန်မာ.example.org", []),
        ("a@bücher.example.org", []),
        ("a@日本ニュースnews.example.org", []),
        ("a@exаmple.org", ["look_alike"]),  # a Cyrillic а among Latin letters
        ("a@аррӏе.example.org", ["look_alike"]),  # Cyrillic throughout
        ("a@новости.example.org", []),
    ],
)
def test_what_is_odd_is_remarked_and_taken(text: str, said: list[str]) -> None:
    assert remarks(parse(text)) == said
