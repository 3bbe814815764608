"""A message taken apart says exactly what went into it, Burmese above all."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.providers.parts import decoded, taken_apart
from newsletter.rendering import headers
from newsletter.rendering.edition import picture_id, render
from newsletter.rendering.message import MessageTemplate
from tests.rendering import sample

_LETTERS = st.text(
    st.one_of(
        st.sampled_from("မြန်မာစာ ပညာရေး၊ လွတ်လပ်မှု။ \u200bကျောင်းများ"),
        st.sampled_from('Rain? = _ , "x" <a@b> (c) é ü 雨 🌧'),
        st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cf")),
    ),
    min_size=1,
    max_size=120,
).map(lambda text: " ".join(text.split()))


@settings(max_examples=200)
@given(_LETTERS)
@example("မြန်မာစာ weekly မြန်မာစာ")
@example("a b =3D c")
@example(" ".join(["မိုး"] * 30))
def test_a_subject_survives_our_own_header_writer(subject: str) -> None:
    if not subject or "=?" in subject:
        return
    field = headers.unstructured("Subject", subject)
    data = f"{field}\r\n\r\nx\r\n".encode()
    assert taken_apart(data).subject == subject


@settings(max_examples=200)
@given(_LETTERS)
@example('Doe, "J" မြန်မာ')
@example("Weekly, the")
def test_a_senders_name_survives_too(name: str) -> None:
    if not name or "=?" in name:
        return
    field = headers.mailbox("From", name, "desk@news.example")
    sender = taken_apart(f"{field}\r\n\r\nx\r\n".encode()).sender
    assert (" ".join(sender.name.split()), sender.address) == (name.strip(), "desk@news.example")
    assert sender.phrase.isascii()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\r\n =?UTF-8*my?Q?_b?=", "a b"),
        ("x =?utf-8?b?4YCZ4YCt4YCv4YC4?= y", "x မိုး y"),
        ("plain = ? text", "plain = ? text"),
    ],
)
def test_encoded_words_as_rfc_2047_says(raw: str, text: str) -> None:
    assert decoded(raw) == text


@pytest.mark.parametrize("edition", ["en", "my", "en+my"])
@pytest.mark.parametrize("text_only", [False, True])
def test_a_rendered_issue_comes_apart_as_it_was_put_together(edition: str, text_only: bool) -> None:
    letter = sample.letter(edition)
    rendered = render(letter, sample.theme())
    reader = sample.recipient()
    data = MessageTemplate(letter, rendered).build(reader, text_only=text_only)
    parts = taken_apart(data)
    assert parts.subject == rendered.subject
    assert (parts.sender.name, parts.sender.address) == (letter.sender_name, letter.sender_address)
    links = {"unsubscribe": reader.unsubscribe_url, "preferences": reader.preferences_url}
    assert _blank(parts.text, links) == _blank(rendered.text, links)
    assert parts.message_id == reader.message_id
    names = {name.lower() for name in parts.headers}
    lists = {"list-id", "list-owner", "list-unsubscribe", "list-unsubscribe-post"}
    assert names == {*lists, "message-id"}
    assert parts.headers["List-Unsubscribe"].startswith(f"<{reader.unsubscribe_url}>, <mailto:")
    assert all(v.isascii() and "\n" not in v for v in parts.headers.values())
    if text_only:
        assert (parts.html, parts.inlines) == ("", ())
        return
    assert _blank(parts.html, links) == _blank(rendered.html, links)
    picture = letter.picture
    assert picture is not None
    (inline,) = parts.inlines
    assert (inline.identifier, inline.data) == (picture_id(letter), picture.data)
    assert f"cid:{inline.identifier}" in parts.html


def _blank(text: str, links: dict[str, str]) -> str:
    """With every link to leave or choose as one mark, and the end as the text part has it."""
    from newsletter.rendering.content import PREFERENCES_URL, UNSUBSCRIBE_URL

    for mark, link in (
        (UNSUBSCRIBE_URL, links["unsubscribe"]),
        (PREFERENCES_URL, links["preferences"]),
    ):
        text = text.replace(link, mark).replace(link.replace("&", "&amp;"), mark)
    return re.sub(r"\r\n?", "\n", text).rstrip("\n")
