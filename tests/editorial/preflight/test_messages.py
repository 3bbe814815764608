"""The rules of mail, each broken once in the bytes of a message that keeps them all."""

from __future__ import annotations

import base64

import pytest

from newsletter.editorial.preflight import wire

LEAVE = "https://news.example/u/v1.k1.token"
SUBJECT = "=?utf-8?b?4YCZ4YCt4YCv4YC4?="
HEAD = f"""From: Weekly <desk@news.example>
List-Id: Weekly <weekly.news.example>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
Content-Language: en, my
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary="=_x"
To: reader@example.org
Subject: {SUBJECT}
Date: Sat, 21 Nov 2026 20:57:30 +0000
Message-ID: <abc@news.example>
List-Unsubscribe: <{LEAVE}>,
 <mailto:desk@news.example?subject=leave>
"""
BODY = """--=_x
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Rain =E1=80=99
---- a line that is no boundary
--=_x
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+UmFpbjwvcD4=
--=_x--
"""


def message(head: str = HEAD, body: str = BODY) -> bytes:
    """The bytes of it."""
    return f"{head}\n{body}".replace("\n", "\r\n").encode()


def rules(data: bytes) -> set[str]:
    """The rules that it breaks, with their levels."""
    return {f"{p.place.partition('(')[2][:-1]} {p.level}" for p in wire.judge(data)}


def test_a_message_that_keeps_all_rules() -> None:
    assert rules(message()) == set()
    alone = HEAD.replace(
        'multipart/alternative;\n boundary="=_x"',
        "text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable",
    )
    assert rules(message(alone, "Rain\n")) == set()


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("Message-ID: <abc@news.example>\n", "", "H1 error"),
        ("To: reader", "Subject: twice\nTo: reader", "H1 error"),
        ("To: reader", "Reply-To: a@b.c\nReply-To: d@e.f\nTo: reader", "H1 error"),
        ("To: reader", "this is no field\nTo: reader", "H1 error"),
        ("<abc@news.example>", "abc@news.example", "H2 error"),
        ("<abc@news.example>", "<မိုး@news.example>", "H2 error"),
        ("+0000", "GMT", "H4 error"),
        ("Sat, 21 Nov", "21. November", "H4 error"),
        (SUBJECT, f"=?utf-8?b?{'4YCZ' * 20}?=", "H6 error"),
        (SUBJECT, f"{SUBJECT} {SUBJECT} {SUBJECT}", "H6 error"),
        (f"<{LEAVE}>", f"=?utf-8?q?=3C{LEAVE}=3E?=", "H6 error"),
        (SUBJECT, "=?utf-8?q?plain?=", "H7 warning"),
        (f"<{LEAVE}>", "<http://news.example/u/1>", "H10 error"),
        (f"<{LEAVE}>", f"{LEAVE}", "H10 error"),
        (f"<{LEAVE}>", f"<{LEAVE}>, <https://news.example/other>", "H10 warning"),
        ("=One-Click", "=one-click", "H11 error"),
        ("Post: List", "Post:  List", "H11 error"),
        ("<weekly.news.example>", "weekly.news.example", "H13 error"),
        ("Content-Language: en, my\n", "", "H16 warning"),
        ("To: reader", f"X-Long: {'a ' * 9000}\nTo: reader", "H17 error"),
        ("To: reader", "X-Campaign-Recipient: 12\nTo: reader", "H19 error"),
        ("desk@news.example>\n", "desk@news.example>, b <x@y.z>\n", "D5 error"),
        (
            "From: ",
            "DKIM-Signature: v=1; h=From:To:Subject:Date; b=xx\nFrom: ",
            "H12 error",
        ),
    ],
)
def test_each_rule_of_the_header_broken_once(old: str, new: str, rule: str) -> None:
    assert old in HEAD
    assert rule in rules(message(HEAD.replace(old, new, 1)))


def test_a_signature_over_all_that_matters_is_well() -> None:
    signed = (
        "From:From:To:Subject:Subject:Date:Message-ID:\n"
        "\tMIME-Version:Content-Type:List-Id:List-Unsubscribe:List-Unsubscribe-Post"
    )
    assert rules(message(f"DKIM-Signature: v=1;\n h={signed};\n b=xx\n{HEAD}")) == set()


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("text/plain; charset=utf-8", "text/plain", "B2 error"),
        ("text/plain; charset=utf-8", "text/plain; charset=iso-8859-1", "B2 error"),
        ("text/plain", "text/html", "B1 error"),
        ("quoted-printable", "8bit", "B3 error"),
        ("Rain =E1=80=99", "Rain မိုး", "B3 error"),
        ("Rain", "Rain" * 260, "H5 error"),
        ("Rain", "Rain" * 22, "H5 warning"),
        ("Rain", "Ra\0in", "H5 error"),
    ],
)
def test_each_rule_of_the_body_broken_once(old: str, new: str, rule: str) -> None:
    assert old in BODY
    assert rule in rules(message(body=BODY.replace(old, new, 1)))


@pytest.mark.parametrize("ending", [b"\n", b"\r"])
def test_line_ends_are_crlf(ending: bytes) -> None:
    assert "H5 error" in rules(message() + b"one more" + ending)


def test_one_long_link_is_no_long_line() -> None:
    long = HEAD.replace(LEAVE, LEAVE + "a" * 60)
    assert rules(message(long)) == set()


def test_while_links_lead_to_this_machine_https_is_not_asked_for() -> None:
    local = message(HEAD.replace(LEAVE, "http://127.0.0.1:8080/u/x"))
    assert rules(local) == {"H10 error"}
    assert list(wire.judge(local, https=False)) == []


def test_parts_are_read_as_they_will_be() -> None:
    assert wire.text_part(message(), "text/html") == "<p>Rain</p>"
    plain = wire.text_part(message(), "text/plain")
    assert plain == "Rain မ\n---- a line that is no boundary"
    encoded = base64.b64encode("မိုးရာသီ".encode()).decode()
    alone = HEAD.replace(
        'multipart/alternative;\n boundary="=_x"',
        "text/plain; charset=utf-8\nContent-Transfer-Encoding: base64",
    )
    assert wire.text_part(message(alone, encoded), "text/plain") == "မိုးရာသီ"
    assert wire.text_part(message(alone, encoded), "text/html") == ""
