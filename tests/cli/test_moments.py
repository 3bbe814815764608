"""The right deed at the wrong moment: what was asked, why not now, and what to do instead."""

from __future__ import annotations

from pathlib import Path

import time_machine

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


def test_touching_a_resource_says_that_its_issue_is_a_draft_again(
    newsletter: Command, tmp_path: Path
) -> None:
    approved(newsletter, tmp_path)
    again = "issue 1 is a draft again: look at it and approve it anew"
    held = newsletter.ok("resources", "list", "--issue", 1, "--json").json["resources"]
    first, second = (one["id"] for one in held[:2])
    edited = newsletter.ok("resources", "edit", first, "--title", "Another title").out
    assert again in edited
    assert again not in newsletter.ok("resources", "edit", first, "--title", "And another").out
    newsletter.ok("approve", 1)
    assert again in newsletter.ok("resources", "move", first, "--position", 2).out
    newsletter.ok("approve", 1)
    newsletter.ok("schedule", 1, "--at", "2099-11-23 09:00")
    assert again in newsletter.ok("resources", "drop", second).out


def test_today_is_the_day_at_the_slot_and_not_in_greenwich(newsletter: Command) -> None:
    newsletter.ok("init", "--yes", "--sender", "desk@example.org")
    add = ("resources", "add", "--title", "A well", "--by", "River Watch", "--json")
    with time_machine.travel("2026-11-22T20:00:00Z", tick=False):
        assert newsletter.ok(*add).json["published_on"] == "2026-11-23", "a week too early"
