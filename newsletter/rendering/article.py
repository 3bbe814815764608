"""An issue in one language as plain markup: what a feed carries, and what it says of it."""

from __future__ import annotations

from urllib.parse import quote

from markupsafe import Markup

from newsletter.rendering import markdown
from newsletter.rendering.content import Letter
from newsletter.rendering.edition import Note, address_of, preheader
from newsletter.rendering.environment import Theme

_WIDE = 600


def article(letter: Letter, theme: Theme) -> str:
    """The first block of a letter as HTML without style; every address in it is a whole one.

    Nothing of a reader stands in it. RenderError names the template and line at fault.
    """
    block = letter.blocks[0]
    used = set(markdown.NOTE.findall(block.body))
    marks = [note.mark for note in block.footnotes]
    body = markdown.to_html(block.body, marks, prefix=block.language, level=1)
    picture = letter.picture
    width = min(_WIDE, picture.width) if picture else 0
    return theme.page(
        "web/article.html",
        block.language,
        block=block,
        body=Markup(body),  # noqa: S704 - markdown-it escapes, and knows no raw HTML
        notes=[
            Note(n.mark, markdown.note_id(block.language, n.mark), n.text, n.mark in used)
            for n in block.footnotes
        ],
        address_of=address_of,
        picture=picture,
        picture_source=f"{letter.public_url}/media/{quote(picture.name)}" if picture else "",
        picture_size=(
            width,
            max(1, round(picture.height * width / max(1, picture.width))) if picture else 0,
        ),
    )


def summary(letter: Letter) -> str:
    """One or two sentences, as a list of mails shows them beside the subject."""
    return preheader(letter)
