"""A newsletter moves from its file to a server and back: every row, and never two in force."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import IntegrityError

from newsletter import migrations
from newsletter.app import Services, initialise, open_services
from newsletter.cli.presence import present
from newsletter.core.clock import now
from newsletter.core.db import open_engine, reading, writing
from newsletter.core.errors import ConfigurationError, InputError, NewsletterError
from newsletter.core.installation import AuditEntry
from newsletter.delivery import chunks
from newsletter.delivery.models import Delivery, Event, Notice, Outage, Pace, SoftBounce
from newsletter.editorial.models import Issue, Picture, Resource
from newsletter.safekeeping import moving
from newsletter.safekeeping.catalogue import everything
from newsletter.safekeeping.setting_line import with_setting
from newsletter.schedule import slots
from subscribers import directory, erasing, leaving
from subscribers.models import Subscriber
from tests.cli.command import Command
from tests.cli.running import running
from tests.conftest import fresh_database
from tests.delivery import newsroom
from tests.system import PATIENCE

THEN = datetime(2026, 11, 20, 9, 30, 0, 123456, UTC)
TOML = (
    '# ours\r\n[database]   # where\r\nurl = ""   # the file\r\n\r\n[backup]\r\nrecipients = []\r\n'
)


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    """An empty database on a server."""
    with fresh_database(postgres_url) as found:
        yield found


@pytest.fixture
def lived(home: Path) -> Iterator[Services]:
    """A home on a file, in the middle of a send, with something in most tables."""
    made = initialise(home, {"public": {"url": "http://127.0.0.1:8080"}})
    (home / "newsletter.toml").write_bytes(TOML.encode())
    issue_id = newsroom.publish(made, 6)
    newsroom.start(made, issue_id)
    with writing(made.engine) as session:
        _happen(session, made, issue_id)
    yield made
    made.close()


def _happen(session: Any, services: Services, issue_id: int) -> None:
    """What happens to readers and issues, and every kind of value there is."""
    first = session.scalars(select(Resource)).one()
    values = {c.name: getattr(first, c.name) for c in Resource.__table__.columns}
    later = Resource(**{**values, "id": None, "issue_id": None, "near_duplicate_of": first.id})
    session.add(later)
    session.flush()
    first.near_duplicate_of = later.id
    ids = session.scalars(select(Delivery.id).order_by(Delivery.id)).all()
    people = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()
    for place, (state, answer) in enumerate((("unknown", "cut"), ("submitted", "250 ok ✓"))):
        row = session.get_one(Delivery, ids[place])
        row.state, row.answer, row.owner, row.changed_at = state, answer, "host:1:ab", THEN
    chunks.touch(session, ids)
    leaving.leave(
        session,
        public_id=people[2].public_id,
        publication_id=1,
        how="page",
        wording="ထွက်ပါ",
        now=THEN,
    )
    erasing.erase(
        session, services.sealer, subscriber_id=people[3].id, how="command line", now=THEN
    )
    newsroom.enrol(services, session, 1, ["late"])
    session.add_all(
        [
            Event(
                source="ses", mark=b"\0" * 31 + b"\n", kind="bounce", delivery_id=ids[1],
                outcome="hard", at=THEN, received_at=THEN, raw=b"\\x00\t\n\r\xff",
            ),
            SoftBounce(subscriber_id=people[0].id, issues=2, first_at=THEN, last_at=THEN),
            Pace(key="provider:smtp", tokens=0.1, refilled_at=THEN, day=date(2026, 11, 20)),
            Outage(provider="ses", reason="a\\N\tb", since_at=THEN, until_at=THEN),
            Notice(publication_id=1, issue_id=issue_id, kind="paused", text="", created_at=THEN),
            Picture(name=f"{'0a' * 16}.png", width=2, height=1, data=bytes(range(256)) * 800),
        ]
    )  # fmt: skip
    slots.sync(session, now())


def command(home: Path, **settings: str) -> Command:
    return Command(home, {"NEWSLETTER_PUBLIC__URL": "http://127.0.0.1:8080", **settings})


def rows(engine: Any) -> dict[str, Sequence[Any]]:
    """Everything but leases, which mean something to living processes only."""
    with reading(engine) as session:
        return {
            table.name: session.execute(select(table).order_by(*table.primary_key)).all()
            for table in everything()
            if table.name not in {"leases", "audit_entries"}
        }


def rows_at(url: str) -> dict[str, Sequence[Any]]:
    engine = open_engine(url)
    try:
        return rows(engine)
    finally:
        engine.dispose()


def aside(home: Path) -> list[str]:
    return sorted(path.name for path in home.glob("newsletter.db*"))


def test_everything_moves_to_a_server_and_back(lived: Services, url: str) -> None:
    home = lived.settings.home
    before = rows(lived.engine)
    filled = {name for name, found in before.items() if found}
    assert len(filled) >= 18, sorted(filled)
    lived.close()
    ran = command(home).ok("move", "--to", url)
    assert "equal on both sides" in ran.out
    there = open_services(home)
    assert there.engine.dialect.name == "postgresql"
    assert rows(there.engine) == before
    toml = (home / "newsletter.toml").read_bytes().decode()
    assert toml == TOML.replace('url = ""', f'url = "{url}"')
    (kept,) = aside(home)
    assert kept.startswith("newsletter.db.moved-2")
    with reading(there.engine) as session:
        who = directory.find(session, there.sealer, "late@example.org")
        assert who is not None
        assert session.scalar(select(AuditEntry.deed).order_by(AuditEntry.id.desc())) == "move"
    with writing(there.engine) as session:
        newsroom.enrol(there, session, 1, ["newer"])
    after = rows(there.engine)
    there.close()
    found = command(home).ok("move", "--to", "sqlite", "--json").json
    assert found["tables"]["subscribers"] == 7
    assert found["issues"] == 1
    back = open_services(home)
    assert back.engine.dialect.name == "sqlite"
    assert rows(back.engine) == after
    assert (home / "newsletter.toml").read_bytes().decode() == TOML
    back.close()
    with pytest.raises(ConfigurationError, match="was moved to another database"):
        open_services(home, {"database": {"url": url}})


def test_sending_goes_on_where_it_was(lived: Services, url: str) -> None:
    home = lived.settings.home
    lived.close()
    command(home).ok("move", "--to", url)
    memory = {"delivery": {"provider": "memory"}, "public": {"url": "http://127.0.0.1:8080"}}
    there = open_services(home, memory)
    with reading(there.engine) as session:
        issue_id = session.scalars(select(Issue.id)).one()
        assert session.get_one(Issue, issue_id).status == "sending"
    before = newsroom.counts(there, issue_id)
    newsroom.work_off(there)
    after = newsroom.counts(there, issue_id)
    assert len(newsroom.taken(there)) == before.planned - 2  # one left and one was erased
    assert (after.audience, after.unknown, after.planned, after.balanced) == (6, 1, 0, True)
    there.close()


def test_numbers_of_deliveries_never_come_back(lived: Services, url: str) -> None:
    """A Message-ID is made of it, and a mailbox drops a second message of the same one."""
    home = lived.settings.home
    with writing(lived.engine) as session:
        last = session.scalars(select(func.max(Delivery.id))).one()
        chunks.touch(session, [last])
        session.execute(delete(Delivery).where(Delivery.id == last))
        session.scalars(select(Issue)).one().audience_size = 5
    lived.close()
    for target in (url, "sqlite"):
        command(home).ok("move", "--to", target)
        there = open_services(home)
        with writing(there.engine) as session:
            made = Delivery(issue_id=99, edition="en", state="skipped", changed_at=THEN)
            session.add(made)
            session.flush()
            assert made.id > last
            last = made.id
            session.delete(made)
        there.close()


def test_nothing_may_run_meanwhile(lived: Services, url: str) -> None:
    home = lived.settings.home
    with present(home):
        assert "something runs in" in command(home).refused("move", "--to", url)
    memory = command(home, NEWSLETTER_DELIVERY__PROVIDER="memory")
    with running(memory, "web", "--port", "0") as web:
        web.hears("Pages of")
        assert "something runs in" in command(home).refused("move", "--to", url)
        assert web.stop() == 0
    lived.close()
    command(home).ok("move", "--to", url)
    elsewhere = open_engine(url)
    with reading(elsewhere) as session:  # on another host, which shares no lock with this one
        session.execute(text("SELECT 1"))
        assert "connections to this database are open" in command(home).refused(
            "move", "--to", "sqlite"
        )
    elsewhere.dispose()
    open_services(home).close()


def test_who_waited_for_the_move_is_told_and_loses_nothing(
    lived: Services, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a mail to the leave address that came at this very moment: it is tried again."""
    real, failed = moving.fill, []
    late = threading.Thread(target=lambda: failed.append(_leaves_late(lived)))

    def fill(*sessions: Any) -> moving.Moved:
        late.start()
        return real(*sessions)

    monkeypatch.setattr(moving, "fill", fill)
    command(lived.settings.home).ok("move", "--to", url)
    late.join(PATIENCE)
    assert isinstance(failed[0], IntegrityError | ConfigurationError), failed


def _leaves_late(services: Services) -> Exception | None:
    with reading(services.engine) as session:
        who = session.scalars(select(Subscriber.public_id).order_by(Subscriber.id)).first()
    assert who is not None
    try:
        with writing(services.engine) as session:
            leaving.leave(
                session, public_id=who, publication_id=1, how="mail", wording="", now=now()
            )
    except Exception as err:  # noqa: BLE001  (which one is what the test looks at)
        return err
    return None


@pytest.mark.parametrize(
    "sql", ["CREATE TABLE theirs (a int)", "INSERT INTO outages VALUES ('a', 'b', now(), now())"]
)
def test_a_target_that_holds_anything_is_refused(lived: Services, url: str, sql: str) -> None:
    engine = open_engine(url)
    if "INSERT" in sql:
        migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text(sql))
    engine.dispose()
    before = rows(lived.engine)
    assert "the target is not empty" in command(lived.settings.home).refused("move", "--to", url)
    assert rows(lived.engine) == before
    assert (lived.settings.home / "newsletter.toml").read_bytes() == TOML.encode()
    open_services(lived.settings.home).close()


@pytest.mark.parametrize(
    ("state", "said"),
    [("submitting", "ended in the middle of its work"), ("gone", "does not add up")],
)
def test_what_is_not_in_order_stays_where_it_is(
    lived: Services, url: str, state: str, said: str
) -> None:
    with writing(lived.engine) as session:
        if state == "gone":
            session.scalars(select(Issue)).one().audience_size = 4
        else:
            session.scalars(select(Delivery)).first().state = state  # type: ignore[union-attr]
    ran = command(lived.settings.home)("move", "--to", url)
    assert ran.code in {1, 2}
    assert said in ran.err
    open_services(lived.settings.home).close()
    engine = open_engine(url)
    moving.require_vacant(engine)
    engine.dispose()


KILLED = """
import os, signal, sys
import newsletter.cli.moving as command
import newsletter.core.keychain as keychain
import newsletter.safekeeping.moving as moving
place, name = {"command": command, "keychain": keychain, "moving": moving}[sys.argv[1]], sys.argv[2]
real, left = getattr(place, name), int(sys.argv[3])

def dies(*args, **kwargs):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return real(*args, **kwargs)

setattr(place, name, dies)
sys.argv[1:] = ["move", "--to", sys.argv[4]]
from newsletter.cli.main import run
run()
"""


@pytest.mark.parametrize(
    ("point", "first_in_force"),
    [
        ("moving fill 0", True),
        ("moving _copy 0", True),
        ("moving _copy 9", True),
        ("keychain opened 0", True),
        ("moving shut 0", True),
        ("moving mark 2", True),
        ("moving mark 3", False),
        ("command _switch 0", False),
        ("command _set_aside 0", False),
    ],
)
def test_killed_at_any_moment_one_is_in_force_and_a_second_run_ends_it(
    lived: Services, url: str, point: str, first_in_force: bool
) -> None:
    home = lived.settings.home
    before = rows(lived.engine)
    lived.close()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *point.split(), url],
        env=command(home).whole_environment,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    embedded = f"sqlite:///{home / 'newsletter.db'}"
    usable = []
    for one in (embedded, url):
        with suppress(NewsletterError):
            open_services(home, {"database": {"url": one}}).close()
            usable.append(one)
    assert len(usable) <= 1
    away = {"NEWSLETTER_DATABASE__URL": url}
    refused = replace(command(home), environment=away)("status")
    assert not (first_in_force and "init" in refused.err), refused
    assert (usable == [embedded]) == first_in_force
    if not first_in_force:
        both = (home / "newsletter.toml").read_bytes() != TOML.encode()
        assert both or "was moved to another" in command(home)("status").err
    if "_set_aside" not in point:
        command(home).ok("move", "--to", url)
    there = open_services(home)
    assert there.engine.dialect.name == "postgresql"
    assert rows(there.engine) == before
    there.close()


def test_the_variable_that_wins_is_named_and_the_file_left_alone(
    lived: Services, url: str, tmp_path: Path
) -> None:
    home = lived.settings.home
    lived.close()
    (tmp_path / "url").write_text(f"{url}\n")
    moves = command(home, NEWSLETTER_DATABASE__URL="")
    ran = moves.ok("move", "--to-file", tmp_path / "url")
    assert "Now set NEWSLETTER_DATABASE__URL to the new database" in ran.err
    assert (home / "newsletter.toml").read_bytes() == TOML.encode()
    open_services(home, {"database": {"url": url}}).close()


def test_bad_targets_are_refused_before_anything_is_done(lived: Services, tmp_path: Path) -> None:
    moves = command(lived.settings.home)
    for words in ((), ("--to", "x", "--to-file", "y"), ("--to", "mysql://a/b"), ("--to", "sqlite")):
        moves.refused("move", *words)
    moves.refused("move", "--to", f"sqlite:///{tmp_path / 'other.db'}")
    shutil.copy(lived.settings.home / "newsletter.toml", tmp_path)
    (lived.settings.home / "newsletter.toml").write_text('database = {url = ""}\n')
    said = moves.refused("move", "--to", "postgresql://a:secret@127.0.0.1:1/b")
    assert "on a line of its own" in said
    assert "secret" not in said
    open_services(lived.settings.home).close()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[database]\nurl = "x"\n'),
        ("[smtp]\nport = 1", '[smtp]\nport = 1\n[database]\nurl = "x"\n'),
        ("[database] # d\n[smtp]\nport = 1\n", '[database] # d\nurl = "x"\n[smtp]\nport = 1\n'),
        ("[database]", '[database]\nurl = "x"\n'),
        ("[database]\nurl = 'a#b' # c\n", '[database]\nurl = "x" # c\n'),
        ('[smtp]\nurl = "no"\n[database]\n url="a"', '[smtp]\nurl = "no"\n[database]\nurl = "x"'),
    ],
)
def test_one_line_is_written_and_the_rest_kept(before: str, after: str) -> None:
    assert with_setting(before, "database", "url", "x") == after


@pytest.mark.parametrize("text_", ['database.url = "a"\n', "[database]\nurl = '''\na'''\n", "[x"])
def test_what_cannot_be_written_line_by_line_is_left(text_: str) -> None:
    with pytest.raises(InputError):
        with_setting(text_, "database", "url", "x")


def test_the_copy_of_today_is_kept_apart_and_opens_no_more(lived: Services, url: str) -> None:
    home = lived.settings.home
    lived.close()
    command(home).ok("move", "--to", url)
    (kept,) = aside(home)
    (home / kept).rename(home / "newsletter.db")  # by mistake
    again = replace(command(home), environment={"NEWSLETTER_DATABASE__URL": ""})
    ran = again("status")
    assert (ran.code, "was moved to another database" in ran.err) == (1, True), ran
