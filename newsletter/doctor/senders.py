"""Which domains a mail of ours names, and in which part: what is asked of each follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from newsletter.core.settings import Settings
from newsletter.editorial import discreet
from newsletter.editorial.models import Publication


@dataclass(frozen=True)
class Sender:
    """One face towards receivers: a publication's own, or that of its discreet edition."""

    publication: str
    address: str
    reply_to: str = ""
    leave_address: str = ""
    return_address: str = ""
    """Where bounces go: the envelope's sender, without its token."""
    discreet: bool = False
    url: str = ""
    """Where the discreet edition's links lead; the ordinary one's stands in the settings."""
    signing_domain: str = ""
    keys: tuple[tuple[str, Path], ...] = ()
    """Selectors of the keys that sign here, and where each private half lies."""

    @property
    def domain(self) -> str:
        """Of From."""
        return domain_of(self.address)

    @property
    def envelope(self) -> str:
        """The domain that SPF is asked of (RFC 7208 §2.4)."""
        return domain_of(self.return_address) or self.domain

    @property
    def receiving(self) -> list[tuple[str, str]]:
        """What must be able to take mail: (which part of the message, domain)."""
        given = {
            "From": self.address,
            "Reply-To": self.reply_to,
            "List-Unsubscribe": self.leave_address,
            "the return path": self.return_address,
        }
        return [(part, domain_of(address)) for part, address in given.items() if address]


def domain_of(address: str) -> str:
    """What stands behind the @-sign, in small letters; nothing of an empty address."""
    return address.rpartition("@")[2].lower()


def of_publication(publication: Publication, settings: Settings) -> list[Sender]:
    """The faces of a publication that has a sender: its own, and the discreet one if it is set."""
    found = [_ordinary(publication, settings), _discreet(publication, settings.home)]
    return [one for one in found if one.address]


def _ordinary(publication: Publication, settings: Settings) -> Sender:
    return Sender(
        publication.slug,
        publication.sender_address,
        publication.reply_to,
        publication.leave_address,
        settings.bounces.address,
        signing_domain=settings.dkim.domain.lower(),
        keys=tuple(settings.dkim.paths(settings.home).items()),
    )


def _discreet(publication: Publication, home: Path) -> Sender:
    told = discreet.settings_of(publication)
    whole = told.address and told.dkim_selector and told.dkim_key_path
    return Sender(
        publication.slug,
        told.address,
        told.reply_to,
        told.leave_address,
        told.bounce_address,
        discreet=True,
        url=told.url,
        signing_domain=domain_of(told.address) if whole else "",
        keys=((told.dkim_selector, home / told.dkim_key_path),) if whole else (),
    )
