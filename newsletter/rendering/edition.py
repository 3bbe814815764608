"""One edition of one issue: values in, subject, preheader, HTML and plain text out.

Each language's block is rendered in its own words and put into one MJML document; what differs
between recipients stays behind as placeholders, so this happens once for an edition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from markupsafe import Markup

from newsletter.language.cutting import cut
from newsletter.rendering import markdown
from newsletter.rendering.content import (
    PREFERENCES_URL,
    UNSUBSCRIBE_URL,
    Block,
    Letter,
    Picture,
    RenderedEdition,
    ResourceLine,
)
from newsletter.rendering.environment import Theme
from newsletter.rendering.finishing import finish_mail, styles_of
from newsletter.rendering.headers import checked
from newsletter.rendering.plaintext import tidy
from newsletter.rendering.promises import require_kept

_SHOWN_WIDTH = 600
_LOGO_WIDTH, _LOGO_HEIGHT = 240, 72
_SUBJECT_LIMIT = 180
_PREHEADER_LIMIT = 110
_PREHEADER_ENOUGH = 40
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~-._"


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote as the templates show it; `used` says that the text has a mark to go back to."""

    mark: str
    id: str
    text: str
    used: bool


def render(letter: Letter, theme: Theme, *, for_web: bool = False) -> RenderedEdition:
    """The edition ready for mail, or with `for_web` as the archive's page.

    The page has no line about the recipient, no links of their own, and its picture lies at
    `/media/<name>` below the path of the public address. InputError names a title or prefix
    that no header may hold; RenderError names the template and line at fault.
    """
    shared = _shared(letter, for_web)
    parts = [_part(letter, block, theme, shared) for block in letter.blocks]
    head = {"subject": _subject(letter), "preheader": preheader(letter)}
    source = theme.mjml("mail/edition.mjml", letter.language, parts=parts, **head, **shared)
    html = finish_mail(source, letter.look.light.link)
    text = tidy(theme.page("mail/edition.txt", letter.language, parts=parts, **head, **shared))
    if not for_web:
        require_kept(html, text, hosted_addresses(letter))
    return RenderedEdition(**head, html=html, text=text)


def picture_id(letter: Letter, picture: Picture | None = None) -> str:
    """The Content-ID under which the message carries its picture or its logo (RFC 2392)."""
    shown = picture or letter.picture
    name = re.sub(r"[^A-Za-z0-9.-]", "", shown.name if shown else "")
    return f"{name}@{letter.publication_slug}.{letter.sender_address.rpartition('@')[2] or 'local'}"


def hosted_addresses(letter: Letter) -> list[str]:
    """Where a mail of this letter fetches its pictures: nowhere, unless an editor switched it on.

    An address of ours, the same for every reader: nobody can be told apart by fetching it.
    """
    if not letter.hosted_images:
        return []
    return [_media(letter.public_url, shown) for shown in (letter.picture, letter.logo) if shown]


def _media(public: str, picture: Picture) -> str:
    return f"{public}/media/{quote(picture.name)}"


def _shared(letter: Letter, for_web: bool) -> dict[str, Any]:
    return {
        "letter": letter,
        "look": letter.look,
        "for_web": for_web,
        "browser_url": web_address(letter.browser_url) or "",
        **_shown("picture", letter, letter.picture, for_web, _SHOWN_WIDTH),
        **_shown("logo", letter, letter.logo, for_web, _LOGO_WIDTH, _LOGO_HEIGHT),
        "unsubscribe_url": UNSUBSCRIBE_URL,
        "preferences_url": PREFERENCES_URL,
    }


def _shown(
    name: str, letter: Letter, picture: Picture | None, for_web: bool, *most: int
) -> dict[str, Any]:
    """What templates are told of a picture: itself, where it is found, how large it stands."""
    source, size = "", (0, 0)
    if picture:
        source = f"cid:{picture_id(letter, picture)}"
        if for_web:
            source = _media(urlsplit(letter.public_url).path, picture)
        elif letter.hosted_images:
            source = _media(letter.public_url, picture)
        size = _shown_size(picture, *most)
    return {name: picture, f"{name}_source": source, f"{name}_size": size}


def _shown_size(picture: Picture, wide: int, high: int = 10_000) -> tuple[int, int]:
    width, height = max(1, picture.width), max(1, picture.height)
    part = min(1.0, wide / width, high / height)
    return max(1, round(width * part)), max(1, round(height * part))


def _part(letter: Letter, block: Block, theme: Theme, shared: dict[str, Any]) -> dict[str, Any]:
    """What the templates of one block made, and the block itself."""
    values = {
        **shared,
        "block": block,
        "others": [other for other in letter.blocks if other is not block],
        "is_first": block is letter.blocks[0],
        "top": 1 if block is letter.blocks[0] else 2,
        "notes": _notes(block),
        "body": _body(letter, block, theme),
        "body_text": markdown.to_text(block.body),
        "address_of": address_of,
    }
    pieces: dict[str, Any] = {}
    for name in ("masthead", "head", "block", "footer", "jump"):
        pieces[name] = theme.fragment(f"mail/{name}.html", block.language, **values)
    for name in ("masthead", "block", "footer", "jump"):
        pieces[f"{name}_text"] = theme.page(f"mail/{name}.txt", block.language, **values)
    pieces["picture"] = letter.picture and theme.fragment(
        "mail/picture.html", block.language, **values
    )
    return {**pieces, "language": block.language, "tall": theme.is_tall(block.language)}


def _body(letter: Letter, block: Block, theme: Theme) -> Markup:
    level = 1 if block is letter.blocks[0] else 2
    marks = [note.mark for note in block.footnotes]
    written = theme.is_tall(block.editorial_language)
    own = theme.rules(block.editorial_language)
    sheet = theme.page("mail/body.css", block.language, look=letter.look, high=written, own=own)
    html = markdown.to_html(
        block.body, marks, prefix=block.language, level=level, styles=styles_of(sheet)
    )
    return Markup(html)  # noqa: S704 - markdown-it escapes, and knows no raw HTML


def _notes(block: Block) -> list[Note]:
    used = set(markdown.NOTE.findall(block.body))
    return [
        Note(note.mark, markdown.note_id(block.language, note.mark), note.text, note.mark in used)
        for note in block.footnotes
    ]


def address_of(resource: ResourceLine) -> str | None:
    """The resource's link, in ASCII; None when it has none that a reader could follow."""
    return web_address(resource.url) if resource.url else None


def web_address(url: str) -> str | None:
    """An http or https address written in ASCII (RFC 3987 §3.1), or None for any other."""
    try:
        parts = urlsplit(url.strip())
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
        rest = [quote(part, safe=_URL_SAFE) for part in (parts.path, parts.query, parts.fragment)]
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host:
        return None
    return urlunsplit((parts.scheme, host, *rest))


def _subject(letter: Letter) -> str:
    prefix = " ".join(checked(letter.subject_prefix, "subject prefix").split())
    title = " ".join(checked(letter.blocks[0].title, "title").split())
    return cut(f"{prefix} {title}".strip(), _SUBJECT_LIMIT)


def preheader(letter: Letter) -> str:
    """What stands beside the subject in the list of mails: a real sentence, 40-110 long."""
    block = letter.blocks[0]
    candidates = [block.pull_quote, *markdown.plain_blocks(block.body)]
    candidates += [line.title for group in block.groups for line in group.resources]
    text = ""
    for candidate in candidates:
        plain = " ".join(re.sub(r"\[[^\]\s]{1,16}\]", "", candidate).split())
        text = f"{text} {plain}".strip()
        if len(text) >= _PREHEADER_ENOUGH:
            break
    return cut(text, _PREHEADER_LIMIT)
