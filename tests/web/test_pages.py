"""Preferences, archive, errors: what stands there, under which headers, and what never does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from newsletter.core import log
from newsletter.core.db import writing
from newsletter.core.tokens import Purpose
from newsletter.editorial import issues, publications
from tests.web.conftest import Site


def test_a_reader_chooses_the_edition(site: Site, client: httpx.Client) -> None:
    url = site.link(Purpose.PREFERENCES, "p") + "?l=en"
    page = client.get(url)
    assert page.text.count('type="radio"') == 3
    assert 'value="my" required checked' in page.text
    assert "t***@m***" in page.text
    assert len(page.content) < 20_000
    for wrong in ({"edition": "klingon"}, {}):
        assert client.post(url, data=wrong).status_code == 400
    for _ in range(2):
        saved = client.post(url, data={"edition": "en+my"})
        assert 'value="en+my" required checked' in saved.text
        assert 'role="status"' in saved.text
    assert site.standing() == ("active", "en+my", ["given editor", "changed page"])


def test_the_preferences_page_leads_out(site: Site, client: httpx.Client) -> None:
    url = site.link(Purpose.PREFERENCES, "p")
    path = client.get(url).text.split('class="aside"><a href="')[1].split('"')[0]
    assert client.post(site.url + path, data={"leave": "1"}).status_code == 200
    assert site.standing()[0] == "ended"
    assert client.post(url, data={"edition": "en"}).status_code == 200
    assert site.standing()[:2] == ("ended", "my")


def test_only_what_went_out_stands_in_the_archive(site: Site, client: httpx.Client) -> None:
    shown = client.get(f"{site.url}/archive/weekly?l=en").text
    assert "The ferry at dawn" in shown
    assert "Not gone out yet" not in shown + client.get(site.url).text
    for edition, words in (("en", "It came late."), ("my", "နောက်ကျခဲ့သည်။")):
        page = client.get(f"{site.url}/archive/weekly/1/{edition}")
        assert page.status_code == 200
        assert words in page.text
        assert 'rel="alternate" hreflang="my"' in page.text
        assert "placeholder.invalid" not in page.text
    both = client.get(f"{site.url}/archive/weekly/1/en-my").text
    assert "It came late." in both
    assert "နောက်ကျခဲ့သည်။" in both
    for path in ("weekly/2/en", "weekly/1/fr", "weekly/9/en", "none/1/en", "weekly/x/en",
                 "weekly/0/en", f"weekly/{2**31}/en", f"weekly/{10**30}/en"):  # fmt: skip
        assert client.get(f"{site.url}/archive/{path}").status_code == 404


def test_a_page_is_made_once_and_anew_after_an_edit(site: Site, client: httpx.Client) -> None:
    url = f"{site.url}/archive/weekly/1/en"
    first = client.get(url).text
    assert client.get(url).text == first
    with writing(site.services.engine) as session:
        issue = issues.get(session, publications.get(session, "weekly"), 1)
        issue.editorials[0].body = "It came after all."
    assert "It came after all." in client.get(url).text
    assert client.get(f"{site.url}/archive?l=en").text == client.get(f"{site.url}/?l=en").text
    assert "It came late." not in client.get(url).text


def test_every_answer_is_hardened(site: Site, client: httpx.Client) -> None:
    for path in ("/", "/archive/weekly", "/archive/weekly/1/my", "/none", "/u/none",
                 f"/u/{site.token(Purpose.UNSUBSCRIBE)}", "/mailbox", "/healthz"):  # fmt: skip
        answer = client.get(site.url + path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not {"set-cookie", "server"} & set(answer.headers)
        own = answer.text.replace(site.services.settings.public.url, "")
        assert not re.search(r"""(src|srcset|action)=["']?(https?:)?//|<script|<link[^>]+//""", own)
    style = client.get(f"{site.url}/static/style.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "url(" not in style.text


def test_a_fault_of_ours_is_a_calm_page_in_both_languages(
    site: Site, client: httpx.Client, home: Path
) -> None:
    log.configure(file=home / "newsletter.log", to_stderr=False)
    try:
        broken = site.services.settings.home / "templates" / "web" / "unsubscribe.html"
        broken.parent.mkdir(parents=True)
        broken.write_text("{{ secret.word }}")
        answer = client.get(site.link(Purpose.UNSUBSCRIBE))
        assert answer.status_code == 500
        for never in ("Traceback", "unsubscribe.html", "secret", "thandar"):
            assert never not in answer.text
        assert answer.text.count("<section lang=") == 2
        client.post(site.link(Purpose.UNSUBSCRIBE), data={"List-Unsubscribe": "One-Click"})
        site.server.stop()
        lines = (home / "newsletter.log").read_text().splitlines()
        assert "page_failed" in [json.loads(line)["event"] for line in lines]
        assert site.token(Purpose.UNSUBSCRIBE) not in "".join(lines)
    finally:
        log.configure(to_stderr=False)
    assert site.standing()[0] == "ended"  # leaving needs no page, so it worked all the same


def test_an_unforeseen_fault_is_calm_too_and_never_logged_with_a_token(
    site: Site, client: httpx.Client, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("somebody@example.org")

    monkeypatch.setattr("subscribers.preferences.view", broken)
    log.configure(file=home / "newsletter.log", to_stderr=False)
    try:
        answer = client.get(site.link(Purpose.UNSUBSCRIBE))
        site.server.stop()  # the traceback is written after the answer has left
    finally:
        log.configure(to_stderr=False)
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"]
    assert "somebody" not in answer.text
    written = (home / "newsletter.log").read_text()
    assert "ZeroDivisionError" in written
    assert "example.org" not in written
    assert site.token(Purpose.UNSUBSCRIBE) not in written


def test_methods_and_paths_that_are_not_ours(site: Site, client: httpx.Client) -> None:
    assert client.delete(site.link(Purpose.UNSUBSCRIBE)).status_code == 405
    for path in ("/docs", "/openapi.json", "/media/..%2f..%2fkeys.json", "/media/keys.json",
                 "/static/../keys.json", "/archive/weekly/"):  # fmt: skip
        answer = client.get(site.url + path)
        assert answer.status_code == 404, path
        assert answer.text.count("<h1") == 1
    assert client.get(f"{site.url}/healthz").json() == {"status": "ok"}
