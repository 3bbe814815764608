"""The discreet edition is offered only where nothing in it tells who sends it."""

from __future__ import annotations

import pytest

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.core.errors import InputError, NotAllowedNow
from newsletter.editorial import discreet, issues, publications
from newsletter.editorial.models import Publication
from tests.editorial.making import NOW, a_publication, an_approved_issue

URL = "https://news.example.org"


def _set(publication: Publication, **values: object) -> Publication:
    told = {"address": "notes@plain.example", "url": "https://plain.example"}
    publication.discreet = {**told, **values}
    return publication


@pytest.fixture
def weekly(services: Services):  # type: ignore[no-untyped-def]
    with writing(services.engine) as session:
        made = a_publication(session)
        made.sender_address = "editors@example.org"
        yield made


def test_nothing_set_is_not_offered_and_says_what_to_do(weekly: Publication) -> None:
    said = discreet.lacking(weekly, URL)
    assert len(said) == 2
    assert "publication set discreet.address" in said[0]
    assert "publication set discreet.url" in said[1]
    with pytest.raises(NotAllowedNow, match="readers of the discreet edition"):
        discreet.require(weekly, URL)


def test_address_and_url_of_its_own_are_enough(weekly: Publication) -> None:
    assert discreet.lacking(_set(weekly), URL) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("address", "notes@example.org"),
        ("address", "notes@sub.example.org"),
        ("reply_to", "x@example.org"),
        ("bounce_address", "b@bounces.example.org"),
        ("leave_address", "b@news.example.org"),
        ("url", "https://news.example.org"),
        ("url", "https://notes.example.org"),
    ],
)
def test_domain_of_the_publication_is_refused(weekly: Publication, key: str, value: str) -> None:
    said = discreet.lacking(_set(weekly, **{key: value}), URL)
    assert f"discreet.{key} is on " in said[0]
    assert f"publication set discreet.{key} " in said[0]


def test_neighbours_below_a_public_suffix_of_two_labels_are_strangers(weekly: Publication) -> None:
    weekly.sender_address = "editors@first.org.mm"
    assert discreet.lacking(_set(weekly, address="n@second.org.mm"), URL) == []
    assert discreet.lacking(_set(weekly, address="n@x.first.org.mm"), URL) != []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("names", {"en": "the weekly newsletter desk"}),
        ("subjects", {"en": "Reports"}),
        ("subjects", {"my": "ဤအပတ် အစီရင်ခံစာများ"}),
        ("preheaders", {"en": "Statements and press releases of the week"}),
        ("url", "https://reports.example"),
    ],
)
def test_telling_words_are_refused(weekly: Publication, key: str, value: object) -> None:
    said = discreet.lacking(_set(weekly, **{key: value}), URL)
    assert len(said) == 1
    assert "which names the publication" in said[0]


def test_half_a_key_is_asked_for_the_other_half(weekly: Publication) -> None:
    assert "dkim_key_path" in discreet.lacking(_set(weekly, dkim_selector="k1"), URL)[0]
    assert "dkim_selector" in discreet.lacking(_set(weekly, dkim_key_path="k.pem"), URL)[0]
    assert not discreet.lacking(_set(weekly, dkim_selector="k1", dkim_key_path="k.pem"), URL)


def test_short_name_that_tells_is_refused_and_a_dull_one_is_not(weekly: Publication) -> None:
    weekly.slug = "weekly-news"
    assert discreet.lacking(_set(weekly, names={"en": "Weekly notes"}), URL) == []
    weekly.slug = "free-voice"
    assert "free voice" in discreet.lacking(_set(weekly, names={"en": "Free Voice"}), URL)[0]


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("discreet.url", "notes.example.net", "https://"),
        ("discreet.url", "https://plain.example/a/path", "nothing behind"),
        ("discreet.address", "nobody", "no mail address"),
        ("discreet.subjects.en", "a\nb", "one line"),
        ("discreet.adress", "x", "no such setting"),
        ("welcome_mail", "perhaps", "true or false"),
    ],
)
def test_bad_settings_are_refused(services: Services, key: str, value: str, says: str) -> None:
    with writing(services.engine) as session, pytest.raises(InputError, match=says):
        publications.set_value(session, a_publication(session), key, value)


def test_settings_are_read_back_and_untouched_ones_leave_nothing(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        made = a_publication(session)
        assert made.discreet == {}
        publications.set_value(session, made, "discreet.address", "notes@plain.example")
        publications.set_value(session, made, "discreet.subjects.my", "မှတ်စုများ")
        publications.set_value(session, made, "goodbye_mail", "true")
        slug = made.slug
    with writing(any_services.engine) as session:
        found = publications.get(session, slug)
        assert found.discreet == {
            "address": "notes@plain.example",
            "subjects": {"my": "မှတ်စုများ"},
        }
        assert (found.welcome_mail, found.goodbye_mail) == (True, True)
        publications.set_value(session, found, "discreet.address", "")
        publications.set_value(session, found, "discreet.subjects.my", "")
        assert found.discreet == {}


def test_what_discreet_readers_see_is_frozen_by_the_approval(services: Services) -> None:
    with writing(services.engine) as session:
        issue = an_approved_issue(session, a_publication(session))
        before = issues.content_hash(issue)
        publication = issue.publication
        publications.set_value(session, publication, "welcome_mail", "false", now=NOW)
        assert issues.content_hash(issue) == before
        publications.set_value(session, publication, "discreet.bounce_address", "b@plain.example")
        assert issues.content_hash(issue) == before, "readers never see it"
        said = publications.set_value(
            session, publication, "discreet.address", "notes@plain.example", now=NOW
        )
        assert any("draft again" in line for line in said)
