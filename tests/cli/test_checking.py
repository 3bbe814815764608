"""`newsletter check`: what editors are told, in which order, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.sample import files
from tests.http_server import Asked, HttpServer, answer


@pytest.fixture
def desk(newsletter: Command, tmp_path: Path) -> Command:
    """A home with a draft in both languages; links may lead to this machine."""
    environment = {**newsletter.environment, "NEWSLETTER_LINKS__LOOPBACK": "true"}
    command = replace(newsletter, environment=environment)
    post, burmese = files(tmp_path)
    command.ok("init", "--yes", "--sender", "desk@example.org", "--postal", "12 Sample Street")
    command.ok("import", post)
    command.ok("import", burmese, "--issue", 1)
    return command


def script(asked: Asked, _nth: int) -> bytes:
    """A report that is there, and another that is gone."""
    return answer(404 if "/gone" in asked.line else 200)


def test_links_are_tried_kept_and_tried_again_when_asked(desk: Command) -> None:
    with HttpServer(script) as server:
        desk.ok("resources", "edit", 2, "--url", f"{server.url}/report")
        first = desk("check", 1, "--json")
        assert "Trying 1 link" in first.err
        (link,) = (one for one in first.json["links"] if one["place"] == "resource 2")
        assert (link["verdict"], link["status"], link["blocked"]) == ("alive", 200, "not known")
        asked = len(server.kept)
        assert "Trying" not in desk("check", 1, "--json").err
        assert "Trying" not in desk("check", 1, "--offline").err
        assert len(server.kept) == asked
        assert "Trying 1 link" in desk("check", 1, "--fresh").err
        assert len(server.kept) == 2 * asked


def test_a_dead_link_is_an_error_until_an_editor_opens_it(desk: Command) -> None:
    with HttpServer(script) as server:
        gone = f"{server.url}/gone"
        desk.ok("resources", "edit", 2, "--url", gone)
        ran = desk("check", 1, "--json")
        assert ran.code == 2
        dead = next(p for p in ran.json["problems"] if p["check"] == "dead links")
        assert (dead["level"], dead["place"]) == ("error", "resource 2")
        assert {e["ready"] for e in ran.json["editions"]} == {False}
        assert "dead link" in desk.refused("approve", 1)
        assert "has no link https://example.org/other" in desk.refused(
            "check", 1, "--opens", "https://example.org/other"
        )
        believed = desk("check", 1, "--opens", gone, "--json").json
        assert not [p for p in believed["problems"] if p["text"].startswith("dead link")]


def test_a_link_into_this_machine_is_refused_where_no_test_allows_it(desk: Command) -> None:
    usual = replace(
        desk, environment={k: v for k, v in desk.environment.items() if "LOOPBACK" not in k}
    )
    with HttpServer(script) as server:
        usual.ok("resources", "edit", 2, "--url", f"http://127.0.0.1:{server.port}/report")
        found = usual("check", 1, "--json").json
        assert server.kept == []
    (link,) = (one for one in found["links"] if one["place"] == "resource 2")
    assert link["verdict"] == "refused"
    levels = {p["level"] for p in found["problems"] if "private network" in p["text"]}
    assert "error" in levels


def test_each_edition_has_its_list_and_its_figures(desk: Command) -> None:
    told = desk("check", 1, "--offline", "--json").json
    assert [e["edition"] for e in told["editions"]] == ["en", "my", "en+my", "text-only"]
    both = next(e for e in told["editions"] if e["edition"] == "en+my")
    assert both["encoded_bytes"] > both["html_bytes"] > 5_000
    assert told["ready"] == all(e["ready"] for e in told["editions"])
    for edition in told["editions"]:
        assert all(p["remedy"] and p["place"] and p["text"] for p in edition["problems"])
        languages = {p["language"] for p in edition["problems"]} - {None}
        if edition["edition"] in ("en", "my"):
            assert languages <= {edition["edition"]}


def test_people_read_what_is_common_once_and_then_each_edition(desk: Command) -> None:
    out = desk("check", 1, "--offline").out
    assert out.count("resource 1: “") == 1
    heads = [line for line in out.splitlines() if line.startswith("Edition ")]
    assert [head.split(":")[0] for head in heads] == [
        "Edition en",
        "Edition my",
        "Edition en+my",
        "Edition text-only",
    ]
    assert "kB of HTML" in heads[0]
    assert "kB encoded of 100 kB at most" in heads[0]
    assert out.strip().splitlines()[-1].startswith("Issue 1 can")
    assert "→ " in out
