"""A bilingual publication with one reader and one issue that went out, served over loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.tokens import Claim, Purpose
from newsletter.editorial import issues, publications
from newsletter.editorial.states import Status
from newsletter.web import application, mailbox
from newsletter.web.server import WebServer
from subscribers import directory
from subscribers.models import Consent, Subscription
from tests.system import PATIENCE

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ADDRESS = "thandar.kyaw@mail.example.org"


@dataclass
class Site:
    """The running pages, and a look at what they changed."""

    services: Services
    url: str
    publication_id: int
    reader: UUID
    server: WebServer

    def token(self, purpose: Purpose, reader: UUID | None = None, scope: int = 0) -> str:
        """A link's token for the reader of this site or another."""
        claim = Claim(reader or self.reader, scope or self.publication_id, purpose)
        return self.services.signer.sign(claim)

    def link(self, purpose: Purpose, path: str = "u") -> str:
        """A whole link."""
        return f"{self.url}/{path}/{self.token(purpose)}"

    def standing(self) -> tuple[str, str, list[str]]:
        """State, edition and the kinds of consent in the order they came."""
        with reading(self.services.engine) as session:
            held = session.scalars(select(Subscription)).one()
            kinds = [
                f"{c.kind} {c.how}" for c in session.scalars(select(Consent).order_by(Consent.id))
            ]
            return held.state, held.edition, kinds


@pytest.fixture
def site(services: Services) -> Iterator[Site]:
    """Served by a real uvicorn on a free port."""
    with serving(services) as made:
        yield made


@pytest.fixture
def any_site(any_services: Services) -> Iterator[Site]:
    """The same on each database in turn."""
    with serving(any_services) as made:
        yield made


@contextmanager
def serving(services: Services) -> Iterator[Site]:
    """The publication, its issues and its reader, and the pages running."""
    names = {"en": "Hill Country Letter", "my": "တောင်တန်းဒေသ စာစောင်"}
    wanted = publications.default().model_copy(update={"names": names})
    with writing(services.engine) as session:
        publication = publications.create(session, wanted, now=NOW)
        for number, title in ((1, "The ferry at dawn"), (2, "Not gone out yet")):
            made = issues.create(session, publication, day=date(2026, 11, 9 + 7 * number), now=NOW)
            issues.set_editorial(session, made, "en", title=title, body="It came late.", now=NOW)
            if number == 1:
                issues.set_editorial(
                    session, made, "my", title="မနက်ခင်း ကူးတို့", body="နောက်ကျခဲ့သည်။", now=NOW
                )
                made.status, made.launched_at = Status.SENT, NOW
        directory.add(
            session, services.sealer, publication_id=publication.id, address=ADDRESS,
            edition="my", how="editor", wording="asked for it", now=NOW,
        )  # fmt: skip
        session.flush()
        (row,) = directory.listing(session, publication.id)
        found = (publication.id, row.public_id)
    with running(services) as server:
        yield Site(services, server.url, *found, server)


@contextmanager
def running(services: Services) -> Iterator[WebServer]:
    """The pages of these services, on a port of their own."""
    app = application.build(services, [mailbox.router(services.settings.home / "mailbox")])
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """A browser without cookies that never follows a redirect."""
    with httpx.Client(trust_env=False, timeout=PATIENCE) as made:
        yield made
