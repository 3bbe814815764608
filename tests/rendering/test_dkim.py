"""Signatures that a verifier of its own believes, over every byte that matters and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.core import settings as settings_module
from newsletter.core.errors import ConfigurationError, InputError
from newsletter.rendering import dkim_keys
from newsletter.rendering.content import PREFERENCES_URL, UNSUBSCRIBE_URL, RenderedEdition
from newsletter.rendering.dkim import Signer, SigningKey
from newsletter.rendering.edition import render
from newsletter.rendering.message import MessageTemplate
from tests.rendering import sample
from tests.rendering.dkim_verifier import tags, verify

DOMAIN = "news.example.org"
RSA, ED = dkim_keys.generate("rsa"), dkim_keys.generate("ed25519")
SIGNER = Signer(DOMAIN, (SigningKey("one", RSA), SigningKey("two", ED)))
DNS = {
    f"one._domainkey.{DOMAIN}.": dkim_keys.record(RSA),
    f"two._domainkey.{DOMAIN}.": dkim_keys.record(ED),
}
PASSED = ["pass", "pass"]
_THEME = sample.theme()
_PIECES = st.lists(
    st.sampled_from(
        (UNSUBSCRIBE_URL, PREFERENCES_URL, "a  b\t c", " \n", "\n", "\n\n", "စ" * 30, ".\n", "x")
    ),
    max_size=12,
).map("".join)


def _message(edition: str = "en", *, text_only: bool = False) -> bytes:
    letter = sample.letter(edition)
    template = MessageTemplate(letter, render(letter, _THEME), SIGNER)
    return template.build(sample.recipient(), text_only=text_only)


@pytest.mark.parametrize("edition", ["en", "my", "en+my"])
@pytest.mark.parametrize("text_only", [False, True])
def test_both_signatures_of_a_message_hold(edition: str, text_only: bool) -> None:
    signed = _message(edition, text_only=text_only)
    assert verify(signed, DNS) == PASSED
    assert max(map(len, signed.partition(b"\r\nFrom:")[0].split(b"\r\n"))) <= 78


@settings(deadline=None, max_examples=60)
@given(_PIECES, _PIECES)
@example("", "")
@example(UNSUBSCRIBE_URL, UNSUBSCRIBE_URL + "\n\n \n\n")
@example("စ" * 19 + UNSUBSCRIBE_URL + "စ" * 400, "x\n" + PREFERENCES_URL + "  \n\t\n")
def test_the_way_in_parts_signs_what_the_whole_message_is(text: str, html: str) -> None:
    letter = sample.letter("en", with_picture=False)
    rendered = RenderedEdition("Subject", "", html, text)
    template = MessageTemplate(letter, rendered, SIGNER)
    for text_only in (False, True):
        signed = template.build(sample.recipient(), text_only=text_only)
        plain = signed[signed.index(b"\r\nFrom:") + 2 :]
        assert signed == SIGNER.sign(plain)
        unsigned = template.build(sample.recipient(), text_only=text_only, signed=False)
        assert re.sub(rb"(?m)^Feedback-ID:.*\r\n", b"", plain) == unsigned
        assert verify(signed, DNS) == PASSED


def test_white_space_that_a_relay_touches_breaks_nothing() -> None:
    signed = _message()
    relayed = signed.replace(b"Subject: ", b"SUBJECT:  ", 1) + b"\r\n\r\n"
    assert verify(relayed, DNS) == PASSED
    relayed = re.sub(rb"(List-Unsubscribe: <[^>]*>,)\r\n ", rb"\1\r\n\t ", relayed)
    assert verify(relayed, DNS) == PASSED


@pytest.mark.parametrize(
    "name",
    [
        *("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Unsubscribe"),
        *("List-Unsubscribe-Post", "MIME-Version", "Content-Type"),
    ],
)
def test_no_header_can_be_changed_taken_away_or_added(name: str) -> None:
    signed = _message()
    line = re.search(rb"(?m)^%b:(?:[^\r]|\r\n )*\r\n" % name.encode(), signed)
    assert line is not None
    forged = b"%b: <https://evil.example/>\r\n" % name.encode()
    for changed in (
        signed.replace(line[0], forged),
        signed.replace(line[0], b""),
        forged + signed,
        signed.replace(line[0], line[0] + forged),
        signed.replace(line[0], forged + line[0]),
    ):
        assert verify(changed, DNS) == ["the headers are others"] * 2


def test_one_byte_of_the_body_is_enough() -> None:
    signed = _message()
    head, _, body = signed.partition(b"\r\n\r\n")
    for at in (100, len(body) // 2, len(body) - 30):
        changed = head + b"\r\n\r\n" + body[:at] + b"~" + body[at + 1 :]
        assert verify(changed, DNS) == ["the body is another"] * 2


def test_a_reply_address_cannot_be_added_where_there_was_none() -> None:
    plain = b"From: a@news.example.org\r\nSubject: x\r\n\r\nbody\r\n"
    signed = SIGNER.sign(plain)
    assert verify(signed, DNS) == PASSED
    assert verify(b"Reply-To: evil@example.com\r\n" + signed, DNS) != PASSED


def test_one_click_is_covered() -> None:
    """RFC 8058 §4: receivers offer it only when a signature covers both headers."""
    covered = tags(_message().partition(b"\r\nFrom:")[0])["h"].lower().split(":")
    assert covered.count("list-unsubscribe") == 2
    assert covered.count("list-unsubscribe-post") == 2
    assert {"list-id", "content-language"} <= set(covered)


def test_nothing_is_signed_without_a_key_or_where_it_would_break() -> None:
    letter = sample.letter("en")
    rendered = render(letter, _THEME)
    unsigned = MessageTemplate(letter, rendered).build(sample.recipient())
    assert b"DKIM-Signature" not in unsigned
    template = MessageTemplate(letter, rendered, SIGNER)
    assert template.build(sample.recipient(), signed=False) == unsigned


def _settings(home: Path, **dkim: str) -> settings_module.Settings:
    return settings_module.load(home, {}, {"dkim": dkim})


def test_a_key_is_read_from_its_file(tmp_path: Path) -> None:
    assert dkim_keys.signer(_settings(tmp_path)) is None
    (tmp_path / "one.pem").write_bytes(dkim_keys.pem(RSA))
    (tmp_path / "two.pem").write_bytes(dkim_keys.pem(ED))
    given = _settings(
        tmp_path,
        domain=DOMAIN,
        selector="one",
        key_path="one.pem",
        second_selector="two",
        second_key_path=str(tmp_path / "two.pem"),
    )
    signer = dkim_keys.signer(given)
    assert signer is not None
    signed = signer.sign(b"From: a@news.example.org\r\n\r\nbody\r\n")
    assert verify(signed, DNS) == PASSED


def test_a_key_that_no_receiver_believes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "weak.pem"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        dkim_keys.load(file)
    file.write_text("no key")
    with pytest.raises(ConfigurationError, match="new-key"):
        dkim_keys.load(file)
    curve = generate_ec(SECP256R1())
    file.write_bytes(curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ConfigurationError, match="no receiver believes"):
        dkim_keys.load(file)


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": DOMAIN},
        {"domain": DOMAIN, "selector": "a b", "key_path": "k"},
        {"domain": f"{DOMAIN};", "selector": "a", "key_path": "k"},
        {"domain": f"{DOMAIN}\r\n", "selector": "a", "key_path": "k"},
        {"domain": DOMAIN, "selector": "a", "key_path": "k", "second_selector": "b"},
        {"second_selector": "b", "second_key_path": "k"},
        dict.fromkeys(
            ("domain", "selector", "key_path", "second_selector", "second_key_path"), "a"
        ),
    ],
)
def test_half_a_setting_is_an_error(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(InputError):
        _settings(tmp_path, **wrong)


def test_a_record_fits_into_the_dns() -> None:
    line = dkim_keys.zone_line(DOMAIN, "one", dkim_keys.record(RSA))
    strings = re.findall(r'"([^"]*)"', line)
    assert "".join(strings) == dkim_keys.record(RSA)
    assert max(map(len, strings)) <= 255


@pytest.mark.parametrize("given", [{"host": "email-smtp.eu-west-1.amazonaws.com"}, {}])
def test_what_a_relay_writes_anew_is_not_signed(tmp_path: Path, given: dict[str, str]) -> None:
    """SES replaces Date and Message-ID: signed, they would break every signature."""
    (tmp_path / "one.pem").write_bytes(dkim_keys.pem(RSA))
    dkim: dict[str, object] = {"domain": DOMAIN, "selector": "one", "key_path": "one.pem"}
    if not given:
        dkim["left_out"] = ["Date", "Message-ID"]
    signer = dkim_keys.signer(settings_module.load(tmp_path, {}, {"dkim": dkim, "smtp": given}))
    assert signer is not None
    letter = sample.letter("en", with_picture=False)
    template = MessageTemplate(letter, render(letter, _THEME), signer)
    signed = template.build(sample.recipient())
    rewritten = re.sub(rb"(?m)^Date:[^\r]*", b"Date: Mon, 20 Nov 2023 09:00:00 +0000", signed)
    rewritten = re.sub(rb"(?m)^Message-ID:[^\r]*", b"Message-ID: <1@ses.example>", rewritten)
    assert rewritten != signed
    assert verify(rewritten, DNS) == ["pass"]
    names = tags(signed.partition(b"\r\nFrom:")[0])["h"].lower().split(":")
    assert {"from", "subject", "list-unsubscribe", "list-unsubscribe-post"} <= set(names)
    assert names.count("from") == names.count("subject") == 2
