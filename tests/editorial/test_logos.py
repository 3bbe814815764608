"""A logo stands where the name would: small, with words in each language, and approved as shown."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from PIL import Image
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError
from newsletter.editorial import (
    deciding,
    editions,
    images,
    issues,
    logos,
    pictures,
    publications,
    questions,
)
from newsletter.editorial.models import Conversion, Issue, Picture, Publication
from newsletter.editorial.states import Status
from tests.editorial import burmese as b
from tests.editorial.making import a_publication, an_approved_issue

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ALTS = {"en": "Hill Letter", "my": "တောင်တန်း စာစောင်"}


def drawn(colour: str = "navy", size: tuple[int, int] = (900, 300)) -> bytes:
    """A sign of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_logo_is_kept_small_and_goes_into_every_edition(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        said = logos.set_logo(session, publication, drawn(), ALTS, now=NOW)
        assert issue.status == Status.DRAFT
        assert any("is a draft again" in sentence for sentence in said)
    with reading(any_services.engine) as session:
        issue = session.query(Issue).one()
        letter = editions.letter(
            issue, "en+my", public_url="https://n.example.org",
            media_path=any_services.settings.media_path, languages=any_services.settings.languages,
        )  # fmt: skip
        assert letter.logo is not None
        assert (letter.logo.width, letter.logo.height) == (600, 200)
        assert letter.logo.alts == ALTS
        assert len(letter.logo.data) <= images.LOGO.weight


def test_what_a_logo_says_passes_the_door_for_old_encodings(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        old = {**ALTS, "my": b.OLD_PICTURE}
        said = logos.set_logo(session, publication, drawn(), old, now=NOW)
        assert publication.logo_alts == {**ALTS, "my": b.PICTURE}
        assert any("converted from the old Zawgyi encoding" in sentence for sentence in said)
        (row,) = session.query(Conversion)
        assert deciding.decide(session, row, "keep", now=NOW)
        assert publication.logo_alts["my"] == b.OLD_PICTURE

        logos.set_logo(session, publication, drawn(), {**ALTS, "my": b.OLD_SHORT}, now=NOW)
        (asked,) = questions.open_questions(session, issue)
        assert any("Zawgyi" in text for _, text, _ in questions.problems(issue))
        assert deciding.decide(session, asked, "accept", now=NOW)
        assert publication.logo_alts["my"] == b.SHORT


def test_an_issue_approved_before_there_were_logos_stays_approved(services: Services) -> None:
    with writing(services.engine) as session:
        issue = an_approved_issue(session, a_publication(session))
        assert issues.content_hash(issue) == issue.content_hash


def test_other_pixels_and_other_words_are_another_content(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        seen = {issues.content_hash(issue)}
        for colour, alts in (("navy", ALTS), ("red", ALTS), ("red", {**ALTS, "en": "Hills"})):
            logos.set_logo(session, publication, drawn(colour), alts, now=NOW)
            seen.add(issues.content_hash(issue))
        assert len(seen) == 4


def test_a_logo_without_words_is_refused_and_nothing_is_kept(services: Services) -> None:
    for alts, said in (
        ({}, '--alt en="…" --alt my="…"'),
        ({"en": "Hill Letter", "my": "  "}, '--alt my="…"'),
        ({**ALTS, "fr": "Lettre"}, "no 'fr'"),
    ):
        with pytest.raises(InputError, match=said) as refused, writing(services.engine) as session:
            made = session.query(Picture).count()
            logos.set_logo(session, _publication(session), drawn(), alts, now=NOW)
        assert refused.value.field == "--alt"
        assert made == 0
    with pytest.raises(InputError, match="SVG"), writing(services.engine) as session:
        logos.set_logo(session, _publication(session), b"<svg onload='x()'/>", ALTS, now=NOW)


def test_a_logo_that_is_taken_away_leaves_nothing_behind(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        before = issues.content_hash(issue)
        logos.set_logo(session, publication, drawn(), ALTS, now=NOW)
        name = publication.logo_name or ""
        assert pictures.find(session, name)
        assert logos.remove_logo(session, publication, NOW)
        assert pictures.find(session, name) is None
        assert issues.content_hash(issue) == before
        assert logos.remove_logo(session, publication, NOW) == []


def _publication(session: Session) -> Publication:
    there = publications.listing(session)
    return there[0] if there else a_publication(session)
