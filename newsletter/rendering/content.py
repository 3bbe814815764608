"""What goes into a mail, as plain values. Texts are raw: rendering escapes, nobody before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from newsletter.rendering.look import HOUSE, Look


@dataclass(frozen=True, slots=True)
class Footnote:
    """A note under the editorial; `mark` is what stands in the text as `[^mark]`."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The featured image or the logo, carried inside the message (never fetched from anywhere)."""

    name: str
    data: bytes
    media_type: str
    width: int
    height: int
    alts: dict[str, str]


@dataclass(frozen=True, slots=True)
class ResourceLine:
    """A resource as one language shows it; `title_language` differs where a title is missing."""

    title: str
    title_language: str
    url: str | None
    byline: str


@dataclass(frozen=True, slots=True)
class ResourceGroup:
    """Resources under one heading; `heading` is None for those in no category."""

    heading: str | None
    resources: tuple[ResourceLine, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One language's complete part of an edition."""

    language: str
    publication_name: str
    title: str
    authors: tuple[str, ...]
    reading_minutes: int | None
    pull_quote: str
    body: str
    """Markdown; paragraphs parted by blank lines, notes as `[^1]`."""
    footnotes: tuple[Footnote, ...]
    groups: tuple[ResourceGroup, ...]
    about: str
    postal_address: str
    editorial_language: str
    """Differs from `language` when "English for all" fills a missing editorial."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One edition of one issue, ready to be rendered; `edition` is en, my or en+my."""

    edition: str
    publication_slug: str
    number: int
    date: date
    blocks: tuple[Block, ...]
    picture: Picture | None
    sender_name: str
    sender_address: str
    reply_to: str
    leave_address: str
    subject_prefix: str
    public_url: str
    """Without a slash at the end."""
    logo: Picture | None = None
    """Stands in the masthead instead of the name, carried in the message like the picture."""
    look: Look = HOUSE
    """The publication's colours and fonts."""
    hosted_images: bool = False
    """The pictures do not travel in the mail: it names their address at our own site."""

    @property
    def language(self) -> str:
        """The main language: that of the first block."""
        return self.blocks[0].language

    @property
    def browser_url(self) -> str:
        """Where this edition stands in the archive (`+` written so that no client mangles it)."""
        return (
            f"{self.public_url}/archive/{self.publication_slug}/{self.number}/"
            f"{self.edition.replace('+', '-')}"
        )


@dataclass(frozen=True, slots=True)
class RenderedEdition:
    """An edition rendered once; the placeholders below still stand in `html` and `text`."""

    subject: str
    preheader: str
    html: str
    text: str


UNSUBSCRIBE_URL = "https://placeholder.invalid/unsubscribe"
PREFERENCES_URL = "https://placeholder.invalid/preferences"
"""Stand in the rendered parts where each recipient's own link goes."""
