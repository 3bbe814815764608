"""The bytes of a message: what a parser reads is what was rendered, for every recipient."""

from __future__ import annotations

import email
import re
from email import policy
from email.message import EmailMessage
from html import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.core.errors import InputError
from newsletter.rendering.content import PREFERENCES_URL, UNSUBSCRIBE_URL, RenderedEdition
from newsletter.rendering.edition import picture_id, render
from newsletter.rendering.message import MessageTemplate
from newsletter.rendering.mime import base64_lines, quoted_printable, smaller_encoding
from tests.rendering import sample

_THEME = sample.theme()
_LETTERS = {edition: sample.letter(edition) for edition in ("en", "my", "en+my")}
_PIECES = st.sampled_from(
    (
        *(UNSUBSCRIBE_URL, PREFERENCES_URL, " ", "\n", "မြန်မာစာ ", "plain words. ", "=", "."),
        *("a" * 75, "\t \n", "x" * 56, "From here\n", "စ" * 40, "\r\n.\r\n", "." * 74, "..."),
    )
)
_TEXTS = st.one_of(
    st.lists(_PIECES, max_size=30).map("".join),
    st.tuples(
        st.text(max_size=200),
        st.just(UNSUBSCRIBE_URL),
        st.text(max_size=200),
    ).map("".join),
)


def _parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    assert not any(part.defects for part in message.walk())
    return message


def _on_the_wire(raw: bytes) -> None:
    assert raw.isascii()
    assert raw.endswith(b"\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n\r\n", 1)[1].split(b"\r\n"))) <= 76  # RFC 2045 §6.7
    assert b"\n." not in raw  # so nothing is stuffed on the way (RFC 5321 §4.5.2)
    assert b"\nFrom " not in raw
    assert raw[:1] != b"."


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def _is_quoted(raw: bytes) -> bool:
    """The CRLF at the end of a single part is its own; in a multipart it is the boundary's."""
    return b"\r\nContent-Transfer-Encoding: quoted-printable\r\n" in raw.partition(b"\r\n\r\n")[0]


def _canonical(text: str) -> str:
    return re.sub(r"\r\n|\r|\n", "\r\n", text)


@settings(deadline=None)
@given(_TEXTS, _TEXTS, st.sampled_from(["", "a", "v1.k1." + "b" * 62]), st.booleans())
@example(UNSUBSCRIBE_URL, PREFERENCES_URL + UNSUBSCRIBE_URL, "t", True)
@example(".\n" + "." * 200 + "\n.=." + UNSUBSCRIBE_URL + ".\n..", "." * 76, "t", True)
@example("a" * 74 + ".=" + "\n" + "a" * 73 + "." * 5, "From " * 40, "t", False)
@example("စ" * 19 + UNSUBSCRIBE_URL + "စ" * 400 + PREFERENCES_URL + "စ", "x", "t" * 37, False)
@example("x" * 74 + UNSUBSCRIBE_URL, "y" * 75 + PREFERENCES_URL + " ", "t", False)
def test_parts_decode_to_what_was_rendered(
    text: str, html: str, token: str, with_picture: bool
) -> None:
    letter = sample.letter("en", with_picture=with_picture)
    template = MessageTemplate(letter, RenderedEdition("Subject", "", html, text))
    reader = sample.recipient(f"t.{token}")._replace(
        unsubscribe_url=f"https://n.example.org/{token}"
    )
    raw = template.build(reader)
    _on_the_wire(raw)
    message = _parsed(raw)
    links = {UNSUBSCRIBE_URL: reader.unsubscribe_url, PREFERENCES_URL: reader.preferences_url}
    for placeholder, link in links.items():
        text, html = text.replace(placeholder, link), html.replace(placeholder, escape(link))
    assert _body(message, "plain") == _canonical(text)
    assert _body(message, "html") == _canonical(html)
    assert template.build(reader) == raw
    alone = template.build(reader, text_only=True)
    _on_the_wire(alone)
    assert _body(_parsed(alone), "plain") == _canonical(text) + "\r\n" * _is_quoted(alone)


@pytest.mark.parametrize("edition", ["en", "my", "en+my"])
def test_a_whole_message_of_each_edition(edition: str) -> None:
    letter = _LETTERS[edition]
    rendered = render(letter, _THEME)
    raw = MessageTemplate(letter, rendered).build(sample.recipient())
    _on_the_wire(raw)
    message = _parsed(raw)
    assert len(set(message.keys())) == len(message.keys())
    assert set(message.keys()) >= {
        *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "List-Id"),
        *("List-Unsubscribe", "List-Unsubscribe-Post", "Content-Language", "Content-Type"),
    }
    assert message["Subject"] == rendered.subject
    assert message["Content-Language"] == edition.replace("+", ", ")
    assert str(message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert b"List-Unsubscribe: <https://news.example.org/u/v1.k1.reader>,\r\n <mailto:" in raw
    parts = [(p.get_content_type(), p["Content-Transfer-Encoding"]) for p in message.walk()]
    smaller = "quoted-printable" if edition == "en" else "base64"
    assert parts == [
        ("multipart/alternative", None),
        ("text/plain", smaller),
        ("multipart/related", None),
        ("text/html", smaller),
        ("image/jpeg", "base64"),
    ]


@pytest.mark.parametrize("edition", ["en", "my", "en+my"])
def test_who_wants_text_alone_gets_one_part_and_the_same_headers(edition: str) -> None:
    letter = _LETTERS[edition]
    rendered = render(letter, _THEME)
    template = MessageTemplate(letter, rendered)
    raw = template.build(sample.recipient(), text_only=True)
    _on_the_wire(raw)
    message, usual = _parsed(raw), _parsed(template.build(sample.recipient()))
    assert not message.is_multipart()
    assert str(message["Content-Type"]) == 'text/plain; charset="utf-8"'
    assert message["Content-Transfer-Encoding"] == (
        "quoted-printable" if edition == "en" else "base64"
    )
    assert _body(message, "plain").rstrip() == _body(usual, "plain").rstrip()
    assert sample.recipient().unsubscribe_url in _body(message, "plain")
    apart = {"content-type", "content-transfer-encoding"}
    for name in {n.lower() for n in usual.keys()} - apart:  # noqa: SIM118
        assert message.get_all(name) == usual.get_all(name), name
    for never in (b"text/html", b"boundary", b"<html", b"image/"):
        assert never not in raw.lower()
    assert len(raw) < len(template.build(sample.recipient())) / 2


def test_the_picture_travels_inside_and_is_named_by_the_page() -> None:
    letter = _LETTERS["en"]
    message = _parsed(MessageTemplate(letter, render(letter, _THEME)).build(sample.recipient()))
    image = next(part for part in message.walk() if part.get_content_maintype() == "image")
    assert letter.picture is not None
    assert image.get_payload(decode=True) == letter.picture.data
    assert image["Content-ID"] == f"<{picture_id(letter)}>"
    assert f'src="cid:{picture_id(letter)}"' in _body(message, "html")


def test_no_reader_gets_the_links_of_another() -> None:
    letter = _LETTERS["en+my"]
    template = MessageTemplate(letter, render(letter, _THEME))
    readers = [sample.recipient(f"v1.k1.{'r' * 30}{number:03d}") for number in range(20)]
    for reader in [*readers, sample.recipient("short"), readers[0]]:
        message = _parsed(template.build(reader))
        for kind in ("plain", "html"):
            body = _body(message, kind)
            found = set(re.findall(r"https://news\.example\.org/[up]/[\w.]+", body))
            assert found == {reader.unsubscribe_url, reader.preferences_url}
            assert "placeholder.invalid" not in body


def test_a_test_message_is_marked_in_its_subject() -> None:
    letter = _LETTERS["my"]
    rendered = render(letter, _THEME)
    raw = MessageTemplate(letter, rendered).build(sample.recipient(mark="[TEST] "))
    assert _parsed(raw)["Subject"] == f"[TEST] {rendered.subject}"


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": "a@b>\r\nBcc: <x@example.org"},
        {"unsubscribe_url": "https://x.example.org/u\r\nBcc: x@example.org"},
        {"preferences_url": "https://x.example.org/p\r\n.\r\nMAIL FROM"},
        {"leave_mailto": "mailto:x@example.org>, <https://evil.example"},
        {"subject_mark": "x\r\nBcc: y@example.org "},
    ],
)
def test_nothing_of_a_recipient_can_forge_a_header(change: dict[str, str]) -> None:
    letter = sample.letter("en", with_picture=False)
    template = MessageTemplate(letter, RenderedEdition("S", "", "h", "t"))
    with pytest.raises(InputError):
        template.build(sample.recipient()._replace(**change))  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0, 5, 12, 20, 50, 100])
def test_the_smaller_encoding_is_taken(share: int) -> None:
    raw = ("စ" * share + "plain text " * (100 - share) + "\r\n").encode() * 20
    sizes = {"quoted-printable": len(quoted_printable(raw)), "base64": len(base64_lines(raw))}
    assert sizes[smaller_encoding(raw)] == min(sizes.values())
