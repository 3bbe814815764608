"""A file becomes one issue, whole or not at all, once; and what is exported comes back the same."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.db import Base, writing
from newsletter.core.errors import InputError
from newsletter.core.resources import shipped
from newsletter.core.settings import Language
from newsletter.editorial import exporting, importing, inbox, issues, publications
from newsletter.editorial.filling import markdown
from newsletter.editorial.models import Issue, Publication
from newsletter.rendering.markdown import plain_blocks

NOW = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
SAMPLES = shipped("config") / "samples"
POST = (SAMPLES / "weekly-post.txt").read_bytes()
ISSUE = (SAMPLES / "issue.md").read_bytes()


@contextmanager
def newsroom(services: Services, languages: str = "en,my") -> Iterator[tuple[Session, Publication]]:
    """A transaction in which there is a publication."""
    with writing(services.engine) as session:
        if publications.listing(session):
            yield session, publications.get(session, None)
            return
        publication = publications.create(session, publications.default(), now=NOW)
        if languages != "en,my":
            publications.set_value(session, publication, "languages", languages, now=NOW)
        yield session, publication


def shown(services: Services, issue: Issue) -> dict[str, Any]:
    """The issue as JSON, without what must differ between two issues."""
    found: dict[str, Any] = json.loads(
        json.dumps(issues.describe(issue, services.settings.languages))
    )
    found.pop("number")
    for resource in found["resources"]:
        resource.pop("id")
    return found


def rows(services: Services) -> dict[str, int]:
    """How many rows each table holds."""
    with writing(services.engine) as session:
        count = {
            t: session.scalar(select(func.count()).select_from(t))
            for t in Base.metadata.tables.values()
        }
    return {table.name: number or 0 for table, number in count.items()}


def test_a_post_becomes_a_draft_in_which_everything_stands(any_services: Services) -> None:
    with newsroom(any_services) as (session, publication):
        done = importing.store(session, publication, POST, "weekly-post.txt", now=NOW)
        assert not done.again
    with newsroom(any_services) as (session, publication):
        found = shown(any_services, issues.get(session, publication, 1))
    assert (found["date"], found["status"]) == ("2026-11-09", "draft")
    text = found["editions"]["en"]
    assert text["authors"] == ["Hill and Valley Weekly"]
    assert text["reading_minutes"] == 4
    assert text["paragraphs"] == [line for line in POST.decode().split("\n")[7:26] if line.strip()]
    assert "distinction.[^1] None" in text["markdown"]
    assert [note["mark"] for note in text["footnotes"]] == ["1", "2"]
    categories = [resource["category"] for resource in found["resources"]]
    assert categories == ["Statements and Press Releases"] * 4 + [None] * 5
    assert found["resources"][0]["lines"] == [36, 38, 40, 42]
    assert found["resources"][4]["near_duplicate_of"] == 2
    assert {w["line"] for w in found["warnings"]} >= {29, 58, 62, 66, 70, 74}
    assert found["image"] == {"expected": True, "name": None}


def test_the_same_file_again_changes_nothing_but_may_name_the_lost_heading(
    services: Services,
) -> None:
    with newsroom(services) as (session, publication):
        importing.store(session, publication, POST, "a.txt", now=NOW)
        before = shown(services, issues.get(session, publication, 1))
    counted = rows(services)
    with newsroom(services) as (session, publication):
        again = importing.store(session, publication, POST, "b.txt", now=NOW)
        assert again.again
        assert "issue 1" in again.notes[0]
        assert shown(services, again.issue) == before
    assert rows(services) == counted
    with newsroom(services) as (session, publication):
        reports = publications.category(publication, "REPORTS")
        moved = issues.get(session, publication, 1).resources[8]
        stranger = inbox.add(
            session,
            publication,
            byline="Z",
            titles={"en": "Z"},
            urls={},
            category=None,
            published_on=date(2026, 11, 9),
            lines=[3, 5],
            now=NOW,
        )  # taken in from another file
        stranger.issue = moved.issue
        inbox.move(session, moved, category=publications.category(publication, "news"), now=NOW)
        named = importing.store(session, publication, POST, "b.txt", category=reports, now=NOW)
        assert "4 resources" in named.notes[0]
        after = shown(services, named.issue)
    assert [r["category"] for r in after["resources"]][4:] == ["Reports"] * 4 + ["News", None]
    assert {w["kind"] for w in after["warnings"] if w["line"] in (62, 66, 70)} == set()


def test_a_category_given_at_once_takes_what_has_no_heading(services: Services) -> None:
    with newsroom(services) as (session, publication):
        reports = publications.category(publication, "reports")
        done = importing.store(session, publication, POST, "a.txt", category=reports, now=NOW)
        categories = [r["category"] for r in shown(services, done.issue)["resources"]]
        assert categories == ["Statements and Press Releases"] * 4 + ["Reports"] * 5
        assert not any(w["kind"] == "no_category" for w in done.issue.warnings)


def test_a_refused_file_leaves_nothing_behind(services: Services) -> None:
    with newsroom(services):
        pass
    counted = rows(services)
    broken = ISSUE.replace(b"https://example.org/en/fuel-prices", b"https://user@[broken/")
    new = broken.replace(b'category = "statements"', b'category = "Something New"')
    for data in (POST + b"\n" + POST, b"", b"%PDF-1.7", b"Hello", new):
        with pytest.raises(InputError), newsroom(services) as (session, publication):
            importing.store(
                session,
                publication,
                data,
                "f",
                directory=SAMPLES,
                now=NOW,
            )
    assert rows(services) == counted


def test_a_new_heading_becomes_the_last_category_and_is_said(services: Services) -> None:
    data = POST.replace(b"Statements and Press Releases", b"Photo & Film Essays")
    with newsroom(services) as (session, publication):
        done = importing.store(session, publication, data, "a.txt", now=NOW)
        new = publication.categories[-1]
        assert (new.key, new.names) == ("photo-film-essays", {"en": "Photo & Film Essays"})
        assert any("Photo & Film Essays" in note for note in done.notes)
        assert done.issue.resources[0].category is new


def test_a_language_the_publication_lacks_is_refused_or_reported(services: Services) -> None:
    with newsroom(services, "en,fr") as (session, publication):
        with pytest.raises(InputError, match="no 'my'"):
            importing.store(session, publication, POST, "a", language="my", now=NOW)
        done = importing.store(session, publication, POST, "a", language="fr", now=NOW)
        assert [e.language for e in done.issue.editorials] == ["fr"]
        assert set(done.issue.resources[0].titles) == {"fr"}
        assert any("စမ်းရေပေါက်" in str(w["text"]) for w in done.issue.warnings)


def test_titles_belong_to_the_languages_written_in_their_script(services: Services) -> None:
    shan = Language(name="Shan", native="လိၵ်ႈတႆး", script="Mymr")
    known = {**services.settings.languages, "shn": shan}
    data = POST.replace(b"Statements and Press Releases", "ၶၢဝ်ႇလိၵ်ႈ".encode())
    with newsroom(services, "en,shn") as (session, publication):
        done = importing.store(session, publication, data, "a.txt", languages=known, now=NOW)
        titles = [set(r.titles) for r in done.issue.resources]
        assert titles.count({"en", "shn"}) == 1
        assert all("en" in found for found in titles)
        assert publication.categories[-1].names == {"shn": "ၶၢဝ်ႇလိၵ်ႈ"}
        assert not any("language" in str(w["text"]) for w in done.issue.warnings)


def test_a_title_in_no_script_of_the_publication_is_kept_and_said(services: Services) -> None:
    known = {**services.settings.languages, "ru": Language(name="R", native="р", script="Cyrl")}
    with newsroom(services, "ru,my") as (session, publication):
        done = importing.store(session, publication, POST, "a.txt", languages=known, now=NOW)
        said = {w["line"]: str(w["text"]) for w in done.issue.warnings}
        assert "no language in the script of this text; it was taken as 'ru'" in said[1]
        assert [e.language for e in done.issue.editorials] == ["ru"]
        for resource in done.issue.resources:
            kept = "was left out" if "my" in resource.titles else "was taken as 'ru'"
            assert kept in said[resource.lines[0]]
        assert {code for r in done.issue.resources for code in r.titles} == {"ru", "my"}
        assert any("heading" in note and "'ru'" in note for note in done.notes)


def test_the_sample_issue_goes_out_and_comes_back_the_same(any_services: Services) -> None:
    with newsroom(any_services) as (session, publication):
        first = importing.store(session, publication, ISSUE, "issue.md", directory=SAMPLES, now=NOW)
        assert (first.issue.image_width, first.issue.image_height) == (1200, 600)
    with newsroom(any_services) as (session, publication):
        written = exporting.issue_file(issues.get(session, publication, 1))
        before = shown(any_services, issues.get(session, publication, 1))
    with newsroom(any_services) as (session, publication):
        second = importing.store(session, publication, written.encode(), "out.md", now=NOW)
        assert second.issue.number == 2
        assert any("issue 1" in note for note in second.notes)
    with newsroom(any_services) as (session, publication):
        again = issues.get(session, publication, 2)
        assert shown(any_services, again) == before
        assert exporting.issue_file(again) == written.replace("number = 1", "number = 2")


def test_an_imported_post_survives_export_with_its_lines_and_warnings(services: Services) -> None:
    with newsroom(services) as (session, publication):
        first = importing.store(session, publication, POST, "a.txt", now=NOW).issue
        written = exporting.issue_file(first)
        second = importing.store(session, publication, written.encode(), "out.md", now=NOW).issue
        assert shown(services, second) == shown(services, first)


def test_a_missing_image_is_named(services: Services, tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"featured\.png"),
        newsroom(services) as (session, publication),
    ):
        importing.store(session, publication, ISSUE, "i.md", directory=tmp_path, now=NOW)


@pytest.mark.parametrize("kind", ["fifo", "device", "away", "folder away", "directory", "heavy"])
def test_only_a_regular_file_beside_the_text_is_read(
    services: Services, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "desk"
    folder.mkdir()
    outside, image = tmp_path / "away", folder / "featured.png"
    outside.mkdir()
    Image.new("RGB", (40, 20), "navy").save(outside / "featured.png")
    data, reason = ISSUE, "is no file of this directory"
    if kind == "fifo":
        os.mkfifo(image)
    elif kind == "device":
        image.symlink_to("/dev/zero")
    elif kind == "away":
        image.symlink_to(outside / "featured.png")
    elif kind == "folder away":
        (folder / "pictures").symlink_to(outside)
        data = ISSUE.replace(b"featured.png", b"pictures/featured.png")
    elif kind == "directory":
        image.mkdir()
    else:
        monkeypatch.setattr("newsletter.editorial.images.LARGEST_FILE", 4096)
        reason = "larger than"
        with image.open("wb") as file:
            file.truncate(1 << 40)  # a terabyte of holes: whoever reads it all has no memory left
    with pytest.raises(InputError, match=reason), newsroom(services) as (session, publication):
        importing.store(session, publication, data, "i.md", directory=folder, now=NOW)


def test_a_link_within_the_directory_is_a_file_of_it(services: Services, tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), "navy").save(tmp_path / "real.png")
    (tmp_path / "featured.png").symlink_to("real.png")
    with newsroom(services) as (session, publication):
        done = importing.store(session, publication, ISSUE, "i.md", directory=tmp_path, now=NOW)
        assert done.issue.image_width == 40


_WORD = st.one_of(
    st.text(
        alphabet=st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), min_size=1
    ),
    st.sampled_from(
        ["+++", "+++ en", "\\+++ my", '"""', "'", "\\", "[^1]", "[^2]", "၏ စာ။", "= x"]
    ),
)
_LINE = st.lists(_WORD, min_size=1, max_size=4).map(" ".join).map(str.strip).filter(bool)
_BODY = st.lists(_LINE, max_size=4).map("\n\n".join)


@given(title=_LINE, bodies=st.tuples(_BODY, _BODY), lines=st.lists(_LINE, min_size=6, max_size=6))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_any_texts_round_trip(
    services: Services, title: str, bodies: tuple[str, str], lines: list[str]
) -> None:
    note, quote, about, author, byline, name = lines
    with newsroom(services) as (session, publication):
        issue = issues.create(session, publication, day=date(2026, 1, 2), now=NOW)
        for language, body in zip(("en", "my"), bodies, strict=True):
            issues.set_editorial(
                session,
                issue,
                language,
                title=title,
                body=body,
                authors=[author, title],
                pull_quote=quote,
                footnotes=[{"mark": "1", "text": f"{note}\n{quote}"}],
                about=f"{about}\n\n{note}",
                reading_minutes=None,
                now=NOW,
            )
        for category in (None, publications.category(publication, "news")):
            inbox.add(
                session,
                publication,
                byline=byline,
                titles={"en": name},
                urls={"my": "https://example.org/က?a=1#b"},
                category=category,
                published_on=date(2026, 1, 1),
                now=NOW,
            ).issue = issue
        session.flush()
        session.expire(issue, ["resources"])
        written = exporting.issue_file(issue)
        back = importing.store(session, publication, written.encode(), "x.md", now=NOW)
        assert not back.again
        before, after = shown(services, issue), shown(services, back.issue)
        for found in (before, after):
            for resource in found["resources"]:
                resource.pop("lines")
                resource.pop("near_duplicate_of")
        assert after == before


@given(_LINE)
def test_plain_paragraphs_are_shown_exactly(text: str) -> None:
    assert plain_blocks(markdown([text, "second [1]"], {"1": "note"})) == [text, "second [1]"]
