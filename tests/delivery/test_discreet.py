"""A discreet message names its publication in no header, on no envelope and in no first lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

import pytest
from sqlalchemy import select, update

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import NotAllowedNow
from newsletter.delivery import press
from newsletter.delivery.message_ids import MESSAGE, RETURN_PATH, delivery_of
from newsletter.delivery.proofs import send_test
from newsletter.editorial import checks, issues
from newsletter.editorial.models import Issue, Publication
from newsletter.rendering import dkim_keys
from subscribers.models import Subscription
from tests.delivery import newsroom
from tests.rendering.dkim_verifier import verify
from tests.smtp_server import ScriptedServer

PLAIN = "plain.example"
READERS = 6
HALF = (1, 2, 3)
"""Of en, my and en+my one each."""


def _neutral(services: Services, **told: object) -> int:
    """An approved issue whose first readers want it discreet; the publication can do that."""
    issue_id = newsroom.publish(services, READERS)
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        issue.publication.discreet = {
            "address": f"notes@{PLAIN}",
            "url": f"https://{PLAIN}",
            "bounce_address": f"back@{PLAIN}",
            **told,
        }
        session.execute(update(Subscription).where(Subscription.id.in_(HALF)).values(discreet=True))
        issue.status = "draft"
        issues.approve(session, issue, checks.check(issue, issue.publication), now=now())
    return issue_id


def _with_ordinary_domain(services: Services) -> tuple[Services, dict[str, str]]:
    """Bounces and signature of the ordinary domain, and a key for the neutral one."""
    dns, home = {}, services.settings.home
    for domain, name in (("news.example", "usual"), (PLAIN, "plain")):
        private = dkim_keys.generate("ed25519")
        (home / f"{name}.pem").write_bytes(dkim_keys.pem(private))
        dns[f"s1._domainkey.{domain}."] = dkim_keys.record(private)
    settings = services.settings
    signing = settings.dkim.model_copy(
        update={"domain": "news.example", "selector": "s1", "key_path": "usual.pem"}
    )
    bounces = settings.bounces.model_copy(update={"address": "bounces@news.example"})
    changed = settings.model_copy(update={"dkim": signing, "bounces": bounces})
    return replace(services, settings=changed), dns


@pytest.fixture
def sent(services: Services) -> Iterator[tuple[ScriptedServer, dict[str, str], Services]]:
    """Six messages on the wire, of which three are discreet."""
    ready, dns = _with_ordinary_domain(services)
    issue_id = _neutral(ready, dkim_selector="s1", dkim_key_path="plain.pem")
    with writing(ready.engine) as session:
        press.proof(ready, session, session.get_one(Issue, issue_id))
    newsroom.start(ready, issue_id)
    with ScriptedServer() as server:
        newsroom.work_off(newsroom.over_smtp(ready, server.port))
        yield server, dns, ready


def _parsed(data: bytes) -> EmailMessage:
    return message_from_bytes(data, _class=EmailMessage, policy=policy.default)


def _of(server: ScriptedServer, *, discreet: bool) -> list[bytes]:
    wanted = {f"r{number}@example.org" for number in HALF}
    return [kept.data for kept in server.kept if (kept.recipient in wanted) == discreet]


def _telling(services: Services) -> list[str]:
    """Everything that would name the publication."""
    with reading(services.engine) as session:
        publication = session.scalars(select(Publication)).one()
        found = [*publication.names.values(), *publication.sender_names.values()]
        found += [name for kind in publication.categories for name in kind.names.values()]
        found += [publication.sender_address, "desk@", "news.example", "bounces@"]
        found += [services.settings.links_url, "127.0.0.1", "/archive/", "logo"]
    return found


def _lines(body: MIMEPart) -> str:
    return str(body.get_content()).replace("\r\n", "\n")


def _said(message: EmailMessage) -> str:
    """All headers of the message and of its parts, as they stand and as they are read."""
    values = (str(value) for part in message.walk() for value in part.values())
    return "\n".join(values)


def test_no_header_names_it_and_no_envelope(
    sent: tuple[ScriptedServer, dict[str, str], Services],
) -> None:
    server, _, services = sent
    told, mails = _telling(services), _of(server, discreet=True)
    assert len(mails) == len(HALF)
    for data in mails:
        message = _parsed(data)
        raw = b"\n".join(part.split(b"\r\n\r\n")[0] for part in data.split(b"\r\n--"))
        for word in told:
            assert word.casefold() not in _said(message).casefold()
            assert word.encode().lower() not in raw.lower()
        assert f"<notes@{PLAIN}>" in str(message["From"])
        assert str(message["List-Id"]).endswith(f"<notes.{PLAIN}>")
        assert str(message["Message-ID"]).endswith(f"@{PLAIN}>")
        assert f"<https://{PLAIN}/u/" in str(message["List-Unsubscribe"])
        assert f"<mailto:notes@{PLAIN}?" in str(message["List-Unsubscribe"])
        assert [part.get_content_type() for part in message.walk()] == [
            "multipart/alternative",
            "text/plain",
            "text/html",
        ]
    senders = [line for line in server.commands if line.upper().startswith("MAIL")]
    assert sum(f"@{PLAIN}>" in line for line in senders) == len(HALF)


def test_every_link_of_ours_leads_to_the_neutral_domain(
    sent: tuple[ScriptedServer, dict[str, str], Services],
) -> None:
    server, _, services = sent
    for data in _of(server, discreet=True):
        for part in _parsed(data).walk():
            if part.get_content_maintype() == "text":
                body = str(part.get_content())
                assert f"https://{PLAIN}/u/v1." in body
                assert f"https://{PLAIN}/p/v1." in body
                assert services.settings.links_url not in body
                assert "news.example" not in body


def test_first_lines_say_nothing_and_the_text_is_there(
    sent: tuple[ScriptedServer, dict[str, str], Services],
) -> None:
    server, _, services = sent
    for data in _of(server, discreet=True):
        body = _parsed(data).get_body(("plain",))
        assert body is not None
        first, gap, rest = _lines(body).partition("\n" * 20)
        assert gap
        assert len(first) > 200, "a preview shows what follows it"
        for word in [*_telling(services), "Week of Waiting", "စောင့်ဆိုင်း", "Valley Watch"]:
            assert word not in first
        assert "Valley Watch" in rest


def test_signatures_are_each_of_their_own_domain_and_hold(
    sent: tuple[ScriptedServer, dict[str, str], Services],
) -> None:
    server, dns, _ = sent
    for discreet, domain in ((True, PLAIN), (False, "news.example")):
        for data in _of(server, discreet=discreet):
            assert f"d={domain};".encode() in data
            assert verify(data, dns) == ["pass"]


def test_its_marks_lead_back_to_the_delivery(
    sent: tuple[ScriptedServer, dict[str, str], Services],
) -> None:
    server, _, services = sent
    secret = services.ring.index
    paths = [line for line in server.commands if f"@{PLAIN}>" in line]
    found = {delivery_of(secret, line, RETURN_PATH) for line in paths}
    ids = [str(_parsed(data)["Message-ID"]) for data in _of(server, discreet=True)]
    assert found == {delivery_of(secret, one, MESSAGE) for one in ids}
    assert None not in found


def test_the_others_get_the_ordinary_mail(
    sent: tuple[ScriptedServer, dict[str, str], Services],
) -> None:
    server, _, _ = sent
    for data in _of(server, discreet=False):
        assert "<desk@news.example>" in str(_parsed(data)["From"])
        assert PLAIN.encode() not in data


def test_without_a_key_of_its_own_nobody_signs(services: Services) -> None:
    ready, _ = _with_ordinary_domain(services)
    newsroom.start(ready, _neutral(ready))
    with ScriptedServer() as server:
        newsroom.work_off(newsroom.over_smtp(ready, server.port))
    assert all(b"DKIM-Signature" not in data for data in _of(server, discreet=True))
    assert all(b"DKIM-Signature" in data for data in _of(server, discreet=False))


def test_without_a_bounce_address_bounces_go_to_its_sender(services: Services) -> None:
    ready, _ = _with_ordinary_domain(services)
    newsroom.start(ready, _neutral(ready, bounce_address=""))
    with ScriptedServer() as server:
        newsroom.work_off(newsroom.over_smtp(ready, server.port))
    senders = [line for line in server.commands if line.upper().startswith("MAIL")]
    assert sum(f"<notes@{PLAIN}>" in line for line in senders) == len(HALF)


def test_text_alone_and_discreet_go_together(services: Services) -> None:
    issue_id = _neutral(services)
    with writing(services.engine) as session:
        session.execute(update(Subscription).where(Subscription.id == 1).values(text_only=True))
    newsroom.start(services, issue_id)
    newsroom.work_off(services)
    (mail,) = [e for e in newsroom.taken(services) if e.recipient.text == "r1@example.org"]
    message = _parsed(mail.data)
    assert message.get_content_type() == "text/plain"
    assert f"<notes@{PLAIN}>" in str(message["From"])


def test_issue_with_discreet_readers_is_refused_while_something_lacks(services: Services) -> None:
    issue_id = _neutral(services, url="")
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        with pytest.raises(NotAllowedNow, match=r"publication set discreet\.url"):
            press.proof(services, session, issue)
        session.execute(update(Subscription).values(discreet=False))
        press.proof(services, session, issue)


def test_reader_who_chose_it_is_never_sent_the_ordinary_mail(services: Services) -> None:
    """The choice was made after the approval, and nobody can make that mail any more."""
    issue_id = newsroom.publish(services, 2)
    newsroom.start(services, issue_id)
    with writing(services.engine) as session:
        session.execute(update(Subscription).values(discreet=True))
    newsroom.work_off(services)
    assert newsroom.taken(services) == []
    state, reason = newsroom.status(services, issue_id)
    assert state == "paused"
    assert reason is not None
    assert "discreet" in reason


def test_a_test_message_can_be_discreet_too(services: Services) -> None:
    issue_id = _neutral(services)
    with reading(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        send_test(services, issue, "my", ["editor@example.org"], now(), discreet=True)
    message = _parsed(newsroom.taken(services)[0].data)
    assert str(message["Subject"]).startswith("[TEST] ")
    assert f"<notes@{PLAIN}>" in str(message["From"])


def test_a_test_message_says_what_lacks(services: Services) -> None:
    issue_id = newsroom.publish(services, 1)
    with reading(services.engine) as session, pytest.raises(NotAllowedNow, match="discreet"):
        issue = session.get_one(Issue, issue_id)
        send_test(services, issue, "my", ["editor@example.org"], now(), discreet=True)
