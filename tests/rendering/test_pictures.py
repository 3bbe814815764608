"""Pictures travel inside the mail or lie at our own address; nothing else is ever fetched."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from newsletter.core.errors import RenderError
from newsletter.rendering.content import Letter, Picture
from newsletter.rendering.edition import hosted_addresses, render
from newsletter.rendering.message import MessageTemplate
from newsletter.rendering.promises import require_kept
from tests.rendering import sample


def _with_logo(edition: str = "en+my", *, hosted: bool = False) -> Letter:
    letter = sample.letter(edition)
    assert letter.picture is not None
    logo = Picture(
        f"{'ab' * 16}.png", b"\x89PNG the bytes of a logo", "image/png", 600, 200,
        {"en": "The Hill Letter", "my": "တောင်တန်း စာစောင်"},
    )  # fmt: skip
    return replace(letter, logo=logo, hosted_images=hosted)


def _mail(letter: Letter, *, text_only: bool = False) -> EmailMessage:
    template = MessageTemplate(letter, render(letter, sample.theme()))
    raw = template.build(sample.recipient(), text_only=text_only)
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def _images(message: EmailMessage) -> dict[str, bytes]:
    return {
        str(part["Content-ID"]).strip("<>"): part.get_payload(decode=True)  # type: ignore[misc]
        for part in message.walk()
        if part.get_content_maintype() == "image"
    }


def _sources(message: EmailMessage) -> list[str]:
    part = message.get_body(("html",))
    assert part is not None
    return re.findall(r'<img[^>]*\ssrc="([^"]*)"', part.get_content())


def test_picture_and_logo_are_two_parts_and_the_page_names_both() -> None:
    letter = _with_logo()
    message = _mail(letter)
    images, sources = _images(message), _sources(message)
    assert letter.picture is not None
    assert letter.logo is not None
    assert set(images.values()) == {letter.picture.data, letter.logo.data}
    assert {source.removeprefix("cid:") for source in sources} == set(images)
    assert all(source.startswith("cid:") for source in sources)


def test_every_image_of_a_mail_has_words_and_measures() -> None:
    part = _mail(_with_logo()).get_body(("html",))
    assert part is not None
    for tag in re.findall(r"<img[^>]*>", part.get_content()):
        assert re.search(r'\salt="[^"]+"', tag), tag
        for side in ("width", "height"):
            found = re.search(rf'\s{side}="(\d+)"', tag)
            assert found, tag
            assert 0 < int(found[1]) <= 600


def test_hosted_pictures_are_named_by_an_address_that_is_the_same_for_all() -> None:
    message = _mail(_with_logo(hosted=True))
    assert _images(message) == {}
    assert message.get_content_type() == "multipart/alternative"
    sources = _sources(message)
    assert sources
    for source in sources:
        assert re.fullmatch(r"https://[a-z.]+/media/[A-Za-z0-9]+\.(?:png|jpg)", source), source


def test_the_edition_without_html_has_no_picture_of_any_kind() -> None:
    for hosted in (False, True):
        message = _mail(_with_logo(hosted=hosted), text_only=True)
        assert message.get_content_type() == "text/plain"
        assert "/media/" not in message.get_content()


def test_hosting_lets_nothing_else_in() -> None:
    letter = _with_logo(hosted=True)
    rendered = render(letter, sample.theme())
    ours = hosted_addresses(letter)
    assert len(ours) == 2
    require_kept(rendered.html, rendered.text, ours)
    for foreign in (
        "https://tracker.example/p.gif",
        f"{ours[0]}?r=7",
        f"{letter.public_url}/media/{'cd' * 16}.png",
    ):
        page = rendered.html.replace("</body>", f'<img src="{foreign}"></body>')
        with pytest.raises(RenderError, match="fetch"):
            require_kept(page, rendered.text, ours)


def test_what_the_page_does_not_show_does_not_hang_on_the_mail() -> None:
    letter = _with_logo()
    rendered = render(letter, sample.theme())
    bare = replace(rendered, html=re.sub(r"<img[^>]*>", "", rendered.html))
    raw = MessageTemplate(letter, bare).build(sample.recipient())
    assert b"image/" not in raw


def test_the_web_page_takes_both_from_here() -> None:
    page = render(_with_logo(), sample.theme(), for_web=True).html
    found = re.findall(r'<img[^>]*\ssrc="([^"]*)"', page)
    assert found
    assert all(source.startswith("/media/") for source in found)
