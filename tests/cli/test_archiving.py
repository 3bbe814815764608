"""Ending a publication at the command line, and taking it up again."""

from __future__ import annotations

from tests.cli.command import Command


def test_archiving_is_said_shown_and_undone(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    assert "'weekly' is archived" in newsletter.ok("publication", "archive", "weekly").out
    assert "Nothing changed" in newsletter.ok("publication", "archive", "weekly").out
    shown = newsletter.ok("publication", "show").out
    assert shown.startswith("# archived since ")
    assert newsletter.ok("publication", "show", "--json").json["archived_at"]
    assert "publication unarchive weekly" in newsletter.refused("assemble", "--week", "2026-W47")
    assert "goes on" in newsletter.ok("publication", "unarchive", "weekly").out
    assert "is not archived" in newsletter.ok("publication", "unarchive", "weekly").out
    assert newsletter.ok("publication", "show", "--json").json["archived_at"] is None
    assert "there is no 'none'" in newsletter.refused("publication", "archive", "none")
