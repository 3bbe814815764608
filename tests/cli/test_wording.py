"""A wrong word on the command line is answered with what is wanted, in the editor's language."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.sample import files


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("show x", "'N': it must be a whole number, such as 3\n"),
        ("show 0", "'N': it must be greater than or equal to 1\n"),
        ("settle 1 1 --as maybe", "'--as': 'maybe' is not one of 'submitted', 'again'\n"),
        ("publication set slot.time 25:99", "such as 09:30, not '25:99'"),
        ("publication set slot.weekday 9", "1 is Monday … 7 is Sunday, not '9'"),
    ],
)
def test_wrong_word(newsletter: Command, line: str, said: str) -> None:
    newsletter.ok("init", "--yes")
    err = newsletter.refused(*line.split())
    assert said in err
    assert not any(word in err.lower() for word in ("parse", "pattern", "value error", "input"))


def test_file_of_a_publication_that_is_none(newsletter: Command, tmp_path: Path) -> None:
    newsletter.ok("init", "--yes")
    file = tmp_path / "weekly.toml"
    file.write_text("")
    said = newsletter.refused("publication", "apply", file)
    assert f"{file}: slug: it is missing" in said
    assert "'newsletter publication show'" in said
    file.write_bytes(b"\xff\x00\xfe")
    said = newsletter.refused("publication", "apply", file)
    assert said.startswith(f"error: {file}: this is no text")


def test_file_is_named_as_it_was_typed(newsletter: Command, tmp_path: Path) -> None:
    newsletter.ok("init", "--yes")
    image = tmp_path / "featured.png"
    image.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00")
    said = newsletter.refused("import", image)
    assert said.startswith(f"error: {image}: this is an image")
    assert 'image = "featured.png"' in said
    assert "plain text" not in said
    image.write_bytes(b"A title\n\nand a l\xe9tter\n")
    assert newsletter.refused("import", image).startswith(f"error: {image}:3: the byte E9")
    said = newsletter.refused("import", tmp_path / "absent.txt")
    assert f"{tmp_path / 'absent.txt'}: there is no such file; mend the path" in said


def test_proof_without_a_sender_names_the_command(newsletter: Command, tmp_path: Path) -> None:
    newsletter.ok("init", "--yes")
    newsletter.ok("import", files(tmp_path)[0])
    ran = newsletter("send", 1, "--test", "--to", "me@example.org")
    assert ran.code == 2
    assert "no sender address; run 'newsletter publication set sender.address" in ran.err
