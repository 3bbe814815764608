"""The right deed at the wrong moment: what was asked, why not now, and what to do instead."""

from __future__ import annotations

from pathlib import Path

from tests.cli.command import Command
from tests.cli.sample import approved


def test_a_cancelled_issue_says_what_to_do_instead(newsletter: Command, tmp_path: Path) -> None:
    approved(newsletter, tmp_path)
    newsletter.ok("cancel", 1)
    assert "issue 1 is cancelled already" in newsletter.ok("cancel", 1).out.lower()
    for deed in ("approve", "pause"):
        said = newsletter.refused(deed, 1)
        assert f"cannot be {deed}d: it was cancelled; import or assemble a new one" in said
    assert "cannot be resumed: it was cancelled" in newsletter.refused("resume", 1)
    assert "cannot be scheduled or sent: it was cancelled" in newsletter.refused("schedule", 1)


def test_a_deed_that_does_nothing_says_so(newsletter: Command, tmp_path: Path) -> None:
    approved(newsletter, tmp_path)
    again = newsletter.ok("import", tmp_path / "post.txt").out
    assert again == "post.txt was imported before, as issue 1; nothing was changed.\n"
    newsletter.ok("resources", "add", "--title", "A well", "--by", "River Watch")
    inbox = newsletter.ok("resources", "list", "--json").json["resources"]
    moved = newsletter.refused("resources", "move", inbox[0]["id"], "--position", 9)
    assert "the inbox has no places" in moved
    newsletter.ok("resources", "drop", inbox[0]["id"])
    assert "was dropped already" in newsletter.ok("resources", "drop", inbox[0]["id"]).out
