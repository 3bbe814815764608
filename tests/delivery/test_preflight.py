"""The look at an issue in every edition, made from the messages that would leave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.core.errors import NotAllowedNow
from newsletter.delivery import preflight
from newsletter.delivery.preflight import Report
from newsletter.editorial import issues
from newsletter.editorial.checks import Level
from newsletter.editorial.models import Conversion, Issue
from newsletter.editorial.preflight import link_checks
from newsletter.editorial.preflight.link_states import Tried
from newsletter.schedule import slots
from newsletter.schedule.firing import fire_due
from tests.delivery import newsroom

LINK = "https://valley.example/clinic"


@pytest.fixture
def secure(services: Services) -> Services:
    """An installation that readers reach by https."""
    public = services.settings.public.model_copy(update={"url": "https://news.example"})
    return replace(services, settings=services.settings.model_copy(update={"public": public}))


@contextmanager
def an_issue(services: Services) -> Iterator[tuple[Session, Issue]]:
    """A draft that is well but for a title in Burmese, with its one link tried and alive."""
    issue_id = newsroom.publish(services, 3)
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        issues.touched(issue, now())
        issue.resources[0].titles = {**issue.resources[0].titles, "my": "ဆေးခန်းမရှိသော ရွာသုံးရွာ"}
        link_checks.keep(session, [Tried(LINK, "alive", 200, "", now())])
        yield session, issue


def look(services: Services, session: Session, issue: Issue) -> Report:
    """The report as of now."""
    return preflight.report(services, session, issue, now())


def found(report: Report, check: str) -> dict[str, set[Level]]:
    """The levels of one check's problems, by edition; editions without any are left out."""
    return {
        one.name: levels
        for one in report.editions
        if (levels := {p.level for p in one.problems if p.check == check})
    }


def own_template(services: Services, name: str, old: str, new: str) -> None:
    """An operator's own template: the shipped one with something else in it."""
    shipped = next(
        path / name for path in services.settings.template_paths if (path / name).is_file()
    )
    target = services.settings.home / "templates" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    text = shipped.read_text(encoding="utf-8")
    assert old in text
    target.write_text(text.replace(old, new), encoding="utf-8")


def test_a_good_issue_has_a_list_without_errors_for_each_edition(secure: Services) -> None:
    with an_issue(secure) as (session, issue):
        report = look(secure, session, issue)
        assert [one.name for one in report.editions] == ["en", "my", "en+my", "text-only"]
        assert report.ready
        assert [p for p in report.problems if p.level != "hint"] == []
        en, my, both, text = report.editions
        assert both.size is not None
        assert en.size is not None
        assert both.size.encoded > en.size.encoded > en.size.html
        assert text.size is None
        assert text.text_bytes > 500
        assert my.subjects == ("စောင့်ဆိုင်းရသော တစ်ပတ်",)
        assert [(one.link.url, one.tried and one.tried.verdict) for one in report.links] == [
            (LINK, "alive")
        ]


def test_what_concerns_one_language_stands_in_its_editions_only(secure: Services) -> None:
    with an_issue(secure) as (session, issue):
        issues.editorial(issue, "my").body = "ဆန့််ကျင်ခဲ့သည်။"  # type: ignore[union-attr]
        report = look(secure, session, issue)
        assert found(report, "order of marks") == {
            "my": {"warning"},
            "en+my": {"warning"},
            "text-only": {"warning"},
        }
        assert not [p for p in report.common if p.check == "order of marks"]


def test_a_mail_that_gmail_would_clip_is_stopped_in_that_edition_alone(secure: Services) -> None:
    with an_issue(secure) as (session, issue):
        for editorial in issue.editorials:
            editorial.body = "\n\n".join([editorial.body] * 240)
        report = look(secure, session, issue)
        assert found(report, "size")["en+my"] == {"error"}
        assert "en" not in found(report, "size")
        assert not report.ready
        with pytest.raises(NotAllowedNow, match=r"size: .* encoded: it is over the limit"):
            issues.approve(session, issue, report.problems, now=now())


def test_a_footer_of_an_operator_without_a_postal_address_is_found(secure: Services) -> None:
    with an_issue(secure) as (session, issue):
        own_template(secure, "mail/footer.txt", "postal_address", "title")
        report = look(secure, session, issue)
        levels = found(report, "way out and postal address")
        assert set(levels) == {one.name for one in report.editions}


def test_a_template_that_is_broken_is_named_by_file_and_line(secure: Services) -> None:
    with an_issue(secure) as (session, issue):
        target = secure.settings.home / "templates" / "mail" / "footer.txt"
        target.parent.mkdir(parents=True)
        target.write_text("fine\n{{ nobody_knows }}\n", encoding="utf-8")
        report = look(secure, session, issue)
        assert "footer.txt:2" in report.problems[0].text
        assert found(report, "message")["en"] == {"error"}


def test_colours_that_cannot_be_read_are_an_error(secure: Services) -> None:
    with an_issue(secure) as (session, issue):
        issue.publication.theme = {"text": "#eeeeee"}
        report = look(secure, session, issue)
        assert found(report, "contrast")["en"] == {"error"}
        assert "4.5" in next(p.text for p in report.problems if p.check == "contrast")


def test_a_sender_whose_domain_looks_like_another_is_warned_of(secure: Services) -> None:
    with an_issue(secure) as (session, issue):
        issue.publication.sender_address = "desk@xn--80ak6aa92e.com"
        told = [p.text for p in look(secure, session, issue).problems if p.level == "warning"]
        assert [text for text in told if "letters that look like Latin" in text]


def test_a_dead_link_stops_the_approval_and_no_launch(secure: Services) -> None:
    with an_issue(secure) as (session, issue):
        good = look(secure, session, issue)
        dead = Tried(LINK, "dead", 404, "its site says that there is no such page (404)", now())
        link_checks.keep(session, [dead])
        bad = look(secure, session, issue)
        assert found(bad, "dead links")["en"] == {"error"}
        with pytest.raises(NotAllowedNow, match="dead link https://valley"):
            issues.approve(session, issue, bad.problems, now=now())
        issues.approve(session, issue, good.problems, now=now())
        assert found(look(secure, session, issue), "dead links")["en"] == {"warning"}
        preflight.require_ready(secure, session, issue)


def test_an_error_at_the_slot_holds_the_issue_with_its_reason(secure: Services) -> None:
    issue_id = newsroom.publish(secure, 3)
    with writing(secure.engine) as session:
        issue = session.get_one(Issue, issue_id)
        for editorial in issue.editorials:
            editorial.body = "\n\n".join([editorial.body] * 240)
        issues.approve(session, issue, [], now=now())
        slots.schedule(session, issue.publication, issue, at=now(), now=now())
        (fired,) = fire_due(session, now(), proof=partial(preflight.require_ready, secure))
        assert (fired.kind, issue.status) == ("hold", "held")
        assert "Gmail clips" in (issue.held_reason or "")


def test_an_encoding_that_an_editor_settled_is_not_asked_about_again(secure: Services) -> None:
    zawgyi = "ျမန္မာႏိုင္ငံတြင္ ေရႀကီးမႈေၾကာင့္ ရြာသားမ်ား ေျပာင္းေရႊ႕ခဲ့ရသည္။"
    with an_issue(secure) as (session, issue):
        issues.editorial(issue, "my").body = zawgyi  # type: ignore[union-attr]
        assert "Zawgyi" in {p.check for p in look(secure, session, issue).problems}
        session.add(
            Conversion(
                publication_id=issue.publication_id,
                issue_id=issue.id,
                place="editorial my body",
                language="my",
                original=zawgyi,
                proposed="",
                state="kept",
                reasons=[],
                found_at=now(),
            )
        )
        session.flush()
        assert "Zawgyi" not in {p.check for p in look(secure, session, issue).problems}


def test_the_discreet_edition_has_a_list_where_there_is_one(secure: Services) -> None:
    with an_issue(secure) as (session, issue):
        issue.publication.discreet = {
            "address": "notes@plain.example",
            "url": "https://plain.example",
            "bounce_address": "back@plain.example",
        }
        report = look(secure, session, issue)
        discreet = report.editions[-1]
        assert (discreet.name, len(discreet.subjects)) == ("discreet", 3)
        assert [p for p in discreet.problems if p.level == "error"] == []
        assert all(p.check != "subject and preheader" for p in discreet.problems), "it is dull"


def test_nothing_is_changed_by_looking(secure: Services) -> None:
    with an_issue(secure) as (session, issue):
        session.flush()
        look(secure, session, issue)
        assert not session.dirty
        assert not session.new
