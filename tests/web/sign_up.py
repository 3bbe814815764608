"""A sign-up page that is open, and somebody who fills it in without waiting."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx
from sqlalchemy import func, select

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.delivery.models import Delivery
from newsletter.editorial import publications
from newsletter.web import application
from newsletter.web.form_tokens import FormToken, FormTokens, Stage
from newsletter.web.proof_of_work import Work
from newsletter.web.server import WebServer
from subscribers.models import Confirmation, Subscription

CONTACT = "desk@example.org"


@dataclass
class Door:
    """The page of one publication on a running server."""

    services: Services
    url: str
    slug: str = "weekly"

    @property
    def page(self) -> str:
        """The address of the form, in English."""
        return f"{self.url}/s/{self.slug}?l=en"

    def token(self, stage: Stage = Stage.FIRST, age: float = 60, slug: str = "") -> FormToken:
        """A token of a form that was opened so many seconds ago."""
        then = FormTokens(self.services.secret("form"), lambda: time.time() - age)
        return then.issue(slug or self.slug, stage, self.services.settings.signup.seconds)

    def number(self, token: FormToken) -> str:
        """What a browser finds by counting."""
        return str(
            Work(self.services.secret("form"), self.services.settings.signup.work)._number(token)
        )

    def fields(self, address: str, edition: str = "en", **more: str) -> dict[str, str]:
        """A form as a browser with a script sends it, a minute after it was opened."""
        token = self.token()
        made = {"token": token.text, "number": self.number(token), "website": ""}
        return {**made, "address": address, "edition": edition, **more}

    def press(self, client: httpx.Client, address: str, edition: str = "en") -> httpx.Response:
        """Fill in and send; a sign-up that is accepted."""
        answer = client.post(self.page, data=self.fields(address, edition))
        assert answer.status_code == 200
        assert is_accepted(answer), answer.text
        return answer

    def counts(self) -> tuple[int, int, int]:
        """How many subscriptions, confirmations and planned mails there are."""
        tables = (Subscription, Confirmation, Delivery)
        with reading(self.services.engine) as session:
            found = [session.scalar(select(func.count()).select_from(table)) for table in tables]
        return found[0] or 0, found[1] or 0, found[2] or 0


def is_accepted(answer: httpx.Response) -> bool:
    """Whether this is the page that says to look for a mail."""
    return "Please check your inbox" in answer.text


def typed_again(answer: httpx.Response) -> str:
    """The address as the form shows it again."""
    found = re.search(r'id="address" name="address" value="([^"]*)"', answer.text)
    return found[1] if found else ""


@contextmanager
def opened(services: Services, proxies: str = "", **rules: float) -> Iterator[Door]:
    """A server whose publication takes readers, with other rules of [signup] where given."""
    changed = services.settings.signup.model_copy(update=rules)
    settings = services.settings.model_copy(update={"signup": changed})
    tuned = replace(services, settings=settings)
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        publications.set_value(session, publication, "sender.address", CONTACT)
    server = WebServer(application.build(tuned), trusted_proxies=proxies)
    server.start()
    try:
        yield Door(tuned, server.url)
    finally:
        server.stop()
