"""What `send` and `status` say of everybody: in doubt, refused, still out, or nobody at all."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from newsletter.app import open_services
from newsletter.cli.trouble import accounted
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.editorial import publications
from newsletter.worker import WorkerLock
from tests.cli.command import Command
from tests.cli.sample import approved
from tests.smtp_server import DROP, HANG, ScriptedServer, nth
from tests.system import PATIENCE


def _by(newsletter: Command, server: ScriptedServer) -> Command:
    smtp = {"HOST": "127.0.0.1", "PORT": str(server.port), "SECURITY": "none"}
    own = {f"NEWSLETTER_SMTP__{key}": value for key, value in smtp.items()}
    return replace(newsletter, environment={**newsletter.environment, **own})


def _readers(newsletter: Command, directory: Path, *names: str) -> None:
    approved(newsletter, directory)
    for name in names:
        newsletter.ok("subscribers", "add", f"{name}@example.org")


@contextmanager
def _sending(newsletter: Command) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "newsletter", "send", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=newsletter.whole_environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_each_doubt_and_each_refusal_can_be_found_in_the_server_s_log(
    newsletter: Command, tmp_path: Path
) -> None:
    _readers(newsletter, tmp_path, "gone", "lost", "fine")
    steps = {("RCPT", 1): "550 5.1.1 no such mailbox here", ("DOT", 1): DROP}
    with ScriptedServer(lambda at, count: steps.get((at, count))) as server:
        newsletter = _by(newsletter, server)
        sent = newsletter.apart("send", 1)
        lost = server.kept[0].message_id
    assert sent.code == 1
    assert "Not everybody is accounted for: 1 delivery in doubt, and 1 delivery refused" in sent.out
    found = newsletter.ok("status", 1, "--json").json
    (doubt,), (refusal,) = found["doubtful"], found["refused"]
    assert f"<{doubt['message_id']}>" == lost
    assert refusal["reason"]
    assert "no such mailbox" in refusal["answer"]
    assert refusal["message_id"] != doubt["message_id"]
    told = newsletter.ok("status", 1).out
    assert doubt["message_id"] in told
    assert refusal["message_id"] in told
    assert "@example.org" not in told.replace(doubt["message_id"], "").replace(
        refusal["message_id"], ""
    ).replace("desk@example.org", "")
    assert "gone@example.org" in newsletter.ok("status", 1, "--reveal").out
    revealed = newsletter.ok("status", 1, "--json", "--reveal").json
    assert revealed["doubtful"][0]["address"] == "lost@example.org"
    barred = newsletter.refused("settle", 1, refusal["delivery"], "--as", "again")
    assert "is suppressed" in barred
    assert "newsletter subscribers release" in barred
    asked = newsletter("settle", 1, "all", "--as", "again", stdin="n\n")
    assert asked.code == 0
    assert asked.out.endswith("Nothing was changed.\n")
    assert "'each' is no delivery" in newsletter.refused("settle", 1, "each", "--as", "again")
    newsletter.ok("suppressions", "add", "lost@example.org")
    left = newsletter.ok("settle", 1, "all", "--as", "again", "--yes")
    assert "no deliveries of issue 1" in left.out
    assert f"its reader is suppressed and would be skipped: delivery {doubt['delivery']}." in (
        " ".join(left.err.split())
    )
    newsletter.ok("settle", 1, "all", "--as", "submitted")
    assert "Everybody is accounted for, 1 delivery as refused" in newsletter.ok("status", 1).out
    log = (newsletter.home / "logs" / "newsletter.log").read_text(encoding="utf-8")
    assert "gone@" not in log


def test_nobody_to_send_to_is_said_before_anything_is_launched(
    newsletter: Command, tmp_path: Path
) -> None:
    approved(newsletter, tmp_path)
    with ScriptedServer() as server:
        newsletter = _by(newsletter, server)
        assert "nobody is subscribed to 'weekly'" in newsletter.refused("send", 1)
        assert newsletter.ok("status", 1, "--json").json["status"] == "approved"
    assert "the issue is held" in newsletter.ok("schedule", 1, "--at", "2031-11-24 09:00").err


def test_send_takes_over_from_a_process_that_ends(newsletter: Command, tmp_path: Path) -> None:
    _readers(newsletter, tmp_path, "a", "b")
    other = WorkerLock(newsletter.home / "worker.lock")
    other.hold()
    with ScriptedServer() as server, _sending(_by(newsletter, server)) as process:
        assert process.stderr is not None
        assert "Another process is sending; watching." in process.stderr.readline()
        assert server.kept == []
        other.let_go()
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, (out, err)
        assert "sending from here" in err
        assert sorted(kept.recipient for kept in server.kept) == ["a@example.org", "b@example.org"]


def test_an_interrupted_send_says_what_it_waits_for_and_counts_again(
    newsletter: Command, tmp_path: Path
) -> None:
    _readers(newsletter, tmp_path, "a", "b")
    reached = []

    def script(at: str, count: int) -> str | None:
        if at == "DOT":
            reached.append(count)
        return nth("DOT", 1, HANG)(at, count)

    newsletter.environment["NEWSLETTER_SMTP__FINAL_TIMEOUT"] = "3"
    with ScriptedServer(script) as server, _sending(_by(newsletter, server)) as process:
        deadline = time.monotonic() + PATIENCE
        while not reached:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "Stopping: waiting up to 30 s" in process.stderr.readline()
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "1 message still to send" in out
    assert "1 delivery in doubt" in out


def test_send_needs_one_of_the_providers_that_routes_use(
    newsletter: Command, tmp_path: Path
) -> None:
    _readers(newsletter, tmp_path, "a")
    with ScriptedServer() as server:
        (newsletter.home / "newsletter.toml").write_text(
            '[smtp]\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\n'
            f'[providers.relay-b]\nkind = "smtp"\nport = {server.port}\n'
            '[[routes]]\nproviders = {relay-b = 1}\nfallback = ["smtp"]\n'
        )
        newsletter.ok("send", 1)
        assert [kept.recipient for kept in server.kept] == ["a@example.org"]


def test_send_refuses_before_the_launch_when_no_provider_answers(
    newsletter: Command, tmp_path: Path
) -> None:
    _readers(newsletter, tmp_path, "a")
    (newsletter.home / "newsletter.toml").write_text(
        '[smtp]\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\n'
        '[providers.relay-b]\nkind = "smtp"\nport = 2\n'
        '[[routes]]\nproviders = {relay-b = 1}\nfallback = ["smtp"]\n'
    )
    ran = newsletter("send", 1)
    assert ran.code == 1
    assert "127.0.0.1:2" in ran.err
    assert newsletter.ok("status", 1, "--json").json["status"] == "approved"


def _be_quiet(newsletter: Command) -> None:
    hours = f"{now() - timedelta(hours=2):%H:00}-{now() + timedelta(hours=2):%H:00}"
    services = open_services(newsletter.home)
    with writing(services.engine) as session:
        (owner,) = publications.listing(session)
        owner.slot_zone, owner.quiet_hours = "UTC", hours
    services.close()


def test_quiet_hours_are_said_and_giving_up_then_asks_first(
    newsletter: Command, tmp_path: Path
) -> None:
    _readers(newsletter, tmp_path, "a", "b")
    _be_quiet(newsletter)
    until = f"{now() + timedelta(hours=2):%H:00} UTC"
    with ScriptedServer() as server, _sending(_by(newsletter, server)) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert said.startswith("quiet hours until")
        assert until in said
        assert "quiet hours until" in newsletter.ok("status", 1).out
        found = newsletter.ok("status", 1, "--json").json
        assert (found["status"], found["quiet_until"] > now().isoformat()) == ("sending", True)
        unasked = newsletter.apart("cancel", 1)
        assert unasked.code == 2
        assert "2 of 2 readers have not got it" in unasked.err
        assert "no answer was given; add --yes" in unasked.err
        assert newsletter.ok("cancel", 1, stdin="n\n").out.endswith("Nothing was changed.\n")
        newsletter.ok("cancel", 1, "--yes")
        _, err = process.communicate(timeout=PATIENCE)
        assert "Stopping" not in err, "nobody asked it to stop"
        assert server.kept == []
    assert newsletter.ok("status", 1, "--json").json["quiet_until"] is None


def test_status_says_how_many_may_be_leaving() -> None:
    counts = {"planned": 5, "claimed": 0, "balanced": True}
    sentence, _ = accounted({**counts, "submitting": 20}, 1)
    assert sentence.endswith("25 messages still to send; 20 of them may be leaving just now.")
    assert "leaving" not in accounted({**counts, "submitting": 0}, 1)[0]
