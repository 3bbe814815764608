"""Who a link in a mail belongs to, and what the page about it needs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.errors import TokenError
from newsletter.core.tokens import Claim, Purpose
from newsletter.editorial import discreet, edition_codes
from newsletter.editorial.models import Publication
from newsletter.rendering.discreet import name_in
from newsletter.web.pages import Pages
from newsletter.web.patience import TROUBLE, Patience
from newsletter.web.public.plain_host import host_of
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
    plain_names: dict[str, str] = field(default_factory=dict)
    """What it is called where nothing may name it; empty where it has no discreet edition."""
    plain_host: str = ""
    plain_contact: str = ""
    offers_discreet: bool = False

    def plain_name(self, language: str) -> str:
        """The neutral name, for pages that a discreet reader's links lead to."""
        return self.plain_names.get(language) or self.name(language)

    def hides(self, request: Request) -> bool:
        """Whether a page asked for like this must not name it, whoever it is for."""
        return bool(self.plain_host) and host_of(request) == self.plain_host

    def name(self, language: str) -> str:
        """Its name in this language, or in the first one it has."""
        return self.names.get(language) or next((n for n in self.names.values() if n), self.slug)


def masthead(publication: Publication, services: Services | None = None) -> Masthead:
    """The plain values of a publication; with `services` also those of its discreet edition."""
    made = Masthead(
        publication.id,
        publication.slug,
        dict(publication.names),
        tuple(publication.languages),
        publication.slot_zone,
    )
    if services is None or not publication.discreet:
        return made
    told, theme = discreet.settings_of(publication), services.theme
    names = {code: told.names.get(code) or name_in(theme, code) for code in made.languages}
    offered = discreet.is_offered(publication, services.settings.links_url)
    return replace(
        made,
        plain_names=names,
        plain_host=urlsplit(told.url).hostname or "",
        plain_contact=told.reply_to or told.address,
        offers_discreet=offered,
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
    on_plain_host: bool = False
    """Whether the link leads to the host of the discreet edition, also when nobody is behind it
    any more."""

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
        """The publication's name; empty when there is no such publication any more.

        The neutral one for a discreet reader: the page may be read over a shoulder too.
        """
        if self.publication is None:
            return ""
        if self.is_hidden:
            return self.publication.plain_name(language)
        return self.publication.name(language)

    @property
    def is_hidden(self) -> bool:
        """Whether the page may neither name the publication nor lead to where it is named."""
        return self.on_plain_host or (self.view is not None and self.view.discreet)

    @property
    def may_be_discreet(self) -> bool:
        """Whether the page asks: where it is offered, and always to who has chosen it."""
        offered = self.publication is not None and self.publication.offers_discreet
        return offered or (self.view is not None and self.view.discreet)

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


def behind(session: Session, services: Services, claim: Claim, request: Request) -> Reader:
    """The reader a genuine token means."""
    publication = session.get(Publication, claim.scope)
    view = None
    if claim.purpose is not Purpose.TEST:
        view = preferences.view(session, services.sealer, claim.subject, claim.scope, now())
    noted = spool.holds(services.settings.home, claim.subject, claim.scope)
    found = masthead(publication, services) if publication else None
    hides = found is not None and found.hides(request)
    return Reader(claim, found, view, noted=noted, on_plain_host=hides)


def language_of(request: Request, pages: Pages, reader: Reader) -> str:
    """`?l=`, else the first language left of the reader's edition, else the browser's or ours."""
    own = (reader.edition or "").split("+") if reader.view else [pages.wished(request) or ""]
    wishes = [pages.override(request) or "", *own, *reader.languages, *pages.languages]
    return next(code for code in wishes if code in pages.languages)
