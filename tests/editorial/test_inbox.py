"""The inbox takes only what a mail can show, and an editor's hand decides where it stands."""

from __future__ import annotations

from datetime import date

import pytest

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.core.errors import InputError, NotFound
from newsletter.editorial import inbox, issues, publications
from newsletter.editorial.models import Issue
from newsletter.editorial.ordering import in_order
from tests.editorial.making import NOW, a_publication, a_resource


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"titles": {"en": "  "}}, "title"),
        ({"titles": {"shn": "Title"}}, "title"),
        ({"byline": " \n"}, "byline"),
        ({"urls": {"en": "ftp://example.org/a"}}, "url"),
        ({"urls": {"en": "javascript:alert(1)"}}, "url"),
        ({"urls": {"en": "https:///path"}}, "url"),
        ({"urls": {"en": "https://exa mple.org"}}, "url"),
        ({"urls": {"en": 'https://example.org/"onload='}}, "url"),
        ({"urls": {"en": "http://[::1"}}, "url"),
        ({"urls": {"xx": "https://example.org"}}, "url"),
    ],
)
def test_unfit_resource_is_refused_by_field_and_not_stored(
    services: Services, given: dict[str, object], field: str
) -> None:
    fit = {"byline": "A", "titles": {"en": "T"}, "urls": {}}
    with writing(services.engine) as session:
        publication = a_publication(session)
        with pytest.raises(InputError) as refused:
            inbox.add(
                session,
                publication,
                **{**fit, **given},  # type: ignore[arg-type]
                category=None,
                published_on=date(2026, 11, 16),
                now=NOW,
            )
        assert refused.value.field == field
        assert inbox.listing(session, publication, everything=True) == []


def test_listing_shows_what_waits_newest_first(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        old = a_resource(session, publication, "Old", day=date(2026, 11, 2))
        new = a_resource(session, publication, "New", day=date(2026, 11, 17), my="အသစ်")
        gone = a_resource(session, publication, "Gone")
        inbox.drop(session, gone, NOW)
        assert inbox.listing(session, publication) == [new, old]
        assert set(inbox.listing(session, publication, everything=True)) == {old, new, gone}
        assert inbox.get(session, publication, new.id).titles["my"] == "အသစ်"
        other = a_publication(session, "other")
        with pytest.raises(NotFound):
            inbox.get(session, other, new.id)
        with pytest.raises(InputError, match="another publication"):
            inbox.move(session, new, category=other.categories[0], now=NOW)


def _titles(issue: Issue) -> list[str]:
    return [r.titles["en"] for r in in_order(issue.resources)]


def test_moving_puts_a_resource_where_the_editor_says(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = issues.create(session, publication, day=date(2026, 11, 23), now=NOW)
        a, b, c, d = (a_resource(session, publication, title) for title in "ABCD")
        for resource in (a, b, c, d):
            inbox.move(session, resource, issue=issue, now=NOW)
        assert _titles(issue) == ["A", "B", "C", "D"]
        inbox.move(session, d, position=1, now=NOW)
        inbox.move(session, a, position=99, now=NOW)
        assert _titles(issue) == ["D", "B", "C", "A"]
        inbox.move(session, c, category=publications.category(publication, "statements"), now=NOW)
        inbox.move(session, d, category=None, now=NOW)
        assert _titles(issue) == ["C", "B", "A", "D"]
        with pytest.raises(InputError, match="counted from 1"):
            inbox.move(session, a, position=0, now=NOW)


def test_editing_replaces_what_is_named_and_leaves_the_rest(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        resource = a_resource(session, publication, "Title", my="ခေါင်းစဉ်")
        inbox.edit(session, resource, titles={"en": "Better"}, now=NOW)
        assert resource.titles == {"en": "Better"}
        assert resource.urls == {"en": "https://example.org/5"}
        assert resource.edited_at == NOW
        with pytest.raises(InputError, match="at least one language"):
            inbox.edit(session, resource, titles={}, now=NOW)


def test_dropping_forgets_it_as_somebody_elses_twin(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        first = a_resource(session, publication, "On water")
        second = a_resource(session, publication, "On waters")
        second.near_duplicate_of = first.id
        inbox.drop(session, first, NOW)
        session.refresh(second)
        assert second.near_duplicate_of is None
