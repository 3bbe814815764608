"""Who a link in a mail belongs to, and what the page about it needs."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.errors import TokenError
from newsletter.core.tokens import Claim, Purpose
from newsletter.editorial import edition_codes
from newsletter.editorial.models import Publication
from newsletter.web.pages import Pages
from newsletter.web.patience import TROUBLE, Patience
from subscribers import preferences, spool
from subscribers.preferences import View

_VERIFYING = Patience(0.5)
RETRY_AFTER = "120"
"""Seconds after which a mail program should try again."""


@dataclass(frozen=True, slots=True)
class Masthead:
    """A publication as pages need it, as plain values that outlive the transaction."""

    id: int
    slug: str
    names: dict[str, str]
    languages: tuple[str, ...]
    zone: str
    """The IANA zone of its calendar."""

    def name(self, language: str) -> str:
        """Its name in this language, or in the first one it has."""
        return self.names.get(language) or next((n for n in self.names.values() if n), self.slug)


def masthead(publication: Publication) -> Masthead:
    """The plain values of a publication."""
    return Masthead(
        publication.id,
        publication.slug,
        dict(publication.names),
        tuple(publication.languages),
        publication.slot_zone,
    )


@dataclass(frozen=True, slots=True)
class Reader:
    """A genuine token's reader; `view` is None for a test message and for who was erased."""

    claim: Claim
    publication: Masthead | None = None
    view: View | None = None
    unread: bool = False
    """The database could not be read; that the link is genuine is known all the same."""
    noted: bool = False
    """The wish to leave is kept on the disk until the database takes it."""

    @property
    def is_test(self) -> bool:
        """The link stood in a test message: it shows everything and does nothing."""
        return self.claim.purpose is Purpose.TEST

    @property
    def languages(self) -> tuple[str, ...]:
        """The publication's, in its order."""
        return self.publication.languages if self.publication else ()

    @property
    def zone(self) -> str:
        """The publication's, in which days are told."""
        return self.publication.zone if self.publication else "UTC"

    @property
    def edition(self) -> str | None:
        """What the reader's edition means today; None when none of its languages is left."""
        return edition_codes.remaining(self.languages, self.view.edition) if self.view else None

    @property
    def editions(self) -> list[str]:
        """What the reader may choose, always with what they have."""
        return edition_codes.choices(self.languages, self.edition) if self.languages else []

    def publication_name(self, language: str) -> str:
        """The publication's name; empty when there is no such publication any more."""
        return self.publication.name(language) if self.publication else ""

    @property
    def state(self) -> str:
        """What a page shows: here (is subscribed), left (may come back), gone (not known), noted
        (leaves as soon as the database takes it)."""
        if self.noted:
            return "noted"
        if self.unread:
            return "here"
        if self.publication is None or (self.view is None and not self.is_test):
            return "gone"
        return "left" if self.view and self.view.state == "ended" else "here"


def claim_of(services: Services, token: str, purpose: Purpose) -> Claim:
    """What the token says; TokenError when it is not one of ours for this purpose.

    The keys in memory verify also while the database is away. Only once in a while one look for
    newer keys is tried, and the next reading goes without; who has a link of a key that cannot
    be looked up now hears 503 and not that the link is bad.
    """

    def read() -> Claim:
        return services.signer.read(token, purpose, Purpose.TEST)

    try:
        return _VERIFYING.within(read)
    except TROUBLE:
        pass
    try:
        return _VERIFYING.within(read)
    except (TokenError, *TROUBLE) as err:
        raise HTTPException(503, headers={"Retry-After": RETRY_AFTER}) from err


def behind(session: Session, services: Services, claim: Claim) -> Reader:
    """The reader a genuine token means."""
    publication = session.get(Publication, claim.scope)
    view = None
    if claim.purpose is not Purpose.TEST:
        view = preferences.view(session, services.sealer, claim.subject, claim.scope, now())
    noted = spool.holds(services.settings.home, claim.subject, claim.scope)
    return Reader(claim, masthead(publication) if publication else None, view, noted=noted)


def language_of(request: Request, pages: Pages, reader: Reader) -> str:
    """`?l=`, else the first language left of the reader's edition, else the browser's or ours."""
    own = (reader.edition or "").split("+") if reader.view else [pages.wished(request) or ""]
    wishes = [pages.override(request) or "", *own, *reader.languages, *pages.languages]
    return next(code for code in wishes if code in pages.languages)
