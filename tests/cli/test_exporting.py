"""Issues out to a file for a colleague's editor, and back in."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.cli.command import Command
from tests.cli.sample import BURMESE, approved


def test_a_draft_without_texts_is_a_form_to_be_filled_in(
    newsletter: Command, tmp_path: Path
) -> None:
    newsletter.ok("init", "--yes")
    newsletter.ok("resources", "add", "--title", "A well", "--by", "River Watch")
    newsletter.ok("assemble")
    form = tmp_path / "form.md"
    newsletter.ok("export", "issue", 1, "--out", form)
    text = form.read_text(encoding="utf-8")
    assert "[editions.my]" in text
    assert text.endswith("+++ en\n\n+++ my\n")
    assert "not written yet" in newsletter.refused("import", form, "--issue", 1)
    filled = text.replace('title = ""', 'title = "Wells"', 1).replace(
        "+++ en\n", "+++ en\nWater.\n"
    )
    form.write_text(filled, encoding="utf-8")
    assert "'my' is not written yet" in newsletter.ok("import", form, "--issue", 1).out
    shown = newsletter.ok("show", 1, "--json").json
    assert list(shown["editions"]) == ["en"]
    assert shown["editions"]["en"]["paragraphs"] == ["Water."]
    form.write_text(filled.replace('title = "Wells"', 'title = ""'), encoding="utf-8")
    assert "editions.en.title must not be empty" in newsletter.refused("import", form, "--issue", 1)


def test_export_writes_over_nothing_and_brings_the_image(
    newsletter: Command, tmp_path: Path
) -> None:
    approved(newsletter, tmp_path)
    Image.new("RGB", (600, 300), "navy").save(tmp_path / "photo.png")
    with_image = tmp_path / "image.md"
    facts = 'date = 2023-11-20\nimage = "photo.png"\nimage_alternatives.en = "Blue."\n'
    facts += 'image_alternatives.my = "အပြာ။"\n'
    with_image.write_text(BURMESE.replace("date = 2023-11-20\n", facts), encoding="utf-8")
    newsletter.ok("import", with_image, "--issue", 1)
    out = tmp_path / "new" / "issue.md"
    assert "Making the directory" in newsletter.ok("export", "issue", 1, "--out", out).out
    assert len(list(out.parent.iterdir())) == 2
    newsletter.ok("export", "issue", 1, "--out", out)
    out.write_text("a colleague's work")
    assert "--force" in newsletter.refused("export", "issue", 1, "--out", out)
    assert out.read_text() == "a colleague's work"
    newsletter.ok("export", "issue", 1, "--out", out, "--force")
    newsletter.ok("import", out, "--issue", 1)


def test_plain_paragraphs_are_told_the_form(newsletter: Command, tmp_path: Path) -> None:
    approved(newsletter, tmp_path)
    plain = tmp_path / "ed.md"
    plain.write_text("# Wells\n\nOne paragraph.\n\nAnother one.\n")
    said = newsletter.refused("import", plain, "--issue", 1, "--language", "my")
    assert "docs/issue-file.md" in said
    assert '+++\ndate = 2026-11-16\neditions.my.title = "…"\n+++ my\n' in said
