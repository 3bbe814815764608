"""H1 to H19: the rules that receivers and standards set for headers, each on finished bytes.

The numbers are those that `newsletter check` names. Whatever is built here is built as it leaves:
the sample issue in every edition, with and without picture and as text alone, signed by two keys.
"""

from __future__ import annotations

import base64
import email
import quopri
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import cache

import pytest

from newsletter.core import addresses
from newsletter.core.errors import InputError
from newsletter.rendering import headers
from newsletter.rendering.content import Letter, RenderedEdition
from newsletter.rendering.edition import render
from newsletter.rendering.message import MessageTemplate
from tests.rendering import sample
from tests.rendering.dkim_verifier import tags
from tests.rendering.test_dkim import SIGNER

EDITIONS = ("en", "my", "en+my")
KINDS = [(edition, kind) for edition in EDITIONS for kind in ("picture", "bare", "text")]
_ONCE = (
    *("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Reply-To"),
    *("List-Id", "List-Owner", "List-Unsubscribe", "List-Unsubscribe-Post", "Content-Language"),
    "Feedback-ID",
)
_WORD = re.compile(rb"=\?utf-8\?([bq])\?([^?\s]*)\?=")


@cache
def built(edition: str, kind: str) -> bytes:
    """The sample as it leaves."""
    letter = sample.letter(edition, with_picture=kind == "picture")
    template = MessageTemplate(letter, render(letter, sample.theme()), SIGNER)
    return template.build(sample.recipient(), text_only=kind == "text")


every = pytest.mark.parametrize(("edition", "kind"), KINDS)


def head(raw: bytes) -> bytes:
    """The headers of a message, with the CRLF of the last."""
    return raw.partition(b"\r\n\r\n")[0] + b"\r\n"


def field(raw: bytes, name: str) -> bytes:
    """The value of the one header of this name, folds and all."""
    found = re.findall(rb"(?mi)^%b:[ ]?((?:[^\r]|\r\n[ \t])*)\r\n" % name.encode(), head(raw))
    assert len(found) == 1, f"{name} stands there {len(found)} times"
    return bytes(found[0])


def unfolded(value: bytes) -> str:
    return value.replace(b"\r\n", b"").decode()


def _build(letter: Letter, subject: str = "Subject", **recipient: object) -> bytes:
    template = MessageTemplate(letter, RenderedEdition(subject, "", "<p>h</p>", "t"), SIGNER)
    return template.build(sample.recipient()._replace(**recipient))  # type: ignore[arg-type]


@every
def test_h1_each_header_stands_once(edition: str, kind: str) -> None:
    names = re.findall(rb"(?m)^([A-Za-z-]+):", head(built(edition, kind)))
    counted = Counter(name.decode() for name in names)
    assert {name: counted[name] for name in _ONCE} == dict.fromkeys(_ONCE, 1)
    twice = {name for name, count in counted.items() if count > 1}
    assert twice <= {"DKIM-Signature"}


def test_h2_message_ids_are_ours_and_each_readers_own() -> None:
    letter = sample.letter("en", with_picture=False)
    found = {_build(letter, message_id=f"{n}a.b@news.example.org") for n in range(3)}
    ids = {field(raw, "Message-ID") for raw in found}
    assert len(ids) == 3
    for value in ids:
        assert re.fullmatch(rb"<[!-~]+@news\.example\.org>", value)
    for wrong in ("no-at", "a@b>", "က@news.example.org", ""):
        with pytest.raises(InputError):
            _build(letter, message_id=wrong)


def test_h3_a_second_attempt_is_the_same_message() -> None:
    letter = sample.letter("en", with_picture=False)
    template = MessageTemplate(letter, RenderedEdition("S", "", "<p>h</p>", "t"))
    again = sample.recipient()._replace(date=datetime(2023, 11, 20, 9, 0, tzinfo=UTC))
    first, second = template.build(sample.recipient()), template.build(again)
    assert field(first, "Message-ID") == field(second, "Message-ID")
    dated = re.compile(rb"(?m)^Date:.*\r\n")
    assert dated.sub(b"", first) == dated.sub(b"", second)


@every
def test_h4_the_date_is_the_moment_with_a_numeric_zone(edition: str, kind: str) -> None:
    value = field(built(edition, kind), "Date").decode()
    assert re.fullmatch(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000", value)
    assert parsedate_to_datetime(value) == sample.recipient().date


@every
def test_h5_lines_are_short_and_end_in_crlf_alone(edition: str, kind: str) -> None:
    raw = built(edition, kind)
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    rest = raw.replace(b"\r\n", b"")
    assert b"\r" not in rest
    assert b"\n" not in rest
    assert b"\0" not in rest
    assert raw.isascii()


@pytest.mark.parametrize("subject", ["x" * 1500, "a " * 700, "မြန်မာ" * 300, "é" * 990])
def test_h5_no_subject_makes_a_line_too_long(subject: str) -> None:
    raw = _build(sample.letter("en", with_picture=False), subject)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    message = email.message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
    assert "".join(str(message["Subject"]).split()) == "".join(subject.split())


@every
def test_h6_encoded_words_are_short_whole_and_only_where_they_may_be(
    edition: str, kind: str
) -> None:
    raw = head(built(edition, kind))
    for line in raw.split(b"\r\n"):
        if found := list(_WORD.finditer(line)):
            assert len(line) <= 76
            assert all(len(word[0]) <= 75 for word in found)
            for word in found:
                _whole(word).decode()  # a cut character would not decode
    for name in (*_ONCE, "DKIM-Signature"):
        if name not in ("From", "Subject", "DKIM-Signature"):
            assert b"=?" not in field(raw, name), name
    assert not re.search(rb'"[^"\r]*=\?', raw), "an encoded-word within quotes stays as it is"
    assert not re.search(rb"=\?[^<]*@", field(raw, "From").partition(b"<")[2])


def _whole(word: re.Match[bytes]) -> bytes:
    if word[1] == b"b":
        return base64.b64decode(word[2], validate=True)
    return quopri.decodestring(word[2], header=True)


@pytest.mark.parametrize("edition", EDITIONS)
def test_h6_words_break_between_syllables_and_are_padded_last(edition: str) -> None:
    """GMime reads on through words without padding only, and some clients put a blank between."""
    long = sample.BURMESE.pull_quote.replace(" ", "") + " " + sample.ENGLISH.title
    raw = _build(sample.letter(edition, with_picture=False), long)
    words = list(_WORD.finditer(field(raw, "Subject")))
    assert len(words) > 6
    assert max(len(line) for line in head(raw).split(b"\r\n") if _WORD.search(line)) <= 76
    assert all(b"=" not in word[2] for word in words[:-1] if word[1] == b"b")
    for word in words:
        assert not re.match("[\u102b-\u103e\u1037-\u103a\u104a\u104b]", _whole(word).decode())
    assert b"".join(map(_whole, words)).decode() == long


def test_h7_an_ascii_subject_is_written_as_it_is() -> None:
    assert field(built("en", "bare"), "Subject") == sample.ENGLISH.title.encode()
    assert b"=?utf-8?" in field(built("my", "bare"), "Subject")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("lamp.jpg", "filename=lamp.jpg"),
        ("a lamp.jpg", 'filename="a lamp.jpg"'),
        ('"x"; y=\\z', r'filename="\"x\"; y=\\z"'),
        ("မီးအိမ်.jpg", "filename*=utf-8''%E1%80%99%E1%80%AE%E1%80%B8%E1%80%A1%E1%80%AD%E1%80%99"
         "%E1%80%BA.jpg"),
    ],
)  # fmt: skip
def test_h8_file_names_are_written_by_rfc_2231(name: str, written: str) -> None:
    line = f"Content-Disposition: inline; {headers.parameter('filename', name)}\r\n\r\n"
    assert written in line
    read = email.message_from_string(line, policy=policy.default)
    assert read.get_filename() == name
    with pytest.raises(InputError):
        headers.parameter("filename", "=?utf-8?q?a=0D=0ABcc?=")


def test_h8_the_picture_has_a_plain_name() -> None:
    raw = built("my", "picture")
    assert re.search(rb'Content-Disposition: inline;\r\n filename="?[A-Za-z0-9.-]+"?\r\n', raw)


def test_h9_a_domain_of_any_script_is_written_in_ascii() -> None:
    """IDNA 2008 with UTS 46; a local part has no ASCII form and needs SMTPUTF8."""
    reader = addresses.parse("reader@ဥပမာ.example.net")
    raw = _build(sample.letter("en", with_picture=False), address=reader)
    assert re.fullmatch(rb"reader@xn--[a-z0-9-]+\.example\.net", field(raw, "To"))
    assert addresses.parse("x@straße.example.net").text == "x@xn--strae-oqa.example.net"
    foreign = _build(
        sample.letter("en", with_picture=False), address=addresses.parse("ကို@example.net")
    )
    assert field(foreign, "To").decode() == "ကို@example.net"
    assert head(foreign).replace("ကို".encode(), b"").isascii()


@every
def test_h10_list_unsubscribe_is_one_https_and_one_mailto(edition: str, kind: str) -> None:
    value = field(built(edition, kind), "List-Unsubscribe")
    found = re.fullmatch(rb"<(https://[!-~]+)>,\r\n <(mailto:[!-~]+)>", value)
    assert found is not None
    assert found[1].decode() == sample.recipient().unsubscribe_url
    assert found[2].decode() == sample.recipient().leave_mailto


@pytest.mark.parametrize("size", [40, 75, 120, 400, 880])
def test_h10_links_of_any_length_are_neither_folded_nor_encoded(size: int) -> None:
    long = f"https://news.example.org/u/{'t' * size}"[:900]
    raw = _build(sample.letter("en", with_picture=False), unsubscribe_url=long)
    assert f"<{long}>,\r\n <mailto:".encode() in field(raw, "List-Unsubscribe")
    with pytest.raises(InputError, match="longer than"):
        _build(sample.letter("en", with_picture=False), unsubscribe_url=f"https://x/{'t' * 900}")


@every
def test_h11_one_click_is_said_in_the_very_words(edition: str, kind: str) -> None:
    line = b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    assert head(built(edition, kind)).count(line) == 1


@every
def test_h12_what_matters_is_signed_and_from_and_subject_once_more(edition: str, kind: str) -> None:
    raw = built(edition, kind)
    marks = re.findall(rb"(?m)^DKIM-Signature:((?:[^\r]|\r\n[ \t])*)\r\n", head(raw))
    assert len(marks) == 2
    for mark in marks:
        listed = Counter(tags(mark)["h"].lower().split(":"))
        assert {name.lower() for name in _ONCE} <= set(listed)
        for name in ("from", "subject", "list-unsubscribe", "list-unsubscribe-post"):
            assert listed[name] == 2, f"another {name} could be added"


@every
def test_h13_the_list_has_a_name_that_stays(edition: str, kind: str) -> None:
    value = field(built(edition, kind), "List-Id")
    assert re.fullmatch(rb"(?:[A-Za-z ]+ )?<weekly\.news\.example\.org>", value)
    assert len(value) <= 255


@every
def test_h14_feedback_id_tells_the_mailing_and_nothing_of_the_reader(
    edition: str, kind: str
) -> None:
    value = field(built(edition, kind), "Feedback-ID").decode()
    *parts, sender = value.split(":")
    assert parts == ["12", edition.replace("+", "-"), "weekly"]
    assert 5 <= len(sender) <= 15
    letter = sample.letter("en", with_picture=False)
    other = _build(letter, address=addresses.parse("other@example.com"), message_id="z@x.org")
    assert field(other, "Feedback-ID") == field(built("en", "bare"), "Feedback-ID")
    for wrong in (["a", "b", "c", "tiny"], ["a:b", "sender"], ["1", "2", "3", "4", "sender"]):
        with pytest.raises(InputError):
            headers.feedback_id(*wrong)


@every
def test_h15_a_newsletter_is_a_list_and_not_automatic(edition: str, kind: str) -> None:
    raw = head(built(edition, kind))
    assert b"Auto-Submitted" not in raw
    assert b"Precedence" not in raw


@every
def test_h16_the_languages_are_told_in_their_order(edition: str, kind: str) -> None:
    assert unfolded(field(built(edition, kind), "Content-Language")) == edition.replace("+", ", ")


@every
def test_h17_the_head_is_small_and_no_answer_is_feigned(edition: str, kind: str) -> None:
    raw = built(edition, kind)
    assert len(head(raw)) < 4_000
    assert not re.match(rb"(?i)(re|fwd?|aw):", field(raw, "Subject"))


@every
def test_h19_no_header_tells_of_the_reader_but_to_and_the_ways_out(edition: str, kind: str) -> None:
    raw = head(built(edition, kind))
    assert not re.search(rb"(?mi)^x-", raw)
    reader = sample.recipient()
    own = {b"To", b"Message-ID", b"List-Unsubscribe", b"DKIM-Signature"}
    for name, value in re.findall(rb"(?m)^([A-Za-z-]+):((?:[^\r]|\r\n[ \t])*)\r\n", raw):
        if name not in own:
            assert b"reader" not in value.lower(), name
            assert reader.address.text.encode() not in value, name


@pytest.mark.parametrize(
    "text",
    [
        *("a\r\nBcc: x@example.org", "a\nb", "a\0b", "a\x85b", "a\x0bb", "a\u2028b", "\u202egnp"),
        *("\u2066a", "\u200fa", "\u061ca", "\ud800", "=?utf-8?q?a=0D=0ABcc:_e@x.org?=", "?= =?"),
    ],
)
@pytest.mark.parametrize("where", ["subject", "sender", "list", "mark"])
def test_what_could_forge_a_header_reaches_no_message(where: str, text: str) -> None:
    letter = sample.letter("en", with_picture=False)
    if where == "sender":
        letter = replace(letter, sender_name=text)
    elif where == "list":
        letter = replace(letter, blocks=(replace(letter.blocks[0], publication_name=text),))
    recipient = {"subject_mark": text} if where == "mark" else {}
    if where == "list" and not text.isascii():
        raw = _build(letter)  # such a name is left out of List-Id
        assert field(raw, "List-Id") == b"<weekly.news.example.org>"
        return
    with pytest.raises(InputError):
        _build(letter, text if where == "subject" else "S", **recipient)


def test_a_name_of_ten_thousand_letters_is_refused_by_name() -> None:
    letter = replace(sample.letter("en", with_picture=False), sender_name="n" * 10_000)
    with pytest.raises(InputError, match="200 are the most") as caught:
        _build(letter)
    assert "From" in caught.value.field
