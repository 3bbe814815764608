"""Headers on the wire: whole syllables, lines that fit, and nothing that could be forged."""

from __future__ import annotations

import base64
import email
import quopri
import re
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.core.errors import InputError
from newsletter.language.syllables import SYLLABLE_START
from newsletter.rendering import headers
from tests.rendering import sample

_GOOD = st.text(
    st.one_of(
        st.sampled_from("မြန်မာစာအခွင့်အရေးကမ္ဘာ့ကုလသမဂ္ဂ၊။ သတင်း"),
        st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp", "Cn", "Zs")),
        st.just(" "),
    ),
    min_size=1,
    max_size=150,
).filter(lambda text: "=?" not in text and text == " ".join(text.split()))
_WORD = re.compile(r"=\?utf-8\?([bq])\?([^?\s]*)\?=")


def _decoded(line: str) -> str:
    """By the standard library's old decoder, which knows only RFC 2047."""
    value = line.partition(": ")[2].replace("\r\n", "")
    return str(make_header(decode_header(value)))


@given(_GOOD)
@example(sample.BURMESE.title * 3)
@example("[Weekly] " + sample.BURMESE.title + " (2023) " + sample.BURMESE.pull_quote)
def test_a_subject_comes_back_and_its_words_fit(text: str) -> None:
    line = headers.unstructured("Subject", text)
    assert _decoded(line) == text
    words = _WORD.findall(line)
    assert bool(words) != text.isascii()
    if words:
        assert all(len(part) <= 76 for part in line.split("\r\n"))
        assert all(len(f"=?utf-8?b?{payload}?=") <= 75 for _, payload in words)
        for encoding, payload in words[:-1]:
            assert encoding == "q" or "=" not in payload, "padding before the last word"


def test_no_encoded_word_starts_inside_a_syllable() -> None:
    text = sample.BURMESE.pull_quote * 2
    words = _WORD.findall(headers.unstructured("Subject", text))
    assert len(words) > 5
    for encoding, payload in words[1:]:
        raw = base64.b64decode(payload) if encoding == "b" else quopri.decodestring(payload, True)
        start = raw.decode()
        assert SYLLABLE_START.match(start) or start[0] == " ", start


@given(_GOOD)
@example("အပတ်စဉ် သတင်းလွှာ အယ်ဒီတာအဖွဲ့နှင့် ဘာသာပြန်အဖွဲ့")
@example('Doe, Jonathan <e@evil.org> "J"')
@example("a" * 149)
def test_a_display_name_never_adds_an_address(name: str) -> None:
    line = headers.mailbox("From", name, "weekly@example.org")
    raw = f"{line}\r\n\r\n".encode()
    parsed = email.message_from_bytes(raw, policy=policy.default)
    assert [address.addr_spec for address in parsed["From"].addresses] == ["weekly@example.org"]
    assert list(parsed.keys()) == ["From"]
    if name.isascii():
        assert parsed["From"].addresses[0].display_name == name
    else:
        assert _decoded(line).removesuffix(" <weekly@example.org>") == name


@pytest.mark.parametrize(
    "text",
    [
        *("a\r\nBcc: x@example.org", "a\nb", "a\0b", "a\x85b", "a\u2028b", "\u202egnp.exe"),
        *("\ud800", "=?utf-8?q?a=0D=0ABcc:_e@x.org?=", "tail =?"),
    ],
)
@pytest.mark.parametrize("name", ["Subject", "From"])
def test_what_could_forge_a_header_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(InputError) as caught:
        if name == "Subject":
            headers.unstructured(name, text)
        else:
            headers.mailbox(name, text, "weekly@example.org")
    assert name.lower() in caught.value.field.lower()


@pytest.mark.parametrize(
    "address",
    [
        *("x@example.org\r\nBcc: y@example.org", "a@b.org>, <c@d.org", "a b@c.org"),
        *("", "a@b@c.org", "=?utf-8?q?a?=@example.org"),
    ],
)
def test_only_one_plain_address_goes_into_an_address_header(address: str) -> None:
    with pytest.raises(InputError):
        headers.mailbox("To", "", address)


def test_unknown_headers_are_not_written() -> None:
    with pytest.raises(InputError):
        headers.field("X-A: b\r\nBcc", "x")
    with pytest.raises(InputError):
        headers.field("Bcc", "x@example.org")
    with pytest.raises(InputError):
        headers.field("Date", "now\r\nBcc: x@example.org")


def test_list_headers_are_never_encoded_and_fold_only_between_links() -> None:
    long = "https://news.example.org/u/" + "v1.k1." + "a" * 90
    line = headers.list_unsubscribe([long, "mailto:leave@news.example.org?subject=leave%20x"])
    assert line == (
        f"List-Unsubscribe: <{long}>,\r\n <mailto:leave@news.example.org?subject=leave%20x>"
    )
    assert headers.list_id("Weekly", "weekly.example.org") == "List-Id: Weekly <weekly.example.org>"
    assert headers.list_id("အပတ်စဉ်", "weekly.example.org") == "List-Id: <weekly.example.org>"
    for bad in (
        "https://x.org/a b",
        "https://x.org/>,<mailto:y@z.org",
        "javascript:x",
        "https://က",
    ):
        with pytest.raises(InputError):
            headers.list_unsubscribe([bad])


def test_dates_have_a_numeric_zone() -> None:
    moment = datetime(2023, 11, 20, 2, 30, tzinfo=UTC)
    assert headers.date(moment) == "Date: Mon, 20 Nov 2023 02:30:00 +0000"


def test_long_ascii_subjects_fold_at_spaces_only() -> None:
    text = "word " * 30 + "end"
    line = headers.unstructured("Subject", text)
    assert max(map(len, line.split("\r\n"))) <= 78
    assert line.replace("\r\n", "") == f"Subject: {text}"
