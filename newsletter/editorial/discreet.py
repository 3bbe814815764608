"""The discreet edition: what it still lacks before it is offered, and how it calls itself. Pure.

It helps against a glance and a lock screen only: whoever opens the mail can read it. Headers give
more away than words (From, List-Id, the host of a link), so it has an address and a url on a
domain that nothing of the publication's own is on, or it is not there at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from newsletter.core.errors import NotAllowedNow
from newsletter.editorial.models import Publication
from newsletter.editorial.publication_settings import Discreet
from newsletter.rendering.content import Block, Letter

LABEL = "notes"
"""Stands where an ordinary mail has the publication's short name."""
_DULL = frozenset({"weekly", "news", "newsletter", "notes", "letter", "digest", "bulletin"})
"""Short names made of these give nobody away."""
_SET = "newsletter publication set discreet."


def settings_of(publication: Publication) -> Discreet:
    """What was told about it; empty when nothing was."""
    return Discreet.model_validate(publication.discreet)


def is_offered(publication: Publication, public_url: str) -> bool:
    """Whether readers can choose it."""
    return not lacking(publication, public_url)


def lacking(publication: Publication, public_url: str) -> list[str]:
    """Why it cannot be offered: one sentence each, with its remedy; nothing: it can.

    `public_url` is where ordinary readers find the service.
    """
    told = settings_of(publication)
    return [*_missing(told), *_near(publication, told, public_url), *_telling(publication, told)]


def require(publication: Publication, public_url: str) -> Discreet:
    """Its settings; NotAllowedNow says what they lack."""
    said = lacking(publication, public_url)
    if said:
        raise NotAllowedNow(
            f"'{publication.slug}' has readers of the discreet edition, and it cannot be made: "
            + "; ".join(said)
        )
    return settings_of(publication)


def _missing(told: Discreet) -> Iterator[str]:
    if not told.address:
        yield (
            "the discreet edition has no sender address; it needs one on a domain of its own: "
            f"run '{_SET}address notes@example.org'"
        )
    if not told.url:
        yield (
            "the discreet edition has no web address for its links; it needs one on a domain of "
            f"its own that leads to this service: run '{_SET}url https://notes.example.org'"
        )
    if bool(told.dkim_selector) != bool(told.dkim_key_path):
        key = "dkim_key_path" if told.dkim_selector else "dkim_selector"
        yield f"the discreet edition's key needs {key} too: run '{_SET}{key} …', or unset the other"


def _near(publication: Publication, told: Discreet, public_url: str) -> Iterator[str]:
    """Nothing of its own may lie on a domain of the publication's."""
    theirs = {
        "the sender's": _domain(publication.sender_address),
        "the reply address's": _domain(publication.reply_to),
        "that of the usual links": urlsplit(public_url).hostname or "",
    }
    for key, host in _hosts(told):
        for whose, other in theirs.items():
            if _related(host, other):
                yield (
                    f"discreet.{key} is on {host}, and {whose} domain is {other}, which tells who "
                    f"sends it: run '{_SET}{key} …' with another domain"
                )
                break


def _hosts(told: Discreet) -> Iterator[tuple[str, str]]:
    yield "url", urlsplit(told.url).hostname or ""
    for key in ("address", "reply_to", "leave_address", "bounce_address"):
        yield key, _domain(getattr(told, key))


def _telling(publication: Publication, told: Discreet) -> Iterator[str]:
    """Words that name the publication, wherever a glance or a header would show them."""
    barred = [word for word in _names(publication) if word]
    for key, text in _shown(told):
        found = next((word for word in barred if _holds(text, word)), None)
        if found:
            yield (
                f"discreet.{key} holds “{found}”, which names the publication: run "
                f"'{_SET}{key} …' with words that say nothing"
            )


def _names(publication: Publication) -> list[str]:
    found = [*publication.names.values(), *publication.sender_names.values()]
    found += [name for category in publication.categories for name in category.names.values()]
    slug = publication.slug
    return found if set(slug.split("-")) <= _DULL else [*found, slug, slug.replace("-", " ")]


def _shown(told: Discreet) -> Iterator[tuple[str, str]]:
    for key in ("names", "subjects", "preheaders"):
        for language, text in getattr(told, key).items():
            yield f"{key}.{language}", text
    for key in ("address", "url", "reply_to", "leave_address", "bounce_address", "dkim_selector"):
        yield key, getattr(told, key)


def _holds(text: str, word: str) -> bool:
    """As whole words, in any case; Burmese joins its words, so any place counts there."""
    if not word.isascii():
        return word in text
    return (
        re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", text, re.IGNORECASE) is not None
    )


def _related(host: str, other: str) -> bool:
    """The same, one above the other, or both of one organisation."""
    if not host or not other:
        return False
    nested = host.endswith(f".{other}") or other.endswith(f".{host}")
    return host == other or nested or _organisation(host) == _organisation(other)


def _organisation(host: str) -> str:
    """`example.org` of `news.example.org`, `example.org.mm` of `www.example.org.mm`."""
    labels = host.split(".")
    if labels[-1].isdigit():
        return host
    return ".".join(labels[-3 if len(labels) > 2 and len(labels[-2]) <= 3 else -2 :])


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def neutral(letter: Letter, told: Discreet, names: Mapping[str, str]) -> Letter:
    """The same texts under the neutral sender: no picture, no logo, no word on who makes it.

    `names` are the sender's, by language, where none were set. The postal address stays, since
    mail to many people must carry one, unless the discreet edition has its own.
    """
    return replace(
        letter,
        publication_slug=LABEL,
        blocks=tuple(_unnamed(block, told, names) for block in letter.blocks),
        picture=None,
        logo=None,
        sender_name=told.names.get(letter.language) or names[letter.language],
        sender_address=told.address,
        reply_to=told.reply_to,
        leave_address=told.leave_address or told.address,
        subject_prefix="",
        public_url=told.url,
    )


def _unnamed(block: Block, told: Discreet, names: Mapping[str, str]) -> Block:
    return replace(
        block,
        publication_name=told.names.get(block.language) or names[block.language],
        about="",
        postal_address=told.postal_addresses.get(block.language) or block.postal_address,
    )
