"""Each edition holds everything its readers are owed, and says which language stands in."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError, NotAllowedNow
from newsletter.core.settings import Language
from newsletter.editorial import edition_codes, editions, inbox, issues, publications
from newsletter.editorial.models import Issue
from newsletter.rendering.content import Letter
from tests.editorial.making import NOW, a_publication, a_resource, an_approved_issue


def _letter(services: Services, issue: Issue, edition: str) -> Letter:
    return editions.letter(
        issue,
        edition,
        public_url="https://news.example.org/",
        media_path=services.settings.media_path,
        languages=services.settings.languages,
    )


def test_editions_are_each_language_and_all_of_them(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        assert editions.editions_of(publication) == ["en", "my", "en+my"]
        for text in ("EN+MY", "my+en", " en-my "):
            assert editions.parse_edition(publication, text) == "en+my"
        for text in ("", "both", "en+shn", "en+en"):
            with pytest.raises(InputError, match=r"there are en, my, en\+my"):
                editions.parse_edition(publication, text)
        publications.set_value(session, publication, "languages", "my")
        assert editions.editions_of(publication) == ["my"]


def test_any_of_the_languages_make_an_edition_in_the_publications_order() -> None:
    three = ["en", "my", "shn"]
    assert edition_codes.choices(three) == [
        *("en", "my", "shn", "en+my", "en+shn", "my+shn", "en+my+shn")
    ]
    four = ["en", "my", "shn", "pt-BR"]
    assert edition_codes.choices(four, "shn+my+en")[-1] == "en+my+shn"
    for text in ("PT-br-en", "pt-BR+en", "en-pt-BR"):
        assert edition_codes.parse(four, text) == "en+pt-BR"
    assert edition_codes.parse(["my", "en"], "en+my") == "my+en"
    for wrong in ("en-fr", "pt", "", "+", "my+my"):
        with pytest.raises(InputError, match="there is no edition"):
            edition_codes.parse(four, wrong)


def test_a_language_that_is_given_up_falls_out_of_its_editions(services: Services) -> None:
    assert edition_codes.remaining(["my", "en"], "en+my+shn") == "my+en"
    assert edition_codes.remaining(["en"], "shn") is None
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        publications.set_value(session, publication, "languages", "my,en")
        letter = _letter(services, issue, "en+my")
        assert (letter.edition, letter.blocks[0].language) == ("my+en", "my")
        publications.set_value(session, publication, "languages", "en")
        assert _letter(services, issue, "en+my").edition == "en"
        with pytest.raises(NotAllowedNow, match="no language of the edition 'my' any more"):
            _letter(services, issue, "my")


def test_burmese_edition_keeps_resources_without_a_burmese_title(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        both = a_resource(session, publication, "Both", category="statements", my="နှစ်မျိုးလုံး")
        loose = a_resource(session, publication, "Loose", category=None)
        for resource in (both, loose):
            inbox.move(session, resource, issue=issue, now=NOW)
        block = _letter(services, issue, "my").blocks[0]
    assert [g.heading for g in block.groups] == [
        "ထုတ်ပြန်ချက်များနှင့် သတင်းထုတ်ပြန်ချက်များ",
        "အစီရင်ခံစာများ",
        None,
    ]
    lines = [line for group in block.groups for line in group.resources]
    assert [(line.title, line.title_language) for line in lines] == [
        ("နှစ်မျိုးလုံး", "my"),
        ("Harvest report 2026-W48", "en"),
        ("Loose", "en"),
    ]
    assert lines[0].url == "https://example.org/4"


def test_letter_of_both_languages(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        publications.set_value(session, publication, "sender.names.en", "The Weekly Desk")
        publications.set_value(session, publication, "about.my", "ကျွန်ုပ်တို့အကြောင်း")
        an_approved_issue(session, publication)
    with reading(any_services.engine) as session:
        issue = issues.get(session, publications.get(session, None), 1)
        letter = _letter(any_services, issue, "en+my")
    english, burmese = letter.blocks
    assert (english.language, burmese.language) == ("en", "my")
    assert (letter.sender_name, letter.leave_address) == ("The Weekly Desk", "weekly@example.org")
    assert letter.browser_url == "https://news.example.org/archive/weekly/1/en-my"
    assert english.title == "Rivers and roads"
    assert (english.about, burmese.about) == ("", "ကျွန်ုပ်တို့အကြောင်း")
    assert english.postal_address == burmese.postal_address == "1 Sample Street, Chiang Mai"
    assert burmese.footnotes[0].mark == "1"
    assert burmese.reading_minutes == 1
    assert letter.picture is None


def test_missing_editorial_is_never_sent_silently(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        issue.editorials[:] = [e for e in issue.editorials if e.language == "en"]
        for edition in ("my", "en+my"):
            with pytest.raises(NotAllowedNow, match="no editorial in 'my'"):
                _letter(services, issue, edition)
        assert _letter(services, issue, "en").blocks[0].editorial_language == "en"
        publications.set_value(session, publication, "fallback_language", "en")
        block = _letter(services, issue, "my").blocks[0]
        assert (block.language, block.editorial_language) == ("my", "en")
        assert block.title == "Rivers and roads"
        assert block.groups[0].heading == "အစီရင်ခံစာများ"
        assert block.body.startswith("People walk")
        english, burmese = _letter(services, issue, "en+my").blocks
        assert english.body.startswith("People walk")
        assert (burmese.title, burmese.body, burmese.footnotes) == ("Rivers and roads", "", ())


def test_a_third_language_needs_no_code(services: Services, tmp_path: Path) -> None:
    languages = {**services.settings.languages, "shn": Language(name="Shan", native="လိၵ်ႈတႆး")}
    with writing(services.engine) as session:
        publication = a_publication(session)
        publications.set_value(session, publication, "languages", "en,my,shn")
        publications.set_value(session, publication, "names.shn", "ၶၢဝ်ႇ")
        issue = an_approved_issue(session, publication)
        issues.set_editorial(session, issue, "shn", title="T", body="B", now=NOW)
        letter = editions.letter(
            issue, "shn", public_url="http://x", media_path=tmp_path, languages=languages
        )
        assert editions.editions_of(publication)[-1] == "en+my+shn"
        assert letter.blocks[0].groups[0].heading == "Reports"
        assert letter.sender_name == "ၶၢဝ်ႇ"
