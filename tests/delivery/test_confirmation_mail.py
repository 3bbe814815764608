"""The mail of a sign-up: what it says, in which language, and that nobody is named by it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from newsletter.app import Services
from newsletter.core import log
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import ConfigurationError, ProviderError, Retry
from newsletter.delivery import pausing, transactional
from newsletter.delivery.models import Delivery
from newsletter.editorial.models import Issue, Publication
from newsletter.providers.base import Envelope
from newsletter.providers.memory import MemoryConnection, MemoryProvider
from subscribers.models import Subscription, Suppression
from tests.delivery import front_desk, newsroom
from tests.delivery.front_desk import mails, sign_up, standing
from tests.smtp_server import ScriptedServer, nth

BURMESE = "စာရင်းသွင်းမှုကို အတည်ပြုပေးပါ"


@pytest.mark.parametrize(
    ("edition", "subject", "languages"),
    [
        ("en", "Please confirm your subscription", "en"),
        ("my", BURMESE, "my"),
        ("en+my", "Please confirm your subscription", "en, my"),
    ],
)
def test_the_mail_comes_in_the_language_chosen_and_its_link_confirms(
    any_services: Services, edition: str, subject: str, languages: str
) -> None:
    services = any_services
    sign_up(services, front_desk.open_publication(services), edition=edition)
    with ScriptedServer() as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    (kept,) = server.kept
    mail = front_desk.read(kept.data)
    assert (mail["Subject"], mail["Content-Language"]) == (subject, languages)
    assert (mail["To"], mail["Auto-Submitted"]) == ("reader@example.org", "auto-generated")
    assert "desk@news.example" in str(mail["From"])
    assert mail["Reply-To"] == "letters@news.example"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert len(front_desk.links(mail)) == 2 * len(languages.split(", "))
    assert front_desk.press(services, mail) == "confirmed"
    assert front_desk.press(services, mail) == "already"
    assert standing(services) == {"submitted": 1}
    with reading(services.engine) as session:
        assert session.scalars(select(Subscription.edition)).one() == edition


def test_each_language_says_the_whole_of_it(services: Services) -> None:
    publication_id = front_desk.open_publication(services)
    sign_up(services, publication_id, edition="en+my")
    newsroom.work_off(services)
    mail = front_desk.read(newsroom.taken(services)[0].data)
    for kind in ("plain", "html"):
        text = front_desk.body(mail, kind)
        for wanted in (
            "Somebody asked for “Hill Country Weekly” to be sent to this email address.",
            "within 7 days",
            "If it was not you, do nothing.",
            "never asks for a password",
            "၇\u00a0ရက်အတွင်း",
            "စကားဝှက်ကို မည်သည့်အခါမျှ မတောင်းခံပါ",
        ):
            assert wanted in text, (kind, wanted)


def test_nothing_in_it_is_the_visitors_and_nothing_is_fetched(services: Services) -> None:
    publication_id = front_desk.open_publication(services)
    sign_up(services, publication_id, "buy.pills.now@example.org", edition="en+my")
    newsroom.work_off(services)
    data = newsroom.taken(services)[0].data
    mail = front_desk.read(data)
    text = front_desk.body(mail, "plain") + front_desk.body(mail, "html")
    assert "pills" not in text
    assert data.count(b"pills") == 1, "in To:, and nowhere else"
    assert len(data) < 25_000
    assert "List-Unsubscribe" not in mail
    names = [name.lower() for name, _ in mail.raw_items()]
    assert len(set(names)) == len(names)
    assert max(len(line) for line in data.split(b"\r\n")) <= 78
    for fetched in ("src=", "url(", "@import", "<link", "<script", 'background="'):
        assert fetched not in front_desk.body(mail, "html")


def test_an_unknown_mailbox_is_barred_and_not_named(services: Services) -> None:
    sign_up(services, front_desk.open_publication(services), "jo@example.org")
    said = "550 5.1.1 User JO unknown, jo@example.org has no mailbox for jo here"
    with ScriptedServer(nth("RCPT", 1, said)) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    (row,) = mails(services)
    assert (row.state, row.reason) == ("refused", "hard_bounce")
    assert row.answer == (
        "550 5.1.1 User [address] unknown, [address] has no mailbox for [address] here"
    )
    with reading(services.engine) as session:
        assert session.scalars(select(Suppression.reason)).one() == "hard_bounce"


def test_while_no_link_would_lead_here_nothing_is_sent(services: Services) -> None:
    publication_id = front_desk.open_publication(services)
    sign_up(services, publication_id)
    settings = services.settings
    public = settings.public.model_copy(update={"url": ""})
    hidden = replace(services, settings=settings.model_copy(update={"public": public}))
    newsroom.work_off(hidden)
    (row,) = mails(services)
    assert (row.state, row.attempts, newsroom.taken(hidden)) == ("planned", 0, [])
    assert "readers cannot reach this service yet" in (row.answer or "")
    with reading(services.engine) as session:
        publication = session.get_one(Publication, publication_id)
        transactional.require_open(settings, publication)
        with pytest.raises(ConfigurationError, match="readers cannot reach"):
            transactional.require_open(hidden.settings, publication)
        publication.sender_address = ""
        with pytest.raises(ConfigurationError, match="no sender address"):
            transactional.require_open(settings, publication)


def test_a_language_given_up_meanwhile_leaves_a_mail_that_can_be_read(services: Services) -> None:
    publication_id = front_desk.open_publication(services)
    sign_up(services, publication_id, "both@example.org", "en+my")
    sign_up(services, publication_id, "burmese@example.org", "my")
    with writing(services.engine) as session:
        session.get_one(Publication, publication_id).languages = ["en"]
    newsroom.work_off(services)
    found = [front_desk.read(taken.data) for taken in newsroom.taken(services)]
    assert [str(mail["Content-Language"]) for mail in found] == ["en", "en"]


class _Telling(MemoryProvider):
    """A provider that names its reader in whatever it says."""

    def __init__(self, *errors: ProviderError) -> None:
        super().__init__()
        self._errors = list(errors)

    def connect(self) -> MemoryConnection:
        return _TellingConnection(self.messages, self._errors)


class _TellingConnection(MemoryConnection):
    def __init__(self, messages: list[Envelope], errors: list[ProviderError]) -> None:
        super().__init__(messages)
        self._left = errors

    def submit(self, envelope: Envelope, before_body: Callable[[], None]) -> str:
        before_body()
        if self._left:
            raise self._left.pop(0)
        return "250 2.0.0 queued for R2 <r2@example.org>"


def test_whatever_a_provider_says_nobody_is_named_in_rows_reasons_or_logs(
    services: Services, tmp_path: Path
) -> None:
    told = ProviderError("relay: r1 is barred", retry=Retry.LATER, answer="450 r1: r1", halts=True)
    newsroom.use(services, _Telling(told))
    issue_id = newsroom.publish(services, 2)
    newsroom.start(services, issue_id)
    log.configure(file=tmp_path / "worker.log", to_stderr=False)
    newsroom.work_off(services)
    with writing(services.engine) as session:
        pausing.resume(session, session.get_one(Issue, issue_id), now())
        session.execute(update(Delivery).where(Delivery.id == 1).values(state="skipped"))
    newsroom.work_off(services)
    log.configure(to_stderr=False)
    answers = [row.answer for row in newsroom.rows(services, issue_id)]
    assert answers == ["450 [address]: [address]", "250 2.0.0 queued for [address] <[address]>"]
    written = (tmp_path / "worker.log").read_text("utf-8")
    assert "relay: [address] is barred" in written
    assert not re.search(r"\br[12]\b", written)
