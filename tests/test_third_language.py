"""A third language joins a publication that has readers, and nobody loses mail, page or link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import httpx
import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from newsletter.app import Services, initialise, open_services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import NotAllowedNow
from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery import readiness
from newsletter.editorial import checks, inbox, issues, publications
from newsletter.editorial.models import Issue
from newsletter.web import application
from newsletter.web.server import WebServer
from subscribers import directory
from tests.delivery import newsroom
from tests.language.test_catalogues import extracted
from tests.system import PATIENCE

_MEMORY = {
    "delivery": {"provider": "memory"},
    "public": {"url": "https://news.example.org"},
}
_ENTRY = """
[languages.shn]
name = "Shan"
native = "လိၵ်ႈတႆး"
script = "Mymr"
digits = "mymr"
list_last = " လႄႈ "
"""


@pytest.fixture
def grown(home: Path) -> Iterator[tuple[Services, int]]:
    """Issue 1 went out in en, my and en+my; then Shan came, by a catalogue and an entry."""
    old = initialise(home, _MEMORY)
    first = newsroom.publish(old, 3)
    newsroom.start(old, first)
    newsroom.work_off(old)
    assert len(newsroom.taken(old)) == 3
    old.close()
    (home / "newsletter.toml").write_text(_ENTRY, "utf-8")
    _write_catalogue(home)
    services = open_services(home, _MEMORY)
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        publications.set_value(session, publication, "languages", "en,my,shn")
        publications.set_value(session, publication, "names.shn", "ၶၢဝ်ႇၸုမ်ႉဝၢၼ်း")
    yield services, first
    services.close()


def _write_catalogue(home: Path) -> None:
    folder = home / "locale" / "shn" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    lines = ['msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n']
    lines += [f'msgid "{word}"\nmsgstr "shn {word}"\n' for word in extracted()]
    with (folder / "newsletter.po").open("w+b") as source:
        source.write("\n".join(lines).encode())
        source.seek(0)
        with (folder / "newsletter.mo").open("wb") as target:
            write_mo(target, read_po(source, locale=None))


def _second_issue(services: Services) -> int:
    """With an editorial in each of the three languages, and one resource."""
    at = now()
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        issue = issues.create(session, publication, day=date(2026, 11, 30), now=at)
        for code, title in (("en", "Low water"), ("my", "ရေနည်းချိန်"), ("shn", "ၼမ်ႉဢေႇ")):
            issues.set_editorial(session, issue, code, title=title, body=f"Text {code}.", now=at)
        resource = inbox.add(
            session,
            publication,
            byline="Valley Watch",
            titles={"en": "The ferry and the dam"},
            urls={"en": "https://valley.example/ferry"},
            category=publications.category(publication, "news"),
            published_on=date(2026, 11, 27),
            now=at,
        )
        inbox.move(session, resource, issue=issue, category=resource.category, now=at)
        session.flush()
        issues.approve(session, issue, checks.check(issue, publication), now=at)
        return issue.id


def _enrol(services: Services, name: str, edition: str) -> None:
    with writing(services.engine) as session:
        directory.add(
            session,
            services.sealer,
            publication_id=publications.get(session, None).id,
            address=f"{name}@example.org",
            edition=edition,
            how="editor",
            wording="asked at the front desk",
            now=now(),
        )


@contextmanager
def _served(services: Services) -> Iterator[tuple[str, httpx.Client]]:
    server = WebServer(application.build(services), "127.0.0.1", 0)
    server.start()
    try:
        with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
            yield server.url, client
    finally:
        server.stop()


def _link(services: Services, name: str, purpose: Purpose) -> str:
    with reading(services.engine) as session:
        found = directory.find(session, services.sealer, f"{name}@example.org")
        assert found is not None
        scope = publications.get(session, None).id
        return services.signer.sign(Claim(found.public_id, scope, purpose))


def test_the_issue_goes_out_to_old_and_new_editions(grown: tuple[Services, int]) -> None:
    services, _ = grown
    _enrol(services, "shan", "shn")
    _enrol(services, "pair", "en+shn")
    issue_id = _second_issue(services)
    newsroom.start(services, issue_id)
    newsroom.work_off(services)
    done = newsroom.counts(services, issue_id)
    assert (done.submitted, done.unknown, done.total) == (5, 0, 5)
    found = {}
    for envelope in newsroom.taken(services):
        mail = message_from_bytes(envelope.data, policy=policy.default)
        part = mail.get_body(("plain",))
        assert part is not None
        found[envelope.recipient.text] = (mail["Content-Language"], part.get_content())
    languages = {address: shown for address, (shown, _) in found.items()}
    assert languages == {
        "r1@example.org": "en",
        "r2@example.org": "my",
        "r3@example.org": "en, my",
        "shan@example.org": "shn",
        "pair@example.org": "en, shn",
    }
    assert "Text en." in found["pair@example.org"][1]
    assert "Text shn." in found["pair@example.org"][1]
    assert "Text my." not in found["pair@example.org"][1]
    assert "shn Unsubscribe" in found["shan@example.org"][1]


def test_pages_speak_the_language_and_old_links_still_answer(
    grown: tuple[Services, int],
) -> None:
    services, _ = grown
    _enrol(services, "shan", "shn")
    issue_id = _second_issue(services)
    newsroom.start(services, issue_id)
    newsroom.work_off(services)
    with _served(services) as (url, client):
        old = client.get(f"{url}/p/{_link(services, 'r3', Purpose.PREFERENCES)}")
        assert re.findall(r'value="([^"]+)" required checked', old.text) == ["en+my"]
        assert old.text.count('type="radio"') == 7
        mine = f"{url}/p/{_link(services, 'shan', Purpose.PREFERENCES)}"
        page = client.get(mine)
        assert "shn Preferences" in page.text
        assert '<html lang="shn"' in page.text
        saved = client.post(mine, data={"edition": "my+shn"})
        assert 'value="my+shn" required checked' in saved.text
        leave = client.get(f"{url}/u/{_link(services, 'shan', Purpose.UNSUBSCRIBE)}?l=shn")
        assert "shn Press the button" in leave.text
        assert "shn Issue" in client.get(f"{url}/archive/weekly?l=shn").text
        for path in ("1/en-my", "1/my", "1/my-en", "2/en-my", "2/shn", "2/en-shn", "2/en-my-shn"):
            assert client.get(f"{url}/archive/weekly/{path}").status_code == 200, path
        for path in ("1/shn", "1/en-shn", "2/en-fr", "2/en-en"):
            assert client.get(f"{url}/archive/weekly/{path}").status_code == 404, path


def test_a_language_that_goes_is_said_before_the_launch(grown: tuple[Services, int]) -> None:
    services, _ = grown
    _enrol(services, "shan", "shn")
    _enrol(services, "pair", "en+shn")
    gone_out = _second_issue(services)
    newsroom.start(services, gone_out)
    newsroom.work_off(services)
    with writing(services.engine) as session:
        publications.set_value(session, publications.get(session, None), "languages", "my,en")
    third = _second_issue_without_shan(services)
    with reading(services.engine) as session:
        issue = session.get_one(Issue, third)
        found = readiness.problems(session, issue, services.settings.languages)
    (said,) = (problem for problem in found if problem.level == "error")
    assert said.text.startswith("1 reader wants the edition 'shn', of which the publication has no")
    assert "newsletter subscribers import" in said.remedy
    with pytest.raises(NotAllowedNow, match="the edition 'shn'"):
        newsroom.start(services, third)
    assert newsroom.rows(services, third) == []
    with _served(services) as (url, client):
        pair = client.get(f"{url}/p/{_link(services, 'pair', Purpose.PREFERENCES)}").text
        assert re.findall(r'value="([^"]+)" required checked', pair) == ["en"]
        shan = client.get(f"{url}/p/{_link(services, 'shan', Purpose.PREFERENCES)}")
        assert shan.status_code == 200
        assert " checked" not in shan.text
        for path in ("2/shn", "2/en-shn", "2/en-my-shn", "1/en-my"):
            assert client.get(f"{url}/archive/weekly/{path}").status_code == 200, path
    _enrol(services, "shan", "my")
    newsroom.start(services, third, at=now() + timedelta(seconds=1))
    newsroom.work_off(services)
    assert newsroom.counts(services, third).submitted == 5


def _second_issue_without_shan(services: Services) -> int:
    at = now()
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        issue = issues.create(session, publication, day=date(2026, 12, 7), now=at)
        for code in ("en", "my"):
            issues.set_editorial(session, issue, code, title="T", body="B", now=at)
        issues.approve(session, issue, checks.check(issue, publication), now=at)
        return issue.id


def test_a_language_without_an_entry_is_said_before_approval(services: Services) -> None:
    first = newsroom.publish(services, 0)
    with writing(services.engine) as session:
        issue = session.get_one(Issue, first)
        publications.set_value(session, issue.publication, "languages", "en,my,shn")
        publications.set_value(session, issue.publication, "names.shn", "ၶၢဝ်ႇ")
        issues.set_editorial(session, issue, "shn", title="T", body="B", now=now())
        found = readiness.problems(session, issue, services.settings.languages)
        assert [p.remedy[:52] for p in found if p.level == "error"] == [
            "add [languages.shn] to newsletter.toml, or take the "
        ]
        with pytest.raises(NotAllowedNow, match="how 'shn' is written"):
            issues.approve(session, issue, found, now=now())


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("pt-BR,en;q=0.5", "pt-BR"),
        ("pt-PT, en;q=0.5", "pt-BR"),
        ("my-MM", "my"),
        ("fr;q=0.9, en-GB;q=0.8, my;q=0", "en"),
    ],
)
def test_a_browser_gets_the_language_nearest_to_its_own(home: Path, asked: str, shown: str) -> None:
    home.mkdir()
    entry = '[languages.pt-BR]\nname = "Portuguese"\nnative = "português"\n'
    (home / "newsletter.toml").write_text(entry, "utf-8")
    services = initialise(home, _MEMORY)
    newsroom.publish(services, 0)
    with writing(services.engine) as session:
        publications.set_value(session, publications.get(session, None), "languages", "my,en,pt-BR")
    with _served(services) as (url, client):
        page = client.get(f"{url}/archive/weekly", headers={"Accept-Language": asked})
    services.close()
    assert f'<html lang="{shown}"' in page.text
