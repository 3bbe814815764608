"""The mail of a sign-up: what it says, and that nothing delays, doubles or betrays it."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
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
from newsletter.worker import Worker
from subscribers import leaving, spool, suppression
from subscribers.models import Confirmation, Subscriber, Subscription, Suppression
from tests.delivery import front_desk, newsroom
from tests.delivery.front_desk import mails, sign_up, sign_up_all, standing
from tests.smtp_server import HANG, ScriptedServer, nth
from tests.test_kill import Child

BURMESE = "စာရင်းသွင်းမှုကို အတည်ပြုပေးပါ"
START = "2026-11-20T03:00:00Z"


@pytest.fixture
def publication_id(any_services: Services) -> int:
    return front_desk.open_publication(any_services)


def bar(services: Services, address: str) -> None:
    with writing(services.engine) as session:
        suppression.suppress(session, services.sealer.blind_index(address), "complaint", now())


@pytest.mark.parametrize(
    ("edition", "subject", "languages"),
    [
        ("en", "Please confirm your subscription", "en"),
        ("my", BURMESE, "my"),
        ("en+my", "Please confirm your subscription", "en, my"),
    ],
)
def test_the_mail_comes_in_the_language_chosen_and_its_link_confirms(
    any_services: Services, publication_id: int, edition: str, subject: str, languages: str
) -> None:
    services = any_services
    sign_up(services, publication_id, edition=edition)
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
            "၇ ရက်အတွင်း",
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
    assert len(data) < 20_000
    assert "List-Unsubscribe" not in mail
    names = [name.lower() for name, _ in mail.raw_items()]
    assert len(set(names)) == len(names)
    assert max(len(line) for line in data.split(b"\r\n")) <= 78
    for fetched in ("src=", "url(", "@import", "<link", "<script", 'background="'):
        assert fetched not in front_desk.body(mail, "html")


def test_greylisting_is_waited_out(services: Services) -> None:
    with (
        time_machine.travel(START, tick=False) as clock,
        ScriptedServer(nth("RCPT", 1, "451 4.7.1 greylisted")) as server,
    ):
        sign_up(services, front_desk.open_publication(services))
        smtp = newsroom.over_smtp(services, server.port)
        newsroom.work_off(smtp)
        (row,) = mails(services)
        assert (row.state, row.attempts) == ("planned", 1)
        clock.shift(timedelta(minutes=7))
        newsroom.work_off(smtp)
    assert standing(services) == {"submitted": 1}
    assert len(server.kept) == 1


def test_what_is_put_off_for_ever_ends_with_the_link(services: Services) -> None:
    """The hours of retrying are over long before the link; a shorter link ends them sooner."""
    with (
        time_machine.travel(START, tick=False) as clock,
        ScriptedServer(lambda at, _: "452 4.2.2 full" if at == "RCPT" else None) as server,
    ):
        sign_up(services, front_desk.open_publication(services))
        smtp = newsroom.over_smtp(services, server.port)
        for _ in range(14):
            newsroom.work_off(smtp)
            clock.shift(timedelta(hours=1.3))
        (row,) = mails(services)
        assert (row.state, row.reason) == ("refused", "gave_up")
        with reading(services.engine) as session:
            assert session.scalars(select(Suppression)).all() == []


def test_a_provider_that_lets_nobody_in_blames_nobody(any_services: Services) -> None:
    services = any_services
    asked = ["a", "b", "c", "d", "e"]
    shut = True

    def script(stage: str, _nth: int) -> str | None:
        return "530 5.7.0 log in first" if stage == "MAIL" and shut else None

    with time_machine.travel(START, tick=False) as clock, ScriptedServer(script) as server:
        sign_up_all(services, front_desk.open_publication(services), asked)
        smtp = newsroom.over_smtp(services, server.port)
        newsroom.work_off(smtp)
        assert [(row.state, row.attempts) for row in mails(services)] == [("planned", 0)] * 5
        assert all(row.not_before_at for row in mails(services))
        tried = [c for c in server.commands if c.startswith("MAIL")]
        assert len(tried) == 1, "one try tells for all"
        if services.engine.dialect.name == "postgresql":
            return  # it has a clock of its own, which nobody can put forward
        shut = False
        clock.shift(timedelta(minutes=2))
        newsroom.work_off(smtp)
        assert standing(services) == {"planned": 1, "submitted": 4}
        clock.shift(timedelta(minutes=14))
        newsroom.work_off(smtp)
        assert [kept.recipient[0] for kept in server.kept] == ["b", "c", "d", "e", "a"]
    with reading(services.engine) as session:
        assert session.scalars(select(Suppression)).all() == []


def test_one_that_upsets_the_server_holds_up_nobody(services: Services) -> None:
    """Else a single odd address in the form could keep everybody out."""
    with time_machine.travel(START, tick=False) as clock:
        sign_up_all(services, front_desk.open_publication(services), ["odd", "b", "c"])
        with ScriptedServer(nth("MAIL", 1, "550 5.5.4 what is that?")) as server:
            smtp = newsroom.over_smtp(services, server.port)
            newsroom.work_off(smtp)
            clock.shift(timedelta(minutes=2))
            newsroom.work_off(smtp)
            assert [kept.recipient[0] for kept in server.kept] == ["b", "c"]


def test_a_server_that_is_away_costs_nothing_but_time(services: Services) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with time_machine.travel(START, tick=False) as clock:
        sign_up_all(services, front_desk.open_publication(services), ["a", "b"])
        newsroom.work_off(newsroom.over_smtp(services, port))
        assert [(row.state, row.attempts) for row in mails(services)] == [("planned", 0)] * 2
        clock.shift(timedelta(minutes=16))
        newsroom.work_off(services)
        assert standing(services) == {"submitted": 2}


@pytest.mark.parametrize("reason", ["suppressed", "confirmed", "expired", "unsubscribed", "erased"])
def test_what_is_no_longer_wanted_is_not_sent(any_services: Services, reason: str) -> None:
    services = any_services
    publication_id = front_desk.open_publication(services)
    asked_at = now() - timedelta(days=7 if reason == "expired" else 0, hours=1)
    sign_up(services, publication_id, at=asked_at)
    with writing(services.engine) as session:
        person = session.scalars(select(Subscriber)).one()
        if reason == "confirmed":
            session.execute(update(Confirmation).values(used_at=now()))
        if reason == "unsubscribed":
            leaving.leave(
                session, public_id=person.public_id, publication_id=publication_id,
                how="page", wording="Unsubscribe", now=now(),
            )  # fmt: skip
        if reason == "erased":
            session.delete(person)
    if reason == "suppressed":
        bar(services, "reader@example.org")
    worker = Worker(services)
    worker._cleaned_at = now()  # else what expired is forgotten before it is looked at
    newsroom.work_off(services, worker)
    worker.close()
    assert newsroom.taken(services) == []
    found = [(row.state, row.reason) for row in mails(services)]
    assert found == ([] if reason == "erased" else [("skipped", reason)])


def test_a_bar_in_the_last_moment_holds(services: Services) -> None:
    sign_up(services, front_desk.open_publication(services))

    def bar_at_data(stage: str, _nth: int) -> str | None:
        if stage == "DATA":
            bar(services, "reader@example.org")
        return None

    with ScriptedServer(bar_at_data) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    assert server.kept == []
    assert [(row.state, row.reason) for row in mails(services)] == [("skipped", "suppressed")]


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


def test_an_issue_of_many_does_not_hold_it_back(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 60)
    newsroom.start(services, issue_id)
    worker = Worker(services)
    worker.step()
    assert len(newsroom.taken(services)) == 20
    with reading(services.engine) as session:
        publication_id = session.scalars(select(Publication.id)).one()
    sign_up(services, publication_id, "new@example.org")
    before = newsroom.counts(services, issue_id)
    worker.step()
    assert newsroom.taken(services)[20].recipient.text == "new@example.org"
    assert newsroom.counts(services, issue_id) == before, "the issue's sums know nothing of it"
    newsroom.work_off(services, worker)
    worker.close()
    assert newsroom.counts(services, issue_id).done
    assert newsroom.status(services, issue_id)[0] == "sent"
    assert len(newsroom.taken(services)) == 61


def test_a_paused_issue_holds_no_sign_up_back(services: Services) -> None:
    issue_id = newsroom.publish(services, 1)
    newsroom.start(services, issue_id)
    with writing(services.engine) as session:
        session.execute(update(Publication).values(sender_address="desk@news.example"))
    sign_up(services, 1, "new@example.org")
    with ScriptedServer(nth("MAIL", 2, "530 5.7.0 log in")) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
        assert newsroom.status(services, issue_id)[0] == "paused"
        sign_up(services, 1, "other@example.org")
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    assert [kept.recipient for kept in server.kept] == ["new@example.org", "other@example.org"]


def test_killed_at_the_dot_it_is_in_doubt_and_not_sent_again(services: Services) -> None:
    sign_up_all(services, front_desk.open_publication(services), ["a", "b", "c"])
    child = Child(services.settings.home)
    with ScriptedServer(on_kept=child.kept) as server:
        (services.settings.home / "newsletter.toml").write_text(
            f'[smtp]\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\n'
            '[delivery]\nprovider = "smtp"\nconnections = 1\n'
            '[public]\nurl = "https://news.example.org"\n',
            encoding="utf-8",
        )
        assert child.run((2, signal.SIGKILL)) == -signal.SIGKILL
        assert standing(services) == {"claimed": 1, "submitted": 1, "submitting": 1}
        newsroom.work_off(newsroom.over_smtp(services, server.port))
        assert standing(services) == {"submitted": 2, "unknown": 1}
        assert sorted(kept.recipient[0] for kept in server.kept) == ["a", "b", "c"]
        assert len({kept.message_id for kept in server.kept}) == 3


def test_no_answer_after_the_dot_is_unknown(services: Services) -> None:
    sign_up(services, front_desk.open_publication(services))
    with ScriptedServer(nth("DOT", 1, HANG)) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
        assert standing(services) == {"unknown": 1}
        newsroom.work_off(newsroom.over_smtp(services, server.port))
        assert len(server.kept) == 1


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


def test_the_keeper_forgets_what_ran_out_once_a_minute(services: Services) -> None:
    publication_id = front_desk.open_publication(services)

    def held() -> int:
        with reading(services.engine) as session:
            return len(session.scalars(select(Subscriber)).all())

    with time_machine.travel(START, tick=False) as clock:
        worker = Worker(services)
        sign_up(services, publication_id, at=now() - timedelta(days=7, seconds=-30))
        worker.step()
        clock.shift(timedelta(seconds=59))
        worker.step()
        assert held() == 1, "it ran out half a minute ago, but the minute is not over"
        clock.shift(timedelta(seconds=2))
        worker.step()
        assert held() == 0
        sign_up(services, publication_id, at=now() - timedelta(days=8))
        clock.shift(timedelta(days=-1))
        worker.step()
        assert held() == 0, "a clock that was put back does not stop it"
        worker.close()


def test_a_wish_to_leave_that_waits_on_the_disk_is_heard_before_anybody_is_claimed(
    services: Services,
) -> None:
    issue_id = newsroom.publish(services, 2)
    newsroom.start(services, issue_id)
    with reading(services.engine) as session:
        person = session.scalars(select(Subscriber).order_by(Subscriber.id)).first()
        assert person is not None
    wish = spool.Leaving(person.public_id, 1, "one_click", "one-click", now())
    spool.keep(services.settings.home, wish)
    newsroom.work_off(services)
    assert newsroom.counts(services, issue_id).skipped == {"unsubscribed": 1}
    assert [taken.recipient.text for taken in newsroom.taken(services)] == ["r2@example.org"]
    assert not spool.holds(services.settings.home, person.public_id, 1)


def test_a_wish_that_comes_after_the_claim_is_heard_too(services: Services) -> None:
    issue_id = newsroom.publish(services, 2)
    newsroom.start(services, issue_id)
    with reading(services.engine) as session:
        people = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()
    wish = spool.Leaving(people[1].public_id, 1, "one_click", "one-click", now())

    def wish_at_first(stage: str, count: int) -> None:
        if (stage, count) == ("RCPT", 1):
            spool.keep(services.settings.home, wish)

    with ScriptedServer(wish_at_first) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    assert [kept.recipient for kept in server.kept] == ["r1@example.org"]
    assert newsroom.counts(services, issue_id).skipped == {"unsubscribed": 1}


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
    services.__dict__["provider"] = _Telling(told)
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
