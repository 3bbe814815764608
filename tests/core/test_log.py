"""No log line holds a reader's address or link, whoever wrote it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.core import log

TOKEN = "v1.k1.2ma6smiuQFuS1SFyMHcChQAAAAAAAAADAQ.synpbiv0Frw-dikpLRNeZQ"


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "logs" / "newsletter.log"
    log.configure(file=path, to_stderr=False)
    yield path
    log.configure(to_stderr=False)


def test_addresses_and_tokens_never_reach_the_file(logged: Path) -> None:
    ours, theirs = log.logger("ours"), logging.getLogger("library")
    ours.info("refused reader@example.org", who="စာဖတ်သူ@example.org", link=f"/u/{TOKEN}")
    ours.info("nested", rows=[{"a": "reader@example.org"}], raw=b"<reader@example.org>")
    theirs.warning("550 <reader@example.org> unknown: %s", TOKEN)
    try:
        raise ValueError("reader@example.org")
    except ValueError:
        ours.exception("failed")
        theirs.exception("failed")
    written = logged.read_text(encoding="utf-8")
    assert written.count("\n") == 5
    assert "@example" not in written
    assert "reader" not in written.replace("unreadable", "")
    assert "စာဖတ်သူ" not in written
    assert TOKEN[:30] not in written
    assert all(json.loads(line)["event"] for line in written.splitlines())


def test_full_disk_loses_a_line_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    full = tmp_path / "newsletter.log"
    full.symlink_to("/dev/full")
    log.configure(file=full)
    log.logger("ours").info("one line")
    assert not log.keeps()
    log.configure(file=tmp_path / "newsletter.log" / "below a file")
    log.logger("ours").info("another line")
    assert not log.keeps()
    log.configure(to_stderr=False)
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert "Logging error" not in said
    assert said.count("line") == 2


@pytest.mark.parametrize(
    ("said", "recipient", "left"),
    [
        ("550 5.1.1 User jsmith unknown", "jsmith@example.org", "550 5.1.1 User [address] unknown"),
        ("550 JSmith: no such user", "jsmith@example.org", "550 [address]: no such user"),
        ("550 <j.smith> in (j.smith)", "j.smith@example.org", "550 <[address]> in ([address])"),
        ("550 no jsmith", "jsmith+weekly@example.org", "550 no [address]"),
        ("550 jsmith+weekly?", "jsmith+weekly@example.org", "550 [address]?"),
        ("550 [jsmith] (address) gone", "jsmith@example.org", "550 [[address]] (address) gone"),
        ("550 'a' is away", "a@example.org", "550 '[address]' is away"),
        ("550 blacksmith", "smith@example.org", "550 black[address]"),
        ("550 jsmith_example.org", "jsmith@example.org", "550 [address]_example.org"),
        ("550 /var/mail/jsmith_old", "jsmith@example.org", "550 /var/mail/[address]_old"),
        ("550 u_jsmith, Jsmith2", "jsmith@example.org", "550 u_[address], [address]2"),
        ("550 u_joe joe_old joey", "joe@example.org", "550 u_[address] [address]_old joey"),
        ("550 jo+weeklyjo", "jo+weekly@example.org", "550 [address][address]"),
        ("550 5.1.1 no 550 here", "550@example.org", "550 5.1.1 no [address] here"),
        ("550 5.1.1 who?", "5.1.1@example.org", "550 5.1.1 who?"),
        ("550 no စာဖတ်သူ", "စာဖတ်သူ@example.org", "550 no [address]"),
        ("250 kept", "", "250 kept"),
    ],
)
def test_a_server_may_name_a_reader_without_the_domain(
    said: str, recipient: str, left: str
) -> None:
    assert log.redact(said, recipient) == left


LOCAL = st.from_regex(r"[a-z0-9][a-z0-9._+-]{0,20}", fullmatch=True)


@given(LOCAL, st.sampled_from([" ", "<", ">", "'", '"', "(", ":", ",", "\n", "|", ";", "[", "]"]))
def test_no_local_part_survives_whatever_stands_around_it(local: str, edge: str) -> None:
    told = log.redact(f"550 5.1.1 mailbox{edge}{local.upper()}{edge}gone", f"{local}@example.org")
    words = re.split(r"[^a-z0-9._+-]+", told.lower())
    assert local not in words[2:] or local in ("mailbox", "gone", "address")
    assert told.startswith("550 5.1.1 ")


@given(st.text(), LOCAL)
def test_taking_out_twice_is_taking_out_once(said: str, local: str) -> None:
    once = log.redact(said, f"{local}@example.org")
    assert log.redact(once, f"{local}@example.org") == once


@given(st.text('abAB@.v1+" 250', max_size=20), st.text('abAB+"', max_size=6))
def test_the_short_way_passes_nothing_on_that_the_patterns_would_take_out(
    said: str, local: str
) -> None:
    reader = f"{local}@example.org"
    if log._is_about_nobody(said, reader):
        beyond_ascii = "\u1000 " + said  # which only the patterns judge
        assert log.redact(beyond_ascii, reader) == beyond_ascii
