"""A question about an old encoding outlives backup, move and purge: else it answers itself."""

from __future__ import annotations

from pathlib import Path

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.editorial import publications
from newsletter.safekeeping import keyholders
from tests.cli.command import Command
from tests.conftest import fresh_database
from tests.editorial import burmese as b
from tests.safekeeping import safe

_FILE = f"""+++
date = 2026-11-16
[editions.my]
title = "{b.TITLE}"
+++ my
{b.FIRST}

{b.OLD_SECOND}
"""


def _publication(services: Services) -> None:
    with writing(services.engine) as session:
        publications.create(session, publications.default(), now=now())


def _asked(command: Command) -> list[tuple[str, str]]:
    told = command.ok("burmese", 1, "--json").json["texts"]
    return [(one["state"], one["original"]) for one in told if one["open"]]


def _imported(command: Command, tmp_path: Path) -> list[tuple[str, str]]:
    file = tmp_path / "issue.md"
    file.write_text(_FILE, encoding="utf-8")
    command.ok("import", file)
    asked = _asked(command)
    assert [state for state, _ in asked] == ["asked"]
    return asked


def test_a_question_is_in_the_backup(file_services: Services, tmp_path: Path) -> None:
    first = Command(file_services.settings.home, {})
    _publication(file_services)
    asked = _imported(first, tmp_path)
    safe.back_up(file_services, tmp_path / "one.age")
    place = safe.target(tmp_path, file_services)
    assert place.restore(tmp_path / "one.age").code == 0
    assert _asked(place.command()) == asked


def test_a_question_moves_to_a_server_and_is_answered_there(
    home: Path, tmp_path: Path, postgres_url: str
) -> None:
    command = Command(home, {})
    command.ok("init", "--yes")
    asked = _imported(command, tmp_path)
    with fresh_database(postgres_url) as url:
        command.ok("move", "--to", url)
        assert _asked(command) == asked
        command.ok("burmese", 1, "--accept", "all")
        assert _asked(command) == []
        assert b.SECOND in command.ok("show", 1, "--json").out


def test_a_purge_leaves_what_is_asked_of_published_texts(
    file_services: Services, tmp_path: Path
) -> None:
    command = Command(file_services.settings.home, {})
    _publication(file_services)
    asked = _imported(command, tmp_path)
    with writing(file_services.engine) as session:
        keyholders.add(session, "Aye", "six words of her own choice", "test", now())
        keyholders.add(session, "Ben", "other words that he remembers", "test", now())
    answers = "Aye\nsix words of her own choice\nBen\nother words that he remembers\nPURGE\n"
    assert command("purge", "--now", stdin=answers).code == 0
    command.ok("init", "--yes")
    assert _asked(command) == asked
