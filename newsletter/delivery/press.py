"""The press: each edition of an issue rendered once, and each reader's message from it."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from newsletter.core.addresses import Address
from newsletter.core.errors import NotAllowedNow
from newsletter.core.tokens import Claim, Purpose, TokenSigner
from newsletter.delivery.needs import Needs
from newsletter.editorial.editions import letter
from newsletter.editorial.issues import content_hash
from newsletter.editorial.models import Issue
from newsletter.providers.base import Envelope
from newsletter.rendering.content import Letter
from newsletter.rendering.edition import render
from newsletter.rendering.message import MessageTemplate, Recipient

_KEPT = 6
"""Editions kept ready; a worker's memory stays flat however many issues it sends."""


@dataclass(frozen=True)
class Sheet:
    """One edition, ready for any number of readers; safe between threads."""

    template: MessageTemplate
    letter: Letter
    publication_id: int
    signer: TokenSigner
    secret: bytes = field(repr=False)

    def envelope(
        self, *, delivery_id: int, address: Address, public_id: UUID, date: datetime
    ) -> Envelope:
        """The complete message of one delivery. The Message-ID is the same at every attempt."""
        mac = hmac.new(self.secret, b"message-id/%d" % delivery_id, hashlib.sha256)
        tokens = self._tokens(public_id, Purpose.UNSUBSCRIBE, Purpose.PREFERENCES)
        return self._envelope(delivery_id, self._recipient(address, mac.hexdigest(), tokens, date))

    def test_envelope(self, *, address: Address, message_id: str, date: datetime) -> Envelope:
        """A message marked as a test: its links open their pages and can do nothing."""
        tokens = self._tokens(UUID(int=0), Purpose.TEST, Purpose.TEST)
        recipient = self._recipient(address, message_id, tokens, date, mark="[TEST] ")
        return self._envelope(0, recipient)

    def _tokens(self, subject: UUID, *purposes: Purpose) -> list[str]:
        return [self.signer.sign(Claim(subject, self.publication_id, p)) for p in purposes]

    def _recipient(
        self, address: Address, unique: str, tokens: list[str], date: datetime, *, mark: str = ""
    ) -> Recipient:
        url = self.letter.public_url
        leave = self.letter.leave_address or self.letter.sender_address
        domain = self.letter.sender_address.rpartition("@")[2]
        return Recipient(
            address=address,
            message_id=f"{unique[:32]}@{domain}",
            unsubscribe_url=f"{url}/u/{tokens[0]}",
            preferences_url=f"{url}/p/{tokens[1]}",
            leave_mailto=f"mailto:{leave}?subject=leave%20{tokens[0]}",
            date=date,
            subject_mark=mark,
        )

    def _envelope(self, delivery_id: int, recipient: Recipient) -> Envelope:
        return Envelope(
            delivery_id=delivery_id,
            sender=self.letter.sender_address,
            recipient=recipient.address,
            data=self.template.build(recipient),
        )


class Press:
    """Makes sheets and keeps the latest; one for each worker, used by all its threads."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, str, str | None], Sheet] = OrderedDict()

    def sheet(self, session: Session, issue_id: int, edition: str) -> Sheet:
        """The edition of an issue as it was approved.

        Raises NotAllowedNow when the content is no longer the approved one, RenderError when a
        template is at fault.
        """
        issue = session.get_one(Issue, issue_id)
        key = (issue_id, edition, issue.content_hash)
        with self._lock:
            if key not in self._kept:
                _require_as_approved(issue)
                self._kept[key] = self.print(issue, edition)
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def print(self, issue: Issue, edition: str) -> Sheet:
        """The edition as it stands now, approved or not."""
        settings = self._needs.settings
        content = letter(
            issue,
            edition,
            public_url=settings.public.url,
            media_path=settings.media_path,
            languages=settings.languages,
        )
        template = MessageTemplate(content, render(content, self._needs.theme))
        ring = self._needs.ring
        return Sheet(template, content, issue.publication_id, self._needs.signer, ring.index)


def _require_as_approved(issue: Issue) -> None:
    if issue.content_hash != content_hash(issue):
        raise NotAllowedNow(
            f"issue {issue.number} is no longer what was approved; put the text or the "
            "publication's settings back as they were, or cancel it"
        )
