"""Which domains a mail of ours names, and in which part: what is asked of each follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from newsletter.core.settings import Settings


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


def of_publication(publication: Any, settings: Settings) -> list[Sender]:
    """The faces of a publication that has a sender: its own, and the discreet one if it is set."""
    found = []
    if publication.sender_address:
        found.append(
            Sender(
                publication.slug,
                publication.sender_address,
                publication.reply_to,
                publication.leave_address,
                settings.bounces.address,
            )
        )
    discreet: Mapping[str, Any] = publication.discreet or {}
    address = str(discreet.get("sender_address") or discreet.get("address") or "")
    if address:
        found.append(Sender(publication.slug, address, discreet=True))
    return found
