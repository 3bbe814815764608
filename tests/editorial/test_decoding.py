"""Bytes become text, or are refused with file, line and remedy; letters are never guessed."""

from __future__ import annotations

import pytest

from newsletter.core.errors import InputError
from newsletter.editorial.decoding import decode


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_utf8_with_any_line_ends_is_plain_text(mark: bytes, end: bytes) -> None:
    found = decode(mark + "“မြန်မာ”".encode() + end + b"second", "a.txt")
    assert found.text == "“မြန်မာ”\nsecond"
    assert found.notes == []


def test_windows_quotes_inside_utf8_are_read_and_said_with_their_lines() -> None:
    found = decode("ရေ\n".encode() + b"\x93People\x92s aid\x94 \x96 now", "a.txt")
    assert found.text == "ရေ\n“People’s aid” – now"
    assert len(found.notes) == 1
    assert "4 quotation marks" in found.notes[0]
    assert "line 2" in found.notes[0]


@pytest.mark.parametrize(
    ("data", "where", "reason"),
    [
        (b"", "f", "empty"),
        (b"\xef\xbb\xbf \r\n\t", "f", "empty"),
        (b"\x89PNG\r\n\x1a\n0000", "f", "an image"),
        (b"%PDF-1.7 x", "f", "PDF"),
        (b"PK\x03\x04word", "f", "Word"),
        (b"abc\x00def", "f", "binary"),
        ("Title".encode("utf-16"), "f", "UTF-16"),
        ("one\ntwo\ncafé".encode("latin-1"), "f:3", "byte E9"),
        (b"x" * 600_000, "f", "585 kB"),
    ],
)
def test_everything_else_is_refused_with_the_reason(data: bytes, where: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(data, "f")
    assert caught.value.field == where
    assert reason in caught.value.message
