"""The press: each edition of an issue rendered once, and each reader's message from it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core.addresses import Address
from newsletter.core.clock import now
from newsletter.core.db import reading
from newsletter.core.errors import ConfigurationError, NewsletterError, NotAllowedNow, RenderError
from newsletter.core.settings import NOT_REACHABLE, Settings
from newsletter.core.tokens import Purpose, TokenSigner
from newsletter.delivery import message_ids
from newsletter.delivery.needs import Needs
from newsletter.delivery.returning import paths
from newsletter.editorial import discreet
from newsletter.editorial.editions import editions_of, letter
from newsletter.editorial.issues import content_hash
from newsletter.editorial.models import Issue
from newsletter.providers.base import Envelope
from newsletter.rendering import discreet as plain
from newsletter.rendering import dkim_keys
from newsletter.rendering.content import Letter
from newsletter.rendering.edition import render
from newsletter.rendering.message import MessageTemplate, Recipient
from subscribers.audience import discreet_wanted, editions_wanted

SAMPLE = Address("reader@example.org")
_KEPT = 16
"""Editions kept ready; a worker's memory stays flat however many issues it sends."""


@dataclass(frozen=True)
class Sheet:
    """One edition, ready for any number of readers; safe between threads."""

    template: MessageTemplate
    letter: Letter
    publication_id: int
    signer: TokenSigner
    secret: bytes = field(repr=False)
    return_path: Callable[[int], str]
    """Of a delivery; nothing where bounces go to the sender."""
    discreet: Sheet | None = None
    """The same edition under its neutral sender, where the publication has one."""

    def envelope(
        self,
        *,
        delivery_id: int,
        address: Address,
        public_id: UUID,
        date: datetime,
        text_only: bool = False,
        discreet: bool = False,
        own_return_path: bool = False,
        signed: bool = True,
    ) -> Envelope:
        """The complete message of one delivery. The Message-ID is the same at every attempt.

        `text_only` for a reader who asked for mail without HTML; `discreet` for one who must not
        be found with it, and then it is never the ordinary message: NotAllowedNow where the
        publication cannot make that one. `own_return_path`: bounces come
        back to an address that names this delivery, where the settings give one (VERP). `signed`
        by the domain's DKIM keys, if there are any: for what takes a whole message as it is, which
        SMTP alone does.
        """
        if discreet:
            return self.in_form(discreet=True).envelope(
                delivery_id=delivery_id,
                address=address,
                public_id=public_id,
                date=date,
                text_only=text_only,
                own_return_path=own_return_path,
                signed=signed,
            )
        unique = message_ids.unique(self.secret, delivery_id)
        tokens = self._tokens(public_id, Purpose.UNSUBSCRIBE, Purpose.PREFERENCES)
        recipient = self._recipient(address, unique, tokens, date)
        sender = self.return_path(delivery_id) if own_return_path else ""
        return self._envelope(delivery_id, recipient, sender, text_only=text_only, signed=signed)

    def in_form(self, *, discreet: bool) -> Sheet:
        """The sheet itself, or its discreet form; NotAllowedNow when there is none."""
        if not discreet:
            return self
        if self.discreet is None:
            raise NotAllowedNow(
                "a reader asked for the discreet edition, and the publication cannot make it any "
                "more; 'newsletter publication show' says what it lacks"
            )
        return self.discreet

    def test_envelope(
        self, *, address: Address, message_id: str, date: datetime, signed: bool = True
    ) -> Envelope:
        """A message marked as a test: its links open their pages and can do nothing."""
        tokens = self._tokens(UUID(int=0), Purpose.TEST, Purpose.TEST)
        recipient = self._recipient(address, message_id, tokens, date, mark="[TEST] ")
        return self._envelope(0, recipient, "", signed=signed)

    def _tokens(self, subject: UUID, *purposes: Purpose) -> list[str]:
        return self.signer.sign_each(subject, self.publication_id, purposes)

    def _recipient(
        self, address: Address, unique: str, tokens: list[str], date: datetime, *, mark: str = ""
    ) -> Recipient:
        url = self.letter.public_url
        leave = self.letter.leave_address or self.letter.sender_address
        return Recipient(
            address=address,
            message_id=message_ids.with_domain(unique, self.letter.sender_address),
            unsubscribe_url=f"{url}/u/{tokens[0]}",
            preferences_url=f"{url}/p/{tokens[1]}",
            leave_mailto=f"mailto:{leave}?subject=leave%20{tokens[0]}",
            date=date,
            subject_mark=mark,
        )

    def _envelope(
        self,
        delivery_id: int,
        recipient: Recipient,
        sender: str,
        *,
        text_only: bool = False,
        signed: bool = True,
    ) -> Envelope:
        return Envelope(
            delivery_id=delivery_id,
            sender=sender or self.letter.sender_address,
            recipient=recipient.address,
            data=self.template.build(recipient, text_only=text_only, signed=signed),
            ready=True,
        )


class Press:
    """Makes sheets and keeps the latest; one for each worker, used by all its threads."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._lock = threading.Lock()
        self._kept: dict[tuple[int, str, str | None], Sheet] = {}

    def sheet(self, issue_id: int, edition: str, approved: str | None) -> Sheet:
        """The edition of an issue as it was approved; `approved` is the hash that says so.

        Raises NotAllowedNow when the content is no longer the approved one, RenderError when a
        template is at fault. Not to be called inside a transaction.
        """
        key = (issue_id, edition, approved)
        found = self._kept.get(key)
        if found is not None:
            return found
        with self._lock:
            if key not in self._kept:
                require_reachable(self._needs.settings)
                with reading(self._needs.engine) as session:
                    issue = session.get_one(Issue, issue_id)
                    _require_as_approved(issue)
                    made = self.print(issue, edition)
                while len(self._kept) >= _KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[key] = made
            return self._kept[key]

    def approved(self, issue_id: int, edition: str) -> Sheet:
        """`sheet` of the issue as it is approved now."""
        with reading(self._needs.engine) as session:
            found = session.scalar(select(Issue.content_hash).where(Issue.id == issue_id))
        return self.sheet(issue_id, edition, found)

    def print(self, issue: Issue, edition: str) -> Sheet:
        """The edition as it stands now, approved or not, and reachable or not."""
        settings = self._needs.settings
        content = letter(
            issue,
            edition,
            public_url=settings.links_url,
            media_path=settings.media_path,
            languages=settings.languages,
        )
        template = MessageTemplate(
            content, render(content, self._needs.theme), dkim_keys.signer(settings)
        )
        made = self._sheet(issue, content, template)
        if not discreet.is_offered(issue.publication, settings.links_url):
            return made
        return replace(made, discreet=self._discreet(issue, content))

    def _sheet(
        self, issue: Issue, content: Letter, template: MessageTemplate, bounces: str | None = None
    ) -> Sheet:
        settings, secret = self._needs.settings, self._needs.ring.index
        return Sheet(
            template=template,
            letter=content,
            publication_id=issue.publication_id,
            signer=self._needs.signer,
            secret=secret,
            return_path=partial(paths.return_path, settings, secret, address=bounces),
        )

    def _discreet(self, issue: Issue, content: Letter) -> Sheet:
        """Nothing of the ordinary one's sender, domain or key goes into it."""
        told, theme = discreet.settings_of(issue.publication), self._needs.theme
        names = {block.language: plain.name_in(theme, block.language) for block in content.blocks}
        letter = discreet.neutral(content, told, names)
        words = plain.Words(told.subjects, told.preheaders)
        domain = told.address.rpartition("@")[2]
        signer = dkim_keys.signer_of(
            self._needs.settings, domain, told.dkim_selector, told.dkim_key_path
        )
        template = MessageTemplate(letter, plain.render(letter, theme, words), signer)
        return self._sheet(issue, letter, template, told.bounce_address)


def proof(needs: Needs, session: Session, issue: Issue) -> None:
    """Make a complete message of each edition that can be asked for, and send none.

    To be called before an issue is approved, and again before it is launched: what cannot be
    made is found out while it can still be edited. InputError or NotAllowedNow names the edition
    and what to change in it, RenderError the template, ConfigurationError what readers would
    miss.
    """
    require_reachable(needs.settings)
    press = Press(needs)
    wanted = editions_wanted(session, issue.publication_id, now())
    if discreet_wanted(session, issue.publication_id, now()):
        discreet.require(issue.publication, needs.settings.links_url)
    for edition in dict.fromkeys([*editions_of(issue.publication), *wanted]):
        try:
            sheet = press.print(issue, edition)
            for form in filter(None, (sheet, sheet.discreet)):
                form.test_envelope(address=SAMPLE, message_id="proof", date=now())
        except (RenderError, ConfigurationError):
            raise
        except NewsletterError as err:
            raise NotAllowedNow(f"edition '{edition}' cannot be made: {err}") from err


def require_reachable(settings: Settings) -> None:
    """ConfigurationError while no reader could follow a link of ours, the one to leave included.

    RFC 8058 §3.1 and the laws on bulk mail want a way out that works.
    """
    if not settings.public.url:
        raise ConfigurationError(NOT_REACHABLE)


def _require_as_approved(issue: Issue) -> None:
    if issue.content_hash != content_hash(issue):
        raise NotAllowedNow(
            f"issue {issue.number} is no longer what was approved; put the text, the "
            "publication's settings or your own templates back as they were, or cancel it"
        )
