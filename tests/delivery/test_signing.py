"""Every message that leaves over SMTP is signed as it arrives; nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.dkim_settings import Dkim
from newsletter.core.errors import ConfigurationError
from newsletter.delivery import notices, notifying
from newsletter.delivery.press import Press
from newsletter.delivery.proofs import send_test
from newsletter.editorial.models import Issue
from newsletter.providers.memory import MemoryProvider
from newsletter.rendering import dkim_keys
from tests.delivery import front_desk, newsroom
from tests.rendering.dkim_verifier import verify
from tests.smtp_server import ScriptedServer

DOMAIN = "news.example"


def _signing(services: Services) -> tuple[Services, dict[str, str]]:
    """The same installation with a key, and what the DNS would say of it."""
    private = dkim_keys.generate("ed25519")
    path = services.settings.home / "signing.pem"
    path.write_bytes(dkim_keys.pem(private))
    wanted = Dkim(
        domain=DOMAIN,
        selector="s1",
        key_path=str(path),
        second_selector="",
        second_key_path="",
        left_out=(),
    )
    changed = replace(services, settings=services.settings.model_copy(update={"dkim": wanted}))
    return changed, {f"s1._domainkey.{DOMAIN}.": dkim_keys.record(private)}


def test_an_issue_arrives_with_a_signature_that_holds(services: Services) -> None:
    signing, dns = _signing(services)
    issue_id = newsroom.publish(signing, 6)
    newsroom.start(signing, issue_id)
    with ScriptedServer() as server:
        newsroom.work_off(newsroom.over_smtp(signing, server.port))
    assert len(server.kept) == 6
    assert [verify(kept.data, dns) for kept in server.kept] == [["pass"]] * 6


def test_a_confirmation_is_signed(services: Services) -> None:
    signing, dns = _signing(services)
    front_desk.sign_up(signing, front_desk.open_publication(signing))
    with ScriptedServer() as server:
        newsroom.work_off(newsroom.over_smtp(signing, server.port))
    assert [verify(kept.data, dns) for kept in server.kept] == [["pass"]]


def test_a_notice_to_the_editors_is_signed(services: Services) -> None:
    signing, dns = _signing(services)
    newsroom.publish(signing, 1)
    with writing(signing.engine) as session:
        notices.raise_(session, 1, 1, "errors", "the road stayed shut", now())
    told = signing.settings.notices.model_copy(update={"to": ["desk@example.org"]})
    telling = replace(signing, settings=signing.settings.model_copy(update={"notices": told}))
    with ScriptedServer() as server:
        assert notifying.mail_due(newsroom.over_smtp(telling, server.port), now()) == 1
    assert [verify(kept.data, dns) for kept in server.kept] == [["pass"]]


def test_a_proof_is_signed(services: Services) -> None:
    signing, dns = _signing(services)
    issue_id = newsroom.publish(signing, 1)
    with ScriptedServer() as server, reading(signing.engine) as session:
        smtp = newsroom.over_smtp(signing, server.port)
        send_test(smtp, session.get_one(Issue, issue_id), "en", ["desk@news.example"], now())
    assert [verify(kept.data, dns) for kept in server.kept] == [["pass"]]


def test_a_provider_that_makes_its_own_message_gets_none(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SES writes a Date of its own, Postmark a message of its own: ours would only be broken."""
    monkeypatch.setattr(MemoryProvider, "takes_return_path", False)
    signing, _ = _signing(services)
    newsroom.start(signing, newsroom.publish(signing, 2))
    newsroom.work_off(signing)
    sent = [envelope.data for envelope in newsroom.taken(signing)]
    assert len(sent) == 2
    assert not any(b"DKIM-Signature" in data for data in sent)


def test_a_key_that_is_gone_is_found_out_before_anything_is_sent(services: Services) -> None:
    signing, _ = _signing(services)
    issue_id = newsroom.publish(signing, 1)
    (services.settings.home / "signing.pem").rename(services.settings.home / "elsewhere.pem")
    with reading(signing.engine) as session:
        issue = session.get_one(Issue, issue_id)
        with pytest.raises(ConfigurationError, match=r"signing\.pem cannot be read"):
            Press(signing).print(issue, "en")
