"""Nothing is converted in doubt, no original is lost, nobody is asked the same thing twice."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.core.errors import NotAllowedNow
from newsletter.editorial import checks, deciding, inbox, issues, publications, questions
from newsletter.editorial.models import Conversion, Issue, Publication, Resource
from tests.editorial import burmese as b
from tests.editorial.making import NOW, a_publication, a_resource, write

LATER = NOW + timedelta(hours=1)
MIXED = f"{b.OLD_FIRST}\n\n{b.SECOND}"


def _issue(session: Session) -> Issue:
    return issues.create(session, a_publication(session), day=date(2026, 11, 23), now=NOW)


def _rows(session: Session) -> list[Conversion]:
    return list(session.scalars(select(Conversion).order_by(Conversion.id)))


def _write(session: Session, issue: Issue, *, title: str = "A school", body: str = b.FIRST) -> None:
    issues.set_editorial(session, issue, "my", title=title, body=body, now=NOW)


def _body(issue: Issue) -> str:
    written = issues.editorial(issue, "my")
    assert written is not None
    return written.body


def _asked(issue: Issue) -> list[str]:
    found = checks.check(issue, issue.publication)
    return [p.text for p in found if p.level == "error" and "Zawgyi" in p.text]


def test_every_text_of_an_editorial_is_converted_and_its_original_kept(
    any_services: Services,
) -> None:
    with writing(any_services.engine) as session:
        issue = _issue(session)
        issues.set_editorial(
            session,
            issue,
            "my",
            title=b.OLD_TITLE,
            body=f"{b.OLD_FIRST}[^1]\n\n{b.OLD_SECOND}",
            authors=["Daw Hla", b.OLD_AUTHOR],
            pull_quote=b.OLD_QUOTE,
            footnotes=[{"mark": "1", "text": b.OLD_SECOND}],
            about=b.OLD_PUBLISHER,
            now=NOW,
        )
        written = issues.editorial(issue, "my")
        assert written is not None
        assert (written.title, written.authors) == (b.TITLE, ["Daw Hla", b.AUTHOR])
        assert written.body == f"{b.FIRST}[^1]\n\n{b.SECOND}"
        assert written.footnotes == [{"mark": "1", "text": b.SECOND}]
        assert (written.pull_quote, written.about) == (b.QUOTE, b.PUBLISHER)
        kept = {row.place: row.original for row in _rows(session)}
        assert kept["editorial my title"] == b.OLD_TITLE
        assert kept["editorial my author 2"] == b.OLD_AUTHOR
        assert kept["editorial my note 1"] == b.OLD_SECOND
        assert {row.state for row in _rows(session)} == {"converted"}
        assert _asked(issue) == []


def test_both_encodings_in_one_text_are_asked_and_stop_approval(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        issue = _issue(session)
        write(session, issue, "en")
        _write(session, issue, body=MIXED)
        assert _body(issue) == MIXED
        (row,) = _rows(session)
        assert (row.state, row.proposed) == ("asked", f"{b.FIRST}\n\n{b.SECOND}")
        problems = checks.check(issue, issue.publication)
        with pytest.raises(NotAllowedNow, match=f"question {row.id}"):
            issues.approve(session, issue, problems, now=NOW)
        (remedy,) = [p.remedy for p in problems if p.place == "editorial my body"]
        assert f"newsletter burmese {issue.number} --accept {row.id}" in remedy

        assert deciding.decide(session, row, "accept", now=LATER)
        assert _body(issue) == row.proposed
        assert (row.state, row.decided_at) == ("accepted", LATER)
        issues.approve(session, issue, checks.check(issue, issue.publication), now=LATER)


def test_an_answer_stands_when_the_same_text_comes_again(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        issue = _issue(session)
        _write(session, issue, body=MIXED)
        _write(session, issue, body=MIXED)
        (row,) = _rows(session)
        assert _asked(issue) != []
        deciding.decide(session, row, "keep", now=LATER)
        _write(session, issue, body=MIXED)
        assert (_body(issue), _asked(issue)) == (MIXED, [])
        _write(session, issue, body=f"{MIXED}\n\nA word in English.")
        assert _asked(issue) == [], "the same doubtful sentence was asked again"
        _write(session, issue, body=MIXED)
        deciding.decide(session, row, "accept", now=LATER)
        _write(session, issue, body=MIXED)
        assert _body(issue) == row.proposed
        assert len(_rows(session)) == 1


def test_a_new_doubtful_sentence_is_asked_though_another_was_kept(services: Services) -> None:
    with writing(services.engine) as session:
        issue = _issue(session)
        _write(session, issue, body=MIXED)
        deciding.decide(session, _rows(session)[0], "keep", now=LATER)
        _write(session, issue, body=f"{MIXED}\n\n{b.OLD_QUOTE}")
        assert len(_asked(issue)) == 1


def test_a_question_about_a_text_that_is_gone_asks_nothing_more(services: Services) -> None:
    with writing(services.engine) as session:
        issue = _issue(session)
        _write(session, issue, body=MIXED)
        (row,) = _rows(session)
        _write(session, issue, body=b.FIRST)
        assert _asked(issue) == []
        with pytest.raises(NotAllowedNow, match="written anew since"):
            deciding.decide(session, row, "accept", now=LATER)
        assert _body(issue) == b.FIRST


def test_a_conversion_can_be_undone_and_the_issue_is_a_draft_again(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        issue = _issue(session)
        write(session, issue, "en")
        _write(session, issue, body=b.OLD_FIRST)
        issues.approve(session, issue, checks.check(issue, issue.publication), now=NOW)
        (row,) = _rows(session)
        assert deciding.decide(session, row, "keep", now=LATER)
        assert (_body(issue), issue.status) == (b.OLD_FIRST, "draft")
        assert not deciding.decide(session, row, "keep", now=LATER)
        assert deciding.decide(session, row, "accept", now=LATER)
        assert _body(issue) == b.FIRST


def test_an_issue_that_went_out_takes_no_answer(services: Services) -> None:
    with writing(services.engine) as session:
        issue = _issue(session)
        _write(session, issue, body=b.OLD_FIRST)
        issue.status = "sent"
        with pytest.raises(NotAllowedNow, match="next issue"):
            deciding.decide(session, _rows(session)[0], "keep", now=LATER)


def test_resources_are_asked_in_the_inbox_and_stop_the_issue_that_takes_them(
    any_services: Services,
) -> None:
    with writing(any_services.engine) as session:
        issue = _issue(session)
        resource = a_resource(session, issue.publication, "Water", my=b.OLD_SHORT)
        assert resource.titles["my"] == b.OLD_SHORT
        (row,) = questions.of_desk(session, issue.publication)
        assert row.place == "resource title my"
        inbox.move(session, resource, issue=issue, now=NOW)
        (problem,) = [p for p in checks.check(issue, issue.publication) if "Zawgyi" in p.text]
        assert problem.place == f"resource {resource.id} title my"
        assert questions.of_desk(session, issue.publication) == []
        deciding.decide(session, row, "accept", now=LATER)
        assert resource.titles == {"en": "Water", "my": b.SHORT}
        inbox.edit(session, resource, titles={"my": b.OLD_REPORT}, byline=b.OLD_PUBLISHER, now=NOW)
        assert (resource.titles, resource.byline) == ({"my": b.REPORT}, b.PUBLISHER)
        assert len(questions.of_issue(session, issue)) == 3


def test_words_in_the_wrong_order_are_put_right_and_shown(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        made = a_resource(session, publication, "A", my="မြို့ကုိ ပါ၀င် ဆောက်ကြသည်")
        assert made.titles["my"] == "မြို့ကို ပါဝင် ဆောက်ကြသည်"
        (row,) = _rows(session)
        assert (row.state, row.original) == ("normalised", "မြို့ကုိ ပါ၀င် ဆောက်ကြသည်")
        assert any("“ပါ၀င်” → “ပါဝင်”" in reason for reason in row.reasons)
        deciding.decide(session, row, "keep", now=LATER)
        assert made.titles["my"] == row.original


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("my", "လူ့အခွင့်အရေး ကျေညာစာတမ်း"),
        ("my", "ယောက်ျား၊ ကျွန်ုပ်၊ ဘာသာစကား"),
        ("my", "BBC Burmese: မြစ်ကမ်းဒေသ သတင်းများ ၂၀၂၆"),
        ("en", "The word ကျောင်း means school"),
        ("en", "Café at 10 o’clock – “yes” 👩‍👩‍👧"),
    ],
)
def test_what_is_right_already_leaves_no_trace(
    services: Services, language: str, text: str
) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        made = inbox.add(
            session,
            publication,
            byline="A",
            titles={language: text},
            urls={},
            category=None,
            published_on=date(2026, 11, 16),
            now=NOW,
        )
        assert made.titles == {language: text}
        assert _rows(session) == []


def test_settings_pass_the_door_too(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        for key, old, new in (
            ("names.my", b.OLD_TITLE, b.TITLE),
            ("about.my", b.OLD_FIRST, b.FIRST),
            ("postal_addresses.my", b.OLD_SECOND, b.SECOND),
            ("sender.names.my", b.OLD_PUBLISHER, b.PUBLISHER),
            ("subject_prefixes.my", b.OLD_AUTHOR, b.AUTHOR),
            ("categories.reports.my", b.OLD_CATEGORY, b.CATEGORY),
        ):
            said = publications.set_value(session, publication, key, old, now=NOW)
            assert any("converted from the old Zawgyi" in sentence for sentence in said), key
            again = publications.set_value(session, publication, key, old, now=NOW)
            assert again == [], key
            assert new in str(publications.settings_of(publication)), key
        assert len(_rows(session)) == 6
        category = publications.category(publication, "reports")
        assert category.names["my"] == b.CATEGORY


def test_a_question_about_settings_stops_every_issue_until_it_is_answered(
    services: Services,
) -> None:
    with writing(services.engine) as session:
        issue = _issue(session)
        write(session, issue, "en")
        write(session, issue, "my")
        for key in ("names.my", "categories.reports.my"):
            publications.set_value(session, issue.publication, key, b.OLD_SHORT, now=NOW)
        assert len(_asked(issue)) == 2
        for row in questions.of_desk(session, issue.publication):
            deciding.decide(session, row, "accept", now=LATER)
        assert issue.publication.names["my"] == b.SHORT
        assert publications.category(issue.publication, "reports").names["my"] == b.SHORT
        assert _asked(issue) == []


def test_what_belongs_to_a_text_goes_with_it(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        issue = _issue(session)
        publication = issue.publication
        _write(session, issue, body=MIXED)
        resource = a_resource(session, publication, "A", my=b.OLD_REPORT)
        publications.set_value(session, publication, "about.my", b.OLD_FIRST, now=NOW)
        assert len(_rows(session)) == 3
        session.delete(issue)
        session.flush()
        assert [row.place for row in _rows(session)] == [
            "resource title my",
            "publication about my",
        ]
        session.delete(session.get_one(Resource, resource.id))
        session.flush()
        session.expire_all()
        session.delete(session.get_one(Publication, publication.id))
        session.flush()
        assert session.scalar(select(func.count()).select_from(Conversion)) == 0
