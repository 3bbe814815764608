"""What editors see of texts in an old encoding, and how they answer."""

from __future__ import annotations

from pathlib import Path

from tests.cli.command import Command
from tests.editorial import burmese as b

_FILE = f"""+++
date = 2026-11-16
[editions.en]
title = "The School That Crossed the River"
[editions.my]
title = "{b.OLD_TITLE}"
[[resources]]
byline = "River Watch"
title.en = "Water"
title.my = "{b.OLD_REPORT}"
+++ en
Each move can cost a child a year.
+++ my
{b.OLD_FIRST}

%s
"""


def _ready(newsletter: Command, tmp_path: Path, second: str) -> Path:
    newsletter.ok("init", "--yes", "--sender", "desk@example.org")
    newsletter.ok("publication", "set", "postal_addresses.en", "1 Sample Street")
    file = tmp_path / "issue.md"
    file.write_text(_FILE % second, encoding="utf-8")
    return file


def test_a_file_in_zawgyi_is_converted_shown_and_can_be_put_back(
    newsletter: Command, tmp_path: Path
) -> None:
    file = _ready(newsletter, tmp_path, b.OLD_SECOND)
    said = newsletter.ok("import", file).out
    assert "editorial my body: converted from the old Zawgyi encoding" in said
    assert "newsletter burmese 1" in said
    shown = newsletter.ok("show", 1, "--json").json
    assert shown["editions"]["my"]["paragraphs"] == [b.FIRST, b.SECOND]
    assert shown["resources"][0]["titles"]["my"] == b.REPORT
    listed = newsletter.ok("burmese", 1).out
    assert f"original  {b.OLD_TITLE}" in listed
    assert f"proposed  {b.TITLE}" in listed
    assert "Nothing is asked" in listed
    texts = newsletter.ok("burmese", 1, "--json").json["texts"]
    assert [one["state"] for one in texts] == ["converted"] * 3
    (title,) = [one["id"] for one in texts if one["place"] == "editorial my title"]
    newsletter.ok("approve", 1)
    assert "Issue 1 is a draft" in newsletter.ok("burmese", 1, "--keep", title).out
    shown = newsletter.ok("show", 1, "--json").json
    assert shown["editions"]["my"]["title"] == b.OLD_TITLE
    assert "was imported before" in newsletter.ok("import", file).out
    assert len(newsletter.ok("burmese", 1, "--json").json["texts"]) == 3


def test_a_mixed_file_is_asked_and_not_approved_before_the_answer(
    newsletter: Command, tmp_path: Path
) -> None:
    file = _ready(newsletter, tmp_path, b.SECOND)
    said = newsletter.ok("import", file).out
    assert "nothing is approved before" in said
    shown = newsletter.ok("show", 1, "--json").json
    assert shown["editions"]["my"]["title"] == b.OLD_TITLE, "converted in a mixed file"
    refused = newsletter("approve", 1)
    assert refused.code != 0
    assert "nobody has said which text is right" in refused.err
    assert "newsletter burmese 1" in newsletter("check", 1).out
    answered = newsletter.ok("burmese", 1, "--accept", "all").out
    assert "Nothing is asked" in answered
    newsletter.ok("approve", 1)
    shown = newsletter.ok("show", 1, "--json").json
    assert shown["editions"]["my"]["paragraphs"] == [b.FIRST, b.SECOND]
    assert "Nothing changed" in newsletter.ok("burmese", 1, "--accept", "1").out
    newsletter.ok("import", file, "--issue", 1)
    shown = newsletter.ok("show", 1, "--json").json
    assert shown["editions"]["my"]["title"] == b.TITLE, "answered before, asked again"
    newsletter.ok("approve", 1)


def test_inbox_and_settings_have_their_own_list(newsletter: Command, tmp_path: Path) -> None:
    _ready(newsletter, tmp_path, b.SECOND)
    made = newsletter.ok(
        *("resources", "add", "--title", "Water", "--title-in", f"my={b.OLD_REPORT}"),
        *("--by", "River Watch", "--json"),
    ).json
    assert made["titles"]["my"] == b.REPORT
    assert "converted from the old Zawgyi encoding" in made["notes"][0]
    said = newsletter.ok("resources", "edit", 1, "--title-in", f"my={b.OLD_SHORT}").out
    assert "question 2" in said
    said = newsletter.ok("publication", "set", "names.my", b.OLD_TITLE).out
    assert "converted from the old Zawgyi encoding" in said
    listed = newsletter.ok("burmese", "--json").json["texts"]
    states = {one["place"]: one["state"] for one in listed}
    assert states == {"resource 1 title my": "asked", "publication names my": "converted"}
    assert newsletter.ok("burmese", "--keep", "2").out.startswith("Answered: 2.")


def test_a_question_is_moot_once_the_proposed_text_was_written(
    newsletter: Command, tmp_path: Path
) -> None:
    _ready(newsletter, tmp_path, b.SECOND)
    newsletter.ok("publication", "set", "names.my", b.OLD_SHORT)
    (asked,) = newsletter.ok("burmese", "--json").json["texts"]
    newsletter.ok("publication", "set", "names.my", asked["proposed"])
    (moot,) = newsletter.ok("burmese", "--json").json["texts"]
    assert (asked["state"], moot["state"], moot["open"]) == ("asked", "replaced", False)
    assert "which is right?" not in newsletter.ok("burmese").out


def test_wrong_answers_are_sentences(newsletter: Command, tmp_path: Path) -> None:
    newsletter.ok("import", _ready(newsletter, tmp_path, b.SECOND))
    assert "'x' is no id" in newsletter.refused("burmese", 1, "--accept", "x")
    assert "there is no 99 here" in newsletter("burmese", 1, "--accept", 99).err
    both = newsletter.refused("burmese", 1, "--accept", 1, "--keep", 1)
    assert "cannot be accepted and kept at once" in both
    assert "Nothing in the settings" in newsletter.ok("burmese").out
