"""The issue file says what is wrong and where, and its texts come back as they were."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.core.errors import InputError
from newsletter.core.resources import shipped
from newsletter.editorial.issue_file import escape_dividers, looks_like_one, parse

SAMPLE = (shipped("config") / "samples" / "issue.md").read_text(encoding="utf-8")
SMALL = """+++
date = 2026-11-16

[editions.en]
title = "One"

[[resources]]
byline = "A"
title.en = "First"

[[resources]]
byline = "B"
title.en = "Second"
link.en = "https://example.org/b"
+++ en
Text.
"""


def test_the_sample_is_a_whole_issue_in_both_languages() -> None:
    found = parse(SAMPLE, "issue.md")
    assert looks_like_one(SAMPLE)
    assert list(found.editions) == ["en", "my"]
    assert [len(e.body.split("\n\n")) for e in found.editions.values()] == [7, 7]
    for edition in found.editions.values():
        assert edition.pull_quote.split(" ")[-1].strip("။.") in edition.body
        assert all(f"[^{note.mark}]" in edition.body for note in edition.footnotes)
    assert len(found.resources) == 9
    assert sum("my" in resource.title for resource in found.resources) == 8
    assert set(found.image_alternatives) == {"en", "my"}


def test_resources_know_their_lines() -> None:
    assert [resource.lines for resource in parse(SMALL, "i.md").resources] == [[7], [11]]


@pytest.mark.parametrize(
    ("old", "new", "where", "reason"),
    [
        ("date = 2026-11-16", "date = 2026-13-16", "i.md:2", "not valid TOML"),
        ("date = 2026-11-16", "", "i.md", "date: field required"),
        ('title = "One"', 'titel = "One"', "i.md:", "titel: there is no such entry"),
        ('title = "One"', 'title = "One"\nmood = "x"', "i.md:6", "no such entry"),
        ('title.en = "Second"', 'title.en = " "', "i.md:13", "must not be empty"),
        ("https://example.org/b", "javascript:alert(1)", "i.md:14", "http:// or https://"),
        ("https://example.org/b", "https://a b", "i.md:14", "http:// or https://"),
        ("date =", 'image = "../keys.json"\ndate =', "i.md:2", "without '..'"),
        ("date =", 'image = "/etc/passwd"\ndate =', "i.md:2", "without '..'"),
        ("+++ en", "+++ my", "i.md:15", "no [editions.my]"),
        ("+++ en", "+++", "i.md:15", "which language"),
        ("Text.", "Text.\n+++ en\nMore.", "i.md:17", "stood in line 15"),
        ("+++ en\nText.\n", "", "i.md:1", "missing below"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, where: str, reason: str) -> None:
    assert old in SMALL
    with pytest.raises(InputError) as caught:
        parse(SMALL.replace(old, new, 1), "i.md")
    assert caught.value.field.startswith(where)
    assert reason in caught.value.message


def test_every_faulty_resource_is_named_with_its_own_line() -> None:
    written = """+++
date = 2026-11-16
[[resources]]
byline = "A"
title.en = "First"

[[resources]]
title = { en = "Second" }
link.en = "ftp://example.org"

[[resources]]
[resources.title]
my = "တတိယ"

[[resources]]
byline = "D"
title.my = " "
[editions."en"]
title = "One"
[[editions.en.footnotes]]
mark = "1"
text = "Note"
[[editions.en.footnotes]]
mark = "2"
+++
"""
    with pytest.raises(InputError) as caught:
        parse(written, "e.md")
    assert str(caught.value) == (
        "e.md:7: resource 2 “Second” has no byline"
        "; line 9: resource 2 “Second”: link.en: a link must begin with http:// or https://"
        "; line 11: resource 3 “တတိယ” has no byline"
        "; line 17: resource 4: title.my: it must not be empty"
        "; line 23: editions.en.footnotes.2.text: field required"
    )


def test_a_language_with_its_region_is_written_in_any_case() -> None:
    written = SMALL.replace("[editions.en]", "[editions.pt-BR]").replace("+++ en", "+++ pt-br")
    found = parse(written.replace("title.en", "title.pt-br"), "i.md")
    assert found.editions["pt-BR"].body == "Text."
    assert found.resources[0].title == {"pt-BR": "First"}
    with pytest.raises(InputError, match=r"i\.md:4: .*'klingon' is no code of a language"):
        parse(SMALL.replace("[editions.en]", "[editions.klingon]"), "i.md")


@given(st.lists(st.sampled_from(["+++", "+++ en", "\\+++", "\\\\+++ my", "a", "", " +++"])))
def test_no_line_of_a_text_is_taken_for_a_divider(lines: list[str]) -> None:
    body = "\n".join(lines).strip("\n")
    written = SMALL.replace("Text.", escape_dividers(body))
    assert parse(written, "i.md").editions["en"].body == body


@given(st.text(alphabet='+\n"[]=.\\ enmyစာ#1', max_size=120))
def test_no_text_breaks_the_reader(text: str) -> None:
    field = "i.md"
    try:
        parse(f"+++\n{text}", "i.md")
    except InputError as err:
        field = err.field
    assert re.fullmatch(r"i\.md(:[1-9][0-9]*)?", field)
    assert int(field.partition(":")[2] or 1) <= text.count("\n") + 2
