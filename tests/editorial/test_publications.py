"""A publication says what it lacks, takes only what can be sent, and keeps what readers hold."""

from __future__ import annotations

import pytest

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError, NotAllowedNow, NotFound
from newsletter.editorial import issues, publications
from newsletter.editorial.publication_settings import parse
from tests.editorial.making import NOW, a_publication, a_resource, an_approved_issue


def test_default_asks_for_sender_and_postal_address_and_nothing_else(services: Services) -> None:
    with writing(services.engine) as session:
        made = publications.create(session, publications.default(), now=NOW)
        lacking = publications.lacks(made)
        assert len(lacking) == 2
        assert "newsletter publication set sender.address" in lacking[0]
        assert "newsletter publication set postal_addresses.en" in lacking[1]
        assert publications.settings_of(made) == publications.default()
        with pytest.raises(InputError, match="needs a name"):
            publications.set_value(session, made, "names.my", " ")
        made.names = {"en": "Weekly"}
        assert "no name in 'my'" in publications.lacks(made)[2]


def test_what_was_set_is_read_back_by_another_session(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        made = a_publication(session)
        changes = publications.set_value(session, made, "categories.opinion.my", "အမြင်သဘောထား")
        assert any(line.startswith("categories.opinion.my: nothing → ") for line in changes)
        assert publications.set_value(session, made, "slot.time", "09:00") == []
        publications.set_value(session, made, "sender.names.en", "The Weekly Desk")
        assert publications.set_value(session, made, "quiet_hours", "22:00-07:00") == [
            "quiet_hours: nothing → 22:00-07:00"
        ]
        publications.set_value(session, made, "unknown_policy", "look")
        wanted = publications.settings_of(made)
    with reading(any_services.engine) as session:
        found = publications.get(session, None)
        assert publications.settings_of(found) == wanted
        assert publications.category(found, "အမြင်သဘောထား").key == "opinion"
        assert publications.category(found, " REPORTS ").names["en"] == "Reports"
        with pytest.raises(NotFound, match=r"statements \(Statements and Press Releases\)"):
            publications.category(found, "gossip")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("sender.adress", "a@example.org", "no such setting"),
        ("sender.address", "nobody", "no mail address"),
        ("sender.names.en", "Desk\r\nBcc: x@example.org", "one line"),
        ("sender.names.en", "What =?utf-8?q?x?= is", r"'=\?'"),
        ("subject_prefixes.en", "=?", r"'=\?'"),
        ("names", "x", "which language: names.en"),
        ("names.xx", "x", "'xx' is not one of"),
        ("slot.zone", "Burma", "IANA"),
        ("slot.time", "9:00", r"such as 09:30, not '9:00'$"),
        ("slot.weekday", "8", "1 is Monday"),
        ("quiet_hours", "22-7", "such as|22:00-07:00, or nothing for none, not '22-7'"),
        ("quiet_hours", "07:00-07:00", "two different times"),
        ("unknown_policy", "always", "write never .* or look .* not 'always'"),
        ("slot.weekday", "monday", "1 is Monday"),
        ("slot.stale_minutes", "0", "such as 1440"),
        ("languages", "en,english", "is no code of a language"),
        ("fallback_language", "shn", "'shn' is not one of"),
        ("categories.reports", "x", "categories.KEY.LANGUAGE"),
    ],
)
def test_unfit_settings_are_refused_by_name(
    services: Services, key: str, value: str, says: str
) -> None:
    with writing(services.engine) as session:
        made = a_publication(session)
        before = publications.settings_of(made)
        with pytest.raises(InputError, match=says):
            publications.set_value(session, made, key, value)
        assert publications.settings_of(made) == before


def test_unknown_key_in_a_file_is_named() -> None:
    with pytest.raises(InputError, match=r"sender\.phone: a publication has no such setting"):
        parse({"slug": "weekly", "languages": ["en"], "sender": {"phone": "1"}})


def test_category_in_use_cannot_vanish(services: Services) -> None:
    with writing(services.engine) as session:
        made = a_publication(session)
        a_resource(session, made, "On water", category="news")
        wanted = publications.settings_of(made)
        wanted.categories = [c for c in wanted.categories if c.key not in ("news", "reports")]
        with pytest.raises(NotAllowedNow, match="1 resources stand in the category 'news'"):
            publications.apply(session, made, wanted)
        wanted = publications.settings_of(made)
        wanted.categories = [c for c in reversed(wanted.categories) if c.key != "reports"]
        publications.apply(session, made, wanted)
        assert [c.key for c in made.categories] == ["briefing-papers", "news", "statements"]


def test_several_publications_must_be_named(services: Services) -> None:
    with writing(services.engine) as session:
        with pytest.raises(NotFound, match="newsletter init"):
            publications.get(session, None)
        a_publication(session, "monthly")
        a_publication(session, "weekly")
        with pytest.raises(InputError, match="monthly, weekly"):
            publications.get(session, None)
        with pytest.raises(NotFound, match="there is monthly, weekly"):
            publications.get(session, "daily")
        with pytest.raises(InputError, match="already"):
            a_publication(session, "weekly")


def test_change_that_readers_see_undoes_approval_and_others_do_not(services: Services) -> None:
    with writing(services.engine) as session:
        made = a_publication(session)
        issue = an_approved_issue(session, made)
        publications.set_value(session, made, "slot.time", "10:30")
        assert issue.status == "approved"
        changes = publications.set_value(session, made, "about.en", "We watch the rivers.")
        assert "issue 1 is a draft again" in changes[-1]
        assert issue.status == "draft"


def test_slug_in_mail_already_sent_stays(services: Services) -> None:
    with writing(services.engine) as session:
        made = a_publication(session)
        issue = an_approved_issue(session, made)
        publications.set_value(session, made, "slug", "week")
        issue.launched_at = NOW
        session.flush()
        with pytest.raises(NotAllowedNow, match="must stay"):
            publications.set_value(session, made, "slug", "weekly")
        assert issues.latest(session, made) is issue


def test_a_language_may_name_its_region(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        publications.set_value(session, publication, "languages", "en, PT-br,my")
        publications.set_value(session, publication, "names.pt-BR", "Boletim")
        publications.set_value(session, publication, "languages", "en,pt-BR,my")
        assert publication.languages == ["en", "pt-BR", "my"]
        assert publication.names["pt-BR"] == "Boletim"
        for wrong in ("en,klingon", "en,pt-Brazil", "en,pt-BR,pt-br", "e"):
            with pytest.raises(InputError, match=r"languages"):
                publications.set_value(session, publication, "languages", wrong)
