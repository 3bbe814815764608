"""Pictures lie in the database: every host has them, and none that nobody shows."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from PIL import Image

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError, NotFound
from newsletter.editorial import (
    checks,
    editions,
    exporting,
    images,
    importing,
    issues,
    pictures,
    publications,
)
from newsletter.editorial.freezing import content_hash
from newsletter.editorial.models import Issue, Picture

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


def picture(colour: str) -> bytes:
    """A small image of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(buffer, "PNG")
    return buffer.getvalue()


def with_image(services: Services, data: bytes, number: int = 1) -> str:
    """A draft with this image; gives back the image's name."""
    with writing(services.engine) as session:
        if number == 1:
            publications.create(session, publications.default(), now=NOW)
        publication = publications.get(session, None)
        issue = issues.create(session, publication, day=date(2026, 11, 9 + 7 * number), now=NOW)
        stored = pictures.store(session, data)
        issues.set_image(issue, stored, {"en": "A hill", "my": "တောင်ကုန်း"}, NOW)
        return stored.name


def test_a_picture_comes_back_as_it_was_kept(any_services: Services) -> None:
    name = with_image(any_services, picture("navy"))
    with_image(any_services, picture("navy"), 2)
    with reading(any_services.engine) as session:
        data = pictures.load(session, name)
        assert images.fit(data).name == name
        found = pictures.find(session, name)
        assert found is not None
        assert (found.width, found.height) == (60, 40)
        assert session.query(Picture).count() == 1


@pytest.mark.parametrize("name", ["../newsletter.db", "keys.json", "", "a" * 32 + ".jpg"])
def test_only_stored_pictures_can_be_loaded(services: Services, tmp_path: Path, name: str) -> None:
    (tmp_path / "keys.json").write_text("secret")
    with reading(services.engine) as session:
        with pytest.raises(NotFound):
            pictures.load(session, name, tmp_path)
        assert pictures.find(session, name) is None


def test_the_files_of_a_home_from_before_are_read_and_taken_over(
    any_services: Services, tmp_path: Path
) -> None:
    name = with_image(any_services, picture("navy"))
    with writing(any_services.engine) as session:
        data = pictures.load(session, name)
        session.query(Picture).delete()
    (tmp_path / name).write_bytes(data)
    (tmp_path / f"{'0' * 32}.png").write_bytes(b"of another newsletter")
    with reading(any_services.engine) as session:
        assert pictures.load(session, name, tmp_path) == data
        with pytest.raises(NotFound, match="neither in the database nor in"):
            pictures.load(session, name, tmp_path / "elsewhere")
    with writing(any_services.engine) as session:
        assert pictures.take_over(session, tmp_path / "elsewhere") == [name]
        assert pictures.take_over(session, tmp_path) == []
    (tmp_path / name).unlink()
    with writing(any_services.engine) as session:
        assert pictures.load(session, name, tmp_path) == data
        assert pictures.take_over(session, tmp_path) == []
        assert session.query(Picture).count() == 1


def test_other_bytes_under_an_approved_name_are_not_sent(services: Services) -> None:
    name = with_image(services, picture("navy"))
    with writing(services.engine) as session:
        session.get_one(Picture, name).data = picture("red")
    with reading(services.engine) as session, pytest.raises(NotFound, match="not those it was"):
        pictures.load(session, name)


def test_other_pixels_make_another_content(services: Services) -> None:
    with_image(services, picture("navy"))
    with writing(services.engine) as session:
        issue = session.query(Issue).one()
        before = content_hash(issue)
        issues.set_image(issue, pictures.store(session, picture("red")), issue.image_alts, NOW)
        assert content_hash(issue) != before


def test_a_picture_that_was_replaced_is_forgotten(services: Services) -> None:
    """Who takes a photograph out may do it because of a face on it."""
    first = with_image(services, picture("navy"))
    with_image(services, picture("navy"), 2)
    for number, left in ((1, True), (2, False)):
        with writing(services.engine) as session:
            issue = issues.get(session, publications.get(session, None), number)
            issues.set_image(
                issue, pictures.store(session, picture("red")), {"en": "", "my": ""}, NOW
            )
            assert (pictures.find(session, first) is not None) is left


@pytest.mark.parametrize(
    ("alts", "lacking"),
    [
        ({}, ["en", "my"]),
        ({"en": "A hill"}, ["my"]),
        ({"en": "A hill", "my": ""}, ["my"]),
        ({"en": "", "my": ""}, []),
        ({"en": "A hill", "my": "တောင်ကုန်း"}, []),
    ],
    ids=["nothing said", "one language", "one is empty", "decorative", "both"],
)
def test_every_picture_has_words_or_is_said_to_need_none(
    services: Services, alts: dict[str, str], lacking: list[str]
) -> None:
    name = with_image(services, picture("navy"))
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        issue = issues.get(session, publication, 1)
        issue.image_alts = alts
        publication.logo_name, publication.logo_alts = name, {"en": "Hills", "my": "တောင်"}
        found = [p for p in checks.check(issue, publication) if p.check == "alternative text"]
        assert [p.language for p in found] == lacking
        assert all(p.level == "error" and "image_decorative" in p.remedy for p in found)
        publication.logo_alts = {"en": "Hills"}
        places = [p.place for p in checks.check(issue, publication) if "logo" in p.place]
        assert places == ["logo"]


def test_pictures_that_are_fetched_are_warned_of(services: Services) -> None:
    with_image(services, picture("navy"))
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        issue = issues.get(session, publication, 1)
        before = issues.content_hash(issue)
        said = publications.set_value(session, publication, "hosted_images", "true")
        assert said == ["hosted_images: False → True"]
        (problem,) = (p for p in checks.check(issue, publication) if p.check == "remote content")
        assert problem.level == "warning"
        assert "hosted_images false" in problem.remedy
        assert issues.content_hash(issue) != before


def test_an_issue_file_says_that_its_image_is_decorative(
    services: Services, tmp_path: Path
) -> None:
    (tmp_path / "hill.png").write_bytes(picture("navy"))
    head = 'date = 2026-11-16\nimage = "hill.png"\n{}\n[editions.en]\ntitle = "T"\n'
    with writing(services.engine) as session:
        publication = publications.create(session, publications.default(), now=NOW)
        for number, line in enumerate(("", "image_decorative = true"), 1):
            text = f"+++\n{head.format(line)}+++ en\nWords {number}.\n"
            made = importing.store(
                session, publication, text.encode(), "i.md", directory=tmp_path, now=NOW
            ).issue
            found = [p.language for p in checks.check(made, publication) if p.place == "image"]
            assert found == ([] if line else ["en", "my"])
            assert ("image_decorative = true" in exporting.issue_file(made)) is bool(line)
        with pytest.raises(InputError, match=r"hill\.png: this is an SVG drawing") as refused:
            (tmp_path / "hill.png").write_bytes(b"<svg><script/></svg>")
            importing.store(
                session, publication, b"+++\n" + text.encode()[4:] + b"more", "i.md",
                directory=tmp_path, now=NOW,
            )  # fmt: skip
        assert refused.value.field == "i.md"


def test_another_host_shows_what_this_one_imported(any_services: Services, tmp_path: Path) -> None:
    """It has the same database and a home of its own, in which no picture lies."""
    name = with_image(any_services, picture("navy"))
    with writing(any_services.engine) as session:
        issue = issues.get(session, publications.get(session, None), 1)
        issues.set_editorial(session, issue, "en", title="T", body="Words.", now=NOW)
    empty = tmp_path / "another-home" / "media"
    with reading(any_services.engine) as session:
        letter = editions.letter(
            issues.get(session, publications.get(session, None), 1), "en",
            public_url="https://n.example.org", media_path=empty,
            languages=any_services.settings.languages,
        )  # fmt: skip
    assert letter.picture is not None
    assert letter.picture.name == name
    assert images.fit(letter.picture.data).data == letter.picture.data
    assert not empty.exists()
    assert not any_services.settings.media_path.exists()
