"""What a mail to one person says: the values of a confirmation, a welcome or a goodbye."""

from __future__ import annotations

from sqlalchemy.orm import Session

from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery.faces import Face
from newsletter.delivery.needs import Needs
from newsletter.delivery.singles import HeldMail
from newsletter.editorial import discreet, edition_codes
from newsletter.editorial.models import Publication
from newsletter.rendering.notice import Notice
from subscribers.audience import Recipient
from subscribers.models import Confirmation


def notice(  # noqa: PLR0917
    needs: Needs,
    session: Session,
    held: HeldMail,
    publication: Publication,
    face: Face,
    to: Recipient,
) -> Notice:
    """Whatever language was given up since it was asked for, a part remains that can be read."""
    there = publication.languages
    parts = tuple((edition_codes.remaining(there, held.edition) or "+".join(there)).split("+"))
    made = _Letter(needs, session, held, publication, face, to)
    link, leave, told = getattr(made, held.kind)()
    return Notice(
        languages=parts,
        names={code: face.names[code] for code in parts},
        sender_name=face.sender_names[parts[0]],
        sender_address=face.address,
        reply_to=face.reply_to,
        link=link,
        days=max(1, (held.expires_at - held.asked_at).days),
        kind="confirm" if held.kind == "confirmation" else held.kind,
        is_discreet=face.is_discreet,
        look=face.look,
        leave=leave,
        told=told,
    )


_Said = tuple[str, tuple[str, ...], dict[str, object]]
"""The link of the mail, the ways out for List-Unsubscribe, and further values."""


class _Letter:
    """One mail's links and values; a method for each kind of mail."""

    def __init__(  # noqa: PLR0917
        self,
        needs: Needs,
        session: Session,
        held: HeldMail,
        publication: Publication,
        face: Face,
        to: Recipient,
    ) -> None:
        self._needs, self._session, self._held = needs, session, held
        self._publication, self._face, self._to = publication, face, to

    def confirmation(self) -> _Said:
        """One link, to the page with the button; there is nothing yet to leave."""
        asked = self._session.get_one(Confirmation, self._held.origin_id)
        claim = Claim(asked.public_id, self._publication.id, Purpose.CONFIRM)
        return f"{self._face.url}/c/{self._needs.signer.sign(claim)}", (), {}

    def welcome(self) -> _Said:
        """How to change and how to leave, which a mail program offers too (RFC 8058)."""
        out, token = self._own("u", Purpose.UNSUBSCRIBE)
        choices, _ = self._own("p", Purpose.PREFERENCES)
        publication = self._publication
        offers = discreet.is_offered(publication, self._needs.settings.links_url)
        told: dict[str, object] = {
            "unsubscribe_url": out,
            "weekday": publication.slot_weekday,
            "sender": self._face.address,
            "offers_discreet": offers,
            "postal_addresses": dict(publication.postal_addresses),
        }
        mail = f"mailto:{self._face.leave_address}?subject=leave%20{token}"
        return choices, (out, mail), told

    def goodbye(self) -> _Said:
        """The way back: the form, and nothing that knows the reader."""
        return f"{self._face.url}/s/{self._publication.slug}", (), {}

    def _own(self, page: str, purpose: Purpose) -> tuple[str, str]:
        claim = Claim(self._to.public_id, self._publication.id, purpose)
        token = self._needs.signer.sign(claim)
        return f"{self._face.url}/{page}/{token}", token
