"""Files as editors really have them: pasted from Word, in an old encoding, hostile, or enormous.

Each goes through the real import and the real rendering.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.cli.previewing import sample_message
from newsletter.core.db import writing
from newsletter.core.errors import InputError
from newsletter.delivery import press
from newsletter.editorial import (
    conversions,
    editions,
    exporting,
    importing,
    issues,
    publications,
    rewriting,
)
from newsletter.editorial.models import Conversion, Issue, Publication
from newsletter.rendering.content import RenderedEdition
from newsletter.rendering.edition import render
from tests.editorial import burmese as b
from tests.editorial.making import a_publication

NOW = datetime(2026, 11, 18, 6, 0, tzinfo=UTC)
HOSTILE = (
    '<script>alert(1)</script> {{ config.keys }} {% for x in y %} {# no #} <img src="https://'
    'evil.example/x.gif"> <mj-raw>mj</mj-raw> \u202egpj.exe &#8238; ${7*7} <!-- c --> ]]> 👩‍👩‍👧'
)
SHOWN = "<script>alert(1)</script> {{ config.keys }} {% for x in y %} {# no #}"


def _file(
    *,
    title: str = "A school",
    body: str = "One.",
    my_title: str = "",
    my_body: str = "",
    facts: str = "",
) -> bytes:
    def quoted(text: str) -> str:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'

    my = f"[editions.my]\ntitle = {quoted(my_title)}\n" if my_title else ""
    head = f"date = 2026-11-16\n[editions.en]\ntitle = {quoted(title)}\n{my}{facts}"
    return f"+++\n{head}\n+++ en\n{body}\n{f'+++ my{chr(10)}{my_body}' if my else ''}\n".encode()


def _store(session: Session, data: bytes, name: str = "f") -> tuple[Issue, list[str]]:
    done = importing.store(session, _owner(session), data, name, now=NOW)
    return done.issue, done.notes


def _owner(session: Session) -> Publication:
    known = publications.listing(session)
    return known[0] if known else a_publication(session)


def _rendered(services: Services, issue: Issue, edition: str = "en") -> RenderedEdition:
    letter = editions.letter(
        issue,
        edition,
        public_url="http://127.0.0.1:8080",
        media_path=services.settings.media_path,
        languages=services.settings.languages,
    )
    return render(letter, services.theme)


def _rows(session: Session) -> dict[str, Conversion]:
    return {r.place: r for r in session.scalars(select(Conversion).order_by(Conversion.id))}


def test_a_short_title_follows_what_its_file_says(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        facts = f'[[resources]]\nbyline = "{b.OLD_PUBLISHER}"\ntitle.my = "{b.OLD_SHORT}"\n'
        data = _file(my_title=b.OLD_TITLE, my_body=b.OLD_FIRST, facts=facts)
        issue, notes = _store(session, data)
        (resource,) = issue.resources
        assert (resource.titles["my"], resource.byline) == (b.SHORT, b.PUBLISHER)
        assert {row.state for row in _rows(session).values()} == {"converted"}
        assert sum("converted from the old Zawgyi" in note for note in notes) == 4
        assert f"newsletter burmese {issue.number}" in notes[-1]
        again, _ = _store(session, data)
        assert again is issue
        assert len(_rows(session)) == 4


def test_nothing_of_a_mixed_file_is_converted_unasked(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        facts = f'[[resources]]\nbyline = "A"\ntitle.my = "{b.OLD_REPORT}"\n'
        issue, notes = _store(session, _file(my_title=b.TITLE, my_body=b.FIRST, facts=facts))
        assert issue.resources[0].titles["my"] == b.OLD_REPORT
        (row,) = _rows(session).values()
        assert (row.state, row.proposed) == ("asked", b.REPORT)
        assert any("nothing is approved before" in note for note in notes)


def test_image_words_categories_and_a_translation_sent_later_pass_the_door(
    any_services: Services,
) -> None:
    with writing(any_services.engine) as session:
        facts = (
            f'[[resources]]\nbyline = "A"\ncategory = "{b.OLD_CATEGORY}"\ntitle.en = "T"\n'
            f'[[categories]]\nkey = "{b.OLD_CATEGORY}"\nname.my = "{b.OLD_CATEGORY}"\n'
        )
        data = _file(facts=facts).replace(
            b"[editions.en]", f'image_alternatives.my = "{b.OLD_PICTURE}"\n[editions.en]'.encode()
        )
        issue, _ = _store(session, data)
        assert issue.image_alts == {"my": b.PICTURE}
        (category,) = [c for c in issue.publication.categories if b.CATEGORY in c.names.values()]
        assert issue.resources[0].category is category
        second = _file(title="Two", facts=facts.replace('"T"', '"U"'))
        other, _ = _store(session, second)
        assert other.resources[0].category is category, "its heading in Zawgyi was not found again"
        text = _file(my_title=b.OLD_TITLE, my_body=b.OLD_FIRST)
        notes = rewriting.rewrite(session, issue, text, "my.md", now=NOW)
        assert any("editorial my body: converted" in note for note in notes)
        written = issues.editorial(issue, "my")
        assert written is not None
        assert written.title == b.TITLE


def test_a_whole_post_in_zawgyi_is_read_as_the_same_post_in_unicode(services: Services) -> None:
    post = (
        "{title}\n\n{day} • {label}- {author} • 4 minute read\n\n{first}\n\n{second}\n\n"
        "Resources from the past week\n\n{report}\n\nBy {publisher}\n"
    )
    old = post.format(
        title=b.OLD_TITLE,
        day="၂၀၂၆ ခုႏွစ္၊ ႏိုဝင္ဘာလ ၁၆ ရက္",
        label="",
        author="",
        first=b.OLD_FIRST,
        second=b.OLD_SECOND,
        report=b.OLD_REPORT,
        publisher=b.OLD_PUBLISHER,
    ).replace(" • -  •", " •")
    with writing(services.engine) as session:
        issue, _ = _store(session, old.encode())
        assert issue.date.isoformat() == "2026-11-16"
        written = issues.editorial(issue, "my")
        assert written is not None
        assert (written.title, written.body) == (b.TITLE, f"{b.FIRST}\n\n{b.SECOND}")
        (resource,) = issue.resources
        assert (resource.titles["my"], resource.byline) == (b.REPORT, b.PUBLISHER)
        assert _rows(session)["editorial my body"].original == f"{b.OLD_FIRST}\n\n{b.OLD_SECOND}"


def test_a_post_pasted_from_word_is_read_line_by_line(services: Services) -> None:
    post = (
        "\u202aA school\u202c\r\rNovember 16th, 2026 \u2022 Author: A \u2022 4 minute read\r\r"
        "The\u00a0first para\u00adgraph.\u2029The second \u202etxet one.\u2028The third.\r\r"
        "\uf0b7\tA bullet of Word\r\rResources from the past week\r\rWater\rBy River Watch\r"
    )
    with writing(services.engine) as session:
        issue, notes = _store(session, post.encode())
        found = issues.describe(issue, services.settings.languages)["editions"]["en"]
        assert found["title"] == "A school"
        assert found["paragraphs"] == [
            "The first paragraph.",
            "The second txet one.",
            "The third.",
            "• A bullet of Word",
        ]
        assert any("turn the direction of writing" in note for note in notes)


def test_words_own_html_is_read_as_a_post(services: Services) -> None:
    lines = ("A school", "November 16th, 2026 • Author: A • 4 minute read", "The text &amp; more.")
    page = "".join(f"<p class=MsoNormal>{line}<o:p></o:p></p>" for line in lines)
    with writing(services.engine) as session:
        issue, _ = _store(session, f"<!--[if gte mso 9]><xml/><![endif]-->{page}".encode())
        found = issues.describe(issue, services.settings.languages)["editions"]["en"]
        assert (found["title"], found["paragraphs"]) == ("A school", ["The text & more."])


def test_what_is_hostile_in_any_field_is_shown_as_text(services: Services) -> None:
    with writing(services.engine) as session:
        quoted = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
        facts = (
            f'authors = ["{quoted}"]\npull_quote = "{quoted}"\nabout = "{quoted}"\n'
            f'footnotes = [{{mark = "1", text = "{quoted}"}}]\n'
            f'[[resources]]\nbyline = "{quoted}"\ntitle.en = "{quoted}"\n'
            'category = "reports"\nlink.en = "https://example.org/a"\n'
        )
        issue, notes = _store(session, _file(title=HOSTILE, body=f"{HOSTILE}[^1]", facts=facts))
        for key in ("names.en", "about.en", "postal_addresses.en", "categories.reports.en"):
            publications.set_value(session, issue.publication, key, HOSTILE, now=NOW)
        publications.set_value(session, issue.publication, "subject_prefixes.en", HOSTILE, now=NOW)
        rendered = _rendered(services, issue)
        for bad in ("<script", "<img", "<mj-raw", "\u202e", "<!-- c -->", "49"):
            assert bad not in rendered.html.replace("#495057", "")
        assert rendered.html.count("&lt;script&gt;") >= 9
        assert rendered.text.count(SHOWN) >= 9
        assert sum("turn the direction" in note for note in notes) == 8
        written = exporting.issue_file(issue)
        assert "\u202e" not in written


def test_a_title_of_400_characters_and_sixty_resources_go_out_whole(services: Services) -> None:
    title = ("A very long title about the river " * 12).strip()[:400].strip()
    my_title = " ".join([b.REPORT] * 11)[:400].strip()
    facts = "".join(
        f'[[resources]]\nbyline = "Watch {n}"\ntitle.en = "Report number {n} of the river"\n'
        f'link.en = "https://example.org/{n}"\n'
        for n in range(60)
    )
    with writing(services.engine) as session:
        data = _file(title=title, my_title=my_title, my_body=b.FIRST, facts=facts)
        issue, _ = _store(session, data)
        assert len(issue.resources) == 60
        press.proof(services, session, issue)
        for edition in ("en", "my", "en+my"):
            rendered = _rendered(services, issue, edition)
            assert all(f"https://example.org/{n}\n" in f"{rendered.text}\n" for n in range(60))
        message = _message(services, session, issue)
        assert str(message["Subject"]).startswith(title[:60])
        assert max(map(len, message.as_bytes().splitlines())) <= 998


def _message(services: Services, session: Session, issue: Issue) -> EmailMessage:
    letter = editions.letter(
        issue,
        "en",
        public_url="http://127.0.0.1:8080",
        media_path=services.settings.media_path,
        languages=services.settings.languages,
    )
    data = sample_message(services, letter, issue.publication_id)
    return message_from_bytes(data, _class=EmailMessage, policy=policy.default)


def test_an_editorial_of_5000_words_is_kept_and_shown_whole(services: Services) -> None:
    english = "\n\n".join(" ".join(["word"] * 99 + [f"end{n}"]) for n in range(50))
    sentences = [b.FIRST, b.SECOND, b.QUOTE]
    burmese = "\n\n".join(" ".join(sentences) + f" {n}" for n in range(250))
    with writing(services.engine) as session:
        began = time.process_time()
        issue, _ = _store(session, _file(body=english, my_title=b.TITLE, my_body=burmese))
        rendered = _rendered(services, issue, "en+my")
        assert time.process_time() - began < 20
        assert "end49" in rendered.html
        assert rendered.text.count(b.QUOTE) == 250
        assert _rows(session) == {}


@pytest.mark.parametrize(
    "body",
    [
        "> " * 3000 + "deep",
        "\n".join("  " * n + "- deep" for n in range(400)),
        "1. " * 2000 + "deep",
        "[" * 5000 + "deep" + "](x)" * 5000,
        "*" * 9000 + "deep" + "*" * 9000,
        "![" * 3000 + "deep",
        "<div>" * 5000 + "deep",
        "`" * 5001 + "deep",
        "\n".join(">" * n + " deep" for n in range(200)),
    ],
    ids=["quotes", "lists", "numbers", "links", "stars", "images", "html", "ticks", "staircase"],
)
def test_deep_nesting_is_bounded_and_ends(services: Services, body: str) -> None:
    with writing(services.engine) as session:
        began = time.process_time()
        issue, _ = _store(session, _file(body=body))
        rendered = _rendered(services, issue)
        assert time.process_time() - began < 20
        depth = deepest = 0
        for sign in re.findall(r"<(/?)(?:blockquote|ul|ol)\b", rendered.html):
            depth += -1 if sign else 1
            deepest = max(deepest, depth)
        assert deepest <= 60


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ('[[resources]]\nbyline = "\\u202e\\u0007"\ntitle.en = "T"\n', "byline: say who"),
        ('[[resources]]\nbyline = "A"\ntitle.en = "\\u202e"\n', "give a title"),
        (
            '[[resources]]\nbyline = "A"\ntitle.en = "T"\nlink.en = "https://a.example/\\u202egpj"\n',
            "is no web address",
        ),
    ],
)
def test_what_is_nothing_once_it_is_clean_is_refused(
    services: Services, facts: str, said: str
) -> None:
    with pytest.raises(InputError, match=said), writing(services.engine) as session:
        _store(session, _file(facts=facts))
    with writing(services.engine) as session:
        assert conversions.State.ASKED not in {r.state for r in _rows(session).values()}


def test_control_characters_never_reach_the_database_or_the_mail(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        facts = '[[resources]]\nbyline = "A\\u0000B"\ntitle.en = "T\\u0007U\\u001b[31m"\n'
        issue, notes = _store(session, _file(title="A\\school", facts=facts))
        (resource,) = issue.resources
        assert (resource.byline, resource.titles["en"]) == ("AB", "TU[31m")
        assert any("U+0000" in note for note in notes)
        assert _rows(session)["resource byline"].original == "A␀B"
