"""A published weekly post is read whole: nothing is lost, nothing stands under a wrong heading."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.core.errors import InputError
from newsletter.core.resources import shipped
from newsletter.editorial import post_lines
from newsletter.editorial.tongues import Tongues
from newsletter.editorial.weekly_post import Post, parse

SAMPLE = (shipped("config") / "samples" / "weekly-post.txt").read_text(encoding="utf-8")
HEADINGS = ("Statements and Press Releases", "Reports", "News", "အစီရင်ခံစာများ")


def post_of(resources: str, *, top: str = "", headings: tuple[str, ...] = HEADINGS) -> Post:
    """A small post with this list of resources."""
    head = top or "A Title\n\nNovember 20th, 2023 • Author: The Editors • 7 minute read\n\nA text."
    return parse(f"{head}\n\nResources from the past week\n\n\n{resources}", "p", headings=headings)


def placed(post: Post) -> list[tuple[str | None, str]]:
    """Heading and first title of each resource."""
    return [(r.heading, next(iter(r.titles.values()))) for r in post.resources]


def said(post: Post, line: int) -> list[str]:
    """The kinds of notice given for a line."""
    return [notice.kind for notice in post.notices if notice.line == line]


def line_of(text: str, part: str) -> int:
    """The number of the line that holds this."""
    return next(n for n, line in enumerate(text.split("\n"), 1) if part in line)


def test_every_part_of_the_sample_is_found() -> None:
    post = parse(SAMPLE, "weekly-post.txt", headings=HEADINGS)
    assert (post.title, post.day) == ("Water That Belongs to Everyone", date(2026, 11, 9))
    assert (post.authors, post.reading_minutes) == (("Hill and Valley Weekly",), 4)
    assert post.image_expected
    assert post.pull_quote == "A well that one hand can lock is a well that nobody can trust."
    assert len(post.paragraphs) == 9
    assert post.paragraphs[0].startswith("In the dry months")
    assert list(post.footnotes) == ["1", "2"]
    assert len(post.resources) == 9
    assert post.about.startswith("Hill and Valley Weekly is an invented")
    assert post.about.endswith("How this sample was made.”")


def test_after_a_lost_heading_nothing_stands_under_the_old_one() -> None:
    post = parse(SAMPLE, "weekly-post.txt", headings=HEADINGS)
    headings = [resource.heading for resource in post.resources]
    assert headings == ["Statements and Press Releases"] * 4 + [None] * 5
    for resource in post.resources[4:]:
        assert "no_category" in said(post, resource.lines[0])
    assert said(post, line_of(SAMPLE, "[2] Names")) == ["footnote"]


def test_a_burmese_title_with_the_same_byline_is_a_translation() -> None:
    post = parse(SAMPLE, "weekly-post.txt", headings=HEADINGS)
    first = post.resources[0]
    assert set(first.titles) == {"en", "my"}
    assert first.lines == (36, 38, 40, 42)
    other = post_of("Reports\n\nOn water\n\nBy A\n\nရေအကြောင်း\n\nBy B\n\nရေအကြောင်း\n\nBy B")
    assert [set(r.titles) for r in other.resources] == [{"en"}, {"my"}, {"my"}]


def test_a_near_duplicate_is_kept_and_both_lines_are_named() -> None:
    post = parse(SAMPLE, "weekly-post.txt", headings=HEADINGS)
    assert [r.near_duplicate_of for r in post.resources].count(None) == 8
    assert post.resources[4].near_duplicate_of == 2
    notice = next(n for n in post.notices if n.kind == "near_duplicate")
    first, second = (line_of(SAMPLE, part) for part in ("and its consequ", "and their consequ"))
    assert notice.line == second
    assert f"in line {first} and in line {second};" in notice.text


@pytest.mark.parametrize(
    ("line", "day", "authors", "minutes"),
    [
        ("20 November 2023 | Author: A, B and C", date(2023, 11, 20), ("A", "B", "C"), None),
        ("2023-11-20 · Authors: A and B", date(2023, 11, 20), ("A", "B"), None),
        ("Nov. 1st, 2023 • 12 min read", date(2023, 11, 1), (), 12),
        (
            "Monday, 20th of November 2023 • Author: Law and Justice Circle",
            date(2023, 11, 20),
            ("Law and Justice Circle",),
            None,
        ),
        (
            "၂၀၂၃ ခုနှစ်၊ နိုဝင်ဘာလ ၂၀ ရက် • ရေးသားသူ: အယ်ဒီတာအဖွဲ့ • ဖတ်ရှုချိန် ၇ မိနစ်",
            date(2023, 11, 20),
            ("အယ်ဒီတာအဖွဲ့",),
            7,
        ),
        ("20 November 2023\nAuthor: A\n3 minute read", date(2023, 11, 20), ("A",), 3),
    ],
)
def test_the_date_line_is_read_in_its_usual_forms(
    line: str, day: date, authors: tuple[str, ...], minutes: int | None
) -> None:
    post = parse(f"Title\n\n{line}\n\nFirst paragraph.\n\nSecond one.", "p")
    assert (post.day, post.authors, post.reading_minutes) == (day, authors, minutes)
    assert post.paragraphs == ["First paragraph.", "Second one."]


def test_a_part_of_the_date_line_that_is_unknown_is_reported() -> None:
    post = parse("Title\n\nNovember 31st, 2023 • Author: A • 5 minute read\n\nText.", "p")
    assert post.day is None
    assert len(said(post, 3)) == 2
    assert "November 31st, 2023" in post.notices[0].text


def test_headings_are_told_from_titles() -> None:
    post = post_of(
        "Reports\n\nReports\n\nBy A\n\nAn Annual Report\n\nBy B\n\n\n\nNews\n\nRoad closed\n\nBy C"
        "\n\n\n\nPhoto Essays\n\nHills\n\nBy D\n\nအစီရင်ခံစာများ\n\nရေ\n\nBy E"
    )
    assert placed(post) == [
        ("Reports", "Reports"),
        ("Reports", "An Annual Report"),
        ("News", "Road closed"),
        ("Photo Essays", "Hills"),
        ("အစီရင်ခံစာများ", "ရေ"),
    ]


def test_what_comes_before_any_heading_has_no_category() -> None:
    post = post_of("A first item\n\nBy A\n\n\n\nNews\n\nA second item\n\nBy B")
    assert placed(post) == [(None, "A first item"), ("News", "A second item")]
    assert said(post, 10) == ["no_category"]


def test_a_gap_before_a_stray_title_ends_the_heading_too() -> None:
    stray = "A long title that lost its byline, as happens when copying from a page"
    post = post_of(f"News\n\nOne\n\nBy A\n\n\n\n{stray}\n\nTwo\n\nBy B")
    assert placed(post) == [("News", "One"), (None, "Two")]
    assert any(stray in notice.text for notice in post.notices)


def test_a_title_or_a_byline_alone_is_reported_and_not_taken() -> None:
    post = post_of(
        "News\n\nOne\n\nBy A\n\nBy B\n\na title, alone\n\nTwo\n\nBy C\n\nthe last, alone"
    )
    assert [title for _, title in placed(post)] == ["One", "Two"]
    reported = " ".join(notice.text for notice in post.notices)
    assert "“By B”" in reported
    assert "“a title, alone”" in reported
    assert "“the last, alone”" in reported


def test_a_broken_title_and_a_title_beginning_with_by_are_taken_and_said() -> None:
    long = "A title so long that the page broke it somewhere\nin the middle of a line"
    post = post_of(f"News\n\n{long}\n\nBy A\n\nBy Boat to School\n\nBy B\n\nHills\n\nBy C")
    assert [r.byline for r in post.resources] == ["A", "B", "C"]
    assert placed(post)[0][1] == long.replace("\n", " ")
    assert placed(post)[1][1] == "By Boat to School"
    assert len(post.notices) == 2


def test_two_titles_over_one_byline_are_one_resource() -> None:
    post = post_of("News\n\nOne\n\nBy A\n\nClean water, shared wells\n\nသန့်ရှင်းသောရေ\n\nBy B")
    assert post.resources[1].titles == {"en": "Clean water, shared wells", "my": "သန့်ရှင်းသောရေ"}
    assert len(post.notices) == 1


def test_a_post_in_burmese_is_read_too() -> None:
    post = parse(
        "သန့်ရှင်းသောရေ\n\n၂၀၂၃ ခုနှစ်၊ နိုဝင်ဘာလ ၂၀ ရက် • ရေးသားသူ: အယ်ဒီတာအဖွဲ့\n\nရေသည် အသက် ဖြစ်သည်။[၁]"
        "\n\n[၁] မှတ်ချက်။\n\nပြီးခဲ့သည့်အပတ်အတွင်း ထွက်ရှိခဲ့သော အရင်းအမြစ်များ\n\n\nအစီရင်ခံစာများ\n\n"
        "ရေတွင်းများ\n\nA Network မှ\n\nစမ်းရေများ\n\nကျေးရွာအဖွဲ့မှ",
        "p",
        headings=HEADINGS,
    )
    assert (post.language, post.day) == ("my", date(2023, 11, 20))
    assert (post.footnotes, post.notices) == ({"1": "မှတ်ချက်။"}, [])
    assert placed(post) == [("အစီရင်ခံစာများ", "ရေတွင်းများ"), ("အစီရင်ခံစာများ", "စမ်းရေများ")]
    assert [r.byline for r in post.resources] == ["A Network", "ကျေးရွာအဖွဲ့"]


def test_items_without_blank_lines_between_title_and_byline() -> None:
    post = post_of("Reports\nFirst paper\nBy A\n\nSecond paper\nBy B\n\n\n\nThird paper\nBy C")
    assert placed(post) == [
        ("Reports", "First paper"),
        ("Reports", "Second paper"),
        (None, "Third paper"),
    ]


def test_a_post_without_resources_or_without_text_is_taken_and_said() -> None:
    bare = parse("Title\n\nNovember 20th, 2023 • Author: A\n\nText.", "p")
    assert bare.resources == []
    assert "no resources" in bare.notices[-1].text
    listed = post_of("News\n\nOne\n\nBy A", top="Title\n\n2023-11-20 • Author: A")
    assert listed.paragraphs == []
    assert "no text" in listed.notices[0].text


def test_quotes_that_are_no_pull_quote_stay_paragraphs() -> None:
    head = "T\n\n2023-11-20 • Author: A\n\n"
    dialogue = "“We wait,” she said. “We always wait.”"
    assert parse(f"{head}{dialogue}\n\nThen.", "p").paragraphs == [dialogue, "Then."]
    repeated = parse(f"{head}Water is a right.\n\nWe say: Water is a right. So it is.", "p")
    assert repeated.pull_quote == "Water is a right."
    assert len(repeated.paragraphs) == 1


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ("Dear all,\n\nthe meeting is on Monday.\n", "p", "no weekly post"),
        (" \n\n", "p", "empty"),
        (f"{SAMPLE}\n\n{SAMPLE}", "p:", "line 31 and again in line 110"),
        ("November 20th, 2023 • Author: A\n\nText.", "p:1", "title is missing"),
        ("T\n\n2023-11-20 • Author: A", "p", "no text and no resources"),
        ("T\n\n2023-11-20 • Author: A\n\nText.\n\nX\n\nBy A\n\nY\n\nBy B", "p:9", "lines 9, 13"),
        ("A\n\n2023-1-2 • Author: A\n\nT.\n\nB\n\n2023-1-9 • Author: A\n\nT.", "p:9", "line 3"),
    ],
)
def test_what_is_no_post_is_refused_with_the_reason(text: str, where: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, "p")
    assert caught.value.field.startswith(where)
    assert reason in caught.value.message


LINES = SAMPLE.split("\n")
_JUNK = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "By",
            "By Nobody",
            "By By",
            "Reports",
            "Other Things",
            "Featured image: a hill",
            "[1] again",
            "[7] seven",
            "a line [3] and [9]",
            "သတင်းများ",
            "•",
            "2023-11-20",
            "Resources from the last week",
            "“quoted”",
        ]
    ),
)
_EDITS = st.lists(
    st.tuples(
        st.sampled_from(["delete", "insert", "double", "swap", "join", "cut"]),
        st.integers(0, len(LINES)),
        _JUNK,
    ),
    max_size=12,
)


def _mutated(edits: list[tuple[str, int, str]]) -> str:
    lines = list(LINES)
    for kind, place, junk in edits:
        at = place % max(1, len(lines))
        if kind == "insert":
            lines.insert(at, junk)
        elif kind == "double":
            lines[at:at] = lines[at : at + 1]
        elif kind == "swap":
            lines[at : at + 3] = reversed(lines[at : at + 3])
        elif kind == "cut":
            lines[at : at + 1] = [line[: len(junk)] for line in lines[at : at + 1]]
        else:
            lines[at : at + (2 if kind == "join" else 1)] = []
    return "\n".join(lines)


def _is_structure(text: str) -> bool:
    return bool(
        post_lines.dateline(text).known
        or post_lines.opens_resources(text)
        or post_lines.featured_image(text) == ""
    )


def _lost(text: str, post: Post) -> list[str]:
    """Lines that are in no field and in no notice."""
    kept = [post.title, post.pull_quote, post.about, *post.paragraphs, *post.footnotes.values()]
    for resource in post.resources:
        kept += [resource.heading or "", resource.byline, *resource.titles.values()]
    pool = "\n".join([*kept, *(notice.text for notice in post.notices)])
    lost = []
    for line in post_lines.lines_of(text):
        note, quote = post_lines.footnote(line.text), post_lines.unquoted(line.text)
        forms = [line.text, post_lines.byline(line.text), note[1] if note else None, quote]
        if not _is_structure(line.text) and not any(f and f in pool for f in forms):
            lost.append(f"{line.number}: {line.text}")
    return lost


@given(_EDITS)
@example([("delete", line_of(SAMPLE, "Resources from") - 1, "")])
@example([("insert", 33, "Reports")])
def test_whatever_is_done_to_a_post_no_line_is_lost(edits: list[tuple[str, int, str]]) -> None:
    text = _mutated(edits)
    try:
        post = parse(text, "p", headings=HEADINGS)
    except InputError:
        return
    assert _lost(text, post) == []
    for resource in post.resources:
        assert resource.heading is not None or "no_category" in said(post, resource.lines[0])


@pytest.mark.parametrize(
    ("text", "likely", "language"),
    [
        ("Rivers and roads", None, "en"),
        ("Rios e estradas", "pt-BR", "pt-BR"),
        ("မြစ်များ", "en", "shn"),
        ("မြစ်များ ABC", None, "shn"),
        ("แม่น้ำและถนน", "en", "th"),
        ("河流与道路", None, "zh-Hans"),
        ("Реки", "en", None),
        ("2026", "pt-BR", "pt-BR"),
        ("—", None, "en"),
    ],
)
def test_a_language_is_known_by_its_script(
    text: str, likely: str | None, language: str | None
) -> None:
    scripts = {"en": "Latn", "pt-BR": "Latn", "shn": "Mymr", "my": "Mymr", "th": "Thai"}
    assert Tongues({**scripts, "zh-Hans": "Hans"}).of(text, likely) == language
