"""Faces: as whom a publication writes to one person, usually its own, or the discreet one.

Everything of a mail's headers and links is of one face, never of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from newsletter.core.errors import ConfigurationError, NotAllowedNow
from newsletter.delivery.needs import Needs
from newsletter.editorial import discreet
from newsletter.editorial.models import Publication
from newsletter.rendering import dkim_keys
from newsletter.rendering.discreet import name_in
from newsletter.rendering.dkim import Signer
from newsletter.rendering.look import HOUSE, Look, look_of


@dataclass(frozen=True, slots=True)
class Face:
    """A sender: names by language, addresses, where its links lead, and who signs."""

    names: Mapping[str, str]
    """What the mails are called."""
    sender_names: Mapping[str, str]
    address: str
    reply_to: str
    leave_address: str
    url: str
    signer: Signer | None
    look: Look
    is_discreet: bool


def of(needs: Needs, publication: Publication, *, hidden: bool) -> Face:
    """The face for a reader; `hidden` for who chose mail that shows nothing at first sight.

    ConfigurationError when the publication has no such face any more: it is never the other one.
    """
    return _discreet(needs, publication) if hidden else _usual(needs, publication)


def _usual(needs: Needs, publication: Publication) -> Face:
    there = publication.languages
    names = {code: publication.names.get(code) or publication.slug for code in there}
    return Face(
        names=names,
        sender_names={code: publication.sender_names.get(code) or names[code] for code in there},
        address=publication.sender_address,
        reply_to=publication.reply_to,
        leave_address=publication.leave_address or publication.sender_address,
        url=needs.settings.links_url,
        signer=dkim_keys.signer(needs.settings),
        look=look_of(publication.theme),
        is_discreet=False,
    )


def _discreet(needs: Needs, publication: Publication) -> Face:
    try:
        told = discreet.require(publication, needs.settings.links_url)
    except NotAllowedNow as err:
        raise ConfigurationError(str(err)) from err
    names = {c: told.names.get(c) or name_in(needs.theme, c) for c in publication.languages}
    domain = told.address.rpartition("@")[2]
    return Face(
        names=names,
        sender_names=names,
        address=told.address,
        reply_to=told.reply_to,
        leave_address=told.leave_address or told.address,
        url=told.url,
        signer=dkim_keys.signer_of(needs.settings, domain, told.dkim_selector, told.dkim_key_path),
        look=HOUSE,
        is_discreet=True,
    )
