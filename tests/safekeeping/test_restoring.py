"""A backup comes back whole or not at all, on either database, and only with its key."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from newsletter.app import Services, initialise, open_services
from newsletter.core import encrypting
from newsletter.core.clock import now, week_of, zone
from newsletter.core.db import reading, writing
from newsletter.core.installation import Installation
from newsletter.editorial import checks, issues
from newsletter.editorial.models import Issue, Resource
from newsletter.migrations import HEAD
from newsletter.safekeeping import aftermath, snapshot
from newsletter.safekeeping.catalogue import everything
from newsletter.schedule.firing import fire_due
from newsletter.schedule.models import Slot
from subscribers import directory
from subscribers.models import Subscriber
from tests.conftest import fresh_database
from tests.delivery import newsroom
from tests.safekeeping import safe
from tests.safekeeping.safe import Target
from tests.safekeeping.test_nobody_twice import other_url  # noqa: F401  (a fixture)

TOUCHED = {"issues", "deliveries", "chunks", "installation", "audit_entries", "slots", "leases"}
"""What the aftermath of a restore changes."""


def rows(services: Services, *, but: set[str]) -> dict[str, Sequence[Any]]:
    with reading(services.engine) as session:
        return {
            table.name: session.execute(select(table).order_by(*table.primary_key)).all()
            for table in everything()
            if table.name not in but
        }


def filled(services: Services) -> None:
    """Something in most tables, and what points at rows of its own table, both ways."""
    issue_id = newsroom.publish(services, 6)
    newsroom.start(services, issue_id)
    with writing(services.engine) as session:
        first = session.scalars(select(Resource)).one()
        values = {c.name: getattr(first, c.name) for c in Resource.__table__.columns}
        later = Resource(**{**values, "id": None, "near_duplicate_of": first.id})
        session.add(later)
        session.flush()
        first.near_duplicate_of = later.id


def test_every_row_comes_back(any_services: Services, other_url: str, tmp_path: Path) -> None:  # noqa: F811
    filled(any_services)
    home = any_services.settings.home
    for name in ("media/a.png", "templates/mail/own.html", "locale/my/x.po"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(name.encode() * 1000)
    safe.back_up(any_services, tmp_path / "one.age")
    place = safe.target(tmp_path, any_services, other_url)
    ran = place.restore(tmp_path / "one.age")
    assert ran.code == 0, ran
    assert "who left" in ran.out
    assert "'newsletter subscribers leave'" in ran.out
    restored = place.services(any_services)
    assert rows(restored, but=TOUCHED) == rows(any_services, but=TOUCHED)
    for name in ("media/a.png", "templates/mail/own.html", "locale/my/x.po"):
        assert (place.home / name).read_bytes() == (home / name).read_bytes()
        assert (place.home / name).stat().st_mode & 0o077 == 0
    with reading(restored.engine) as session:
        addresses = sorted(
            map(restored.sealer.open, session.scalars(select(Subscriber.sealed_address)))
        )
        known = session.get_one(Installation, 1)
        assert known.restored_at is not None
        assert aftermath.remembered(session) is not None
    assert addresses == [f"r{n}@example.org" for n in range(1, 7)]
    with writing(restored.engine) as session:  # sequences: the next rows get numbers of their own
        newsroom.enrol(restored, session, 1, ["new"])
    assert "Restored from a backup" in place.command().ok("status").out
    findings = place.command()("doctor", "--offline", "--json").json["findings"]
    assert [f["verdict"] for f in findings if f["subject"] == "restore"] == ["warning"]
    restored.close()


@pytest.fixture
def kept(services: Services, tmp_path: Path) -> tuple[Target, bytes]:
    """A backup, and a place for it."""
    filled(services)
    home = services.settings.home
    for name in ("media/a.png", "templates/mail/own.html", "locale/my/x.po", "spool/leaving/x"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    (home / "newsletter.toml").write_text('[smtp]\nhost = "mx.example.org"\n')
    safe.back_up(services, tmp_path / "one.age")
    return safe.target(tmp_path, services), (tmp_path / "one.age").read_bytes()


def relocked(change: Callable[[bytes], bytes], locked: bytes) -> bytes:
    """A genuine age file around an altered content."""
    import gzip

    import pyrage

    packed = pyrage.decrypt(locked, [safe.IDENTITY])
    altered = gzip.compress(change(gzip.decompress(packed)))
    target = io.BytesIO()
    with encrypting.writer(target, safe.LOCK) as plain:
        plain.write(altered)
    return target.getvalue()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "a row is missing": lambda text: text.replace(text.splitlines(keepends=True)[3], b"", 1),
    "no end": lambda text: text[: text.rindex(b'{"end"')],
    "something behind the end": lambda text: text + b"{}\n",
    "cut off": lambda text: text[: len(text) // 2],
    "a newer form": lambda text: text.replace(b'{"backup":1', b'{"backup":9', 1),
    "another revision": lambda text: text.replace(
        b'"revision":"%b"' % HEAD.encode(), b'"revision":"0001"', 1
    ),
    "a path out of the home": lambda text: text.replace(
        b'{"end"', b'{"file":"media/../../x","size":0}\n{"end"', 1
    ),
    "a lost reader": lambda text: _without_last(text, b'{"table":"deliveries"'),
}


def _without_last(text: bytes, heading: bytes) -> bytes:
    """The last delivery left out, and the counts changed to suit: only the ledger knows."""
    lines = text.splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.startswith(heading))
    lines[0] = lines[0].replace(b'"deliveries":6', b'"deliveries":5')
    lines[at] = lines[at].replace(b'"rows":6', b'"rows":5')
    del lines[at + 6]
    return b"".join(lines)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_backup_leaves_nothing_behind(
    kept: tuple[Target, bytes], tmp_path: Path, damage: str
) -> None:
    place, locked = kept
    (tmp_path / "bad.age").write_bytes(relocked(DAMAGE[damage], locked))
    ran = place.restore(tmp_path / "bad.age")
    assert ran.code == 2, ran
    assert ran.err.startswith("error: file: "), ran
    assert not place.home.exists()
    assert not (tmp_path / "x").exists()


def test_damage_on_postgresql_leaves_an_empty_database(
    kept: tuple[Target, bytes], tmp_path: Path, postgres_url: str
) -> None:
    place, locked = kept
    (tmp_path / "bad.age").write_bytes(relocked(DAMAGE["no end"], locked))
    (tmp_path / "cut.age").write_bytes(locked[:-1])
    with fresh_database(postgres_url) as url:
        there = Target(place.home, url, place.identity, place.keys)
        for name in ("bad.age", "cut.age"):
            assert there.restore(tmp_path / name).code == 2
            assert not place.home.exists()
        assert there.restore(tmp_path / "one.age").code == 0
        again = Target(tmp_path / "third", url, place.identity, place.keys)
        ran = again.restore(tmp_path / "one.age")
        assert (ran.code, again.home.exists()) == (2, False)
        assert "the database is not empty" in ran.err


def test_only_into_an_empty_home(kept: tuple[Target, bytes], tmp_path: Path) -> None:
    place, _ = kept
    place.home.mkdir()
    (place.home / "something").write_text("mine")
    ran = place.restore(tmp_path / "one.age")
    assert ran.code == 2
    assert "is not empty (something" in ran.err
    assert [path.name for path in place.home.iterdir()] == ["something"]


def test_only_with_its_own_key(kept: tuple[Target, bytes], tmp_path: Path) -> None:
    place, _ = kept
    other = initialise(tmp_path / "other")
    other.close()
    foreign = Target(place.home, "", place.identity, other.settings.key_path)
    ran = foreign.restore(tmp_path / "one.age")
    assert "does not belong" in ran.err
    without = place.command()("restore", tmp_path / "one.age", "--identity", place.identity)
    assert "missing" in without.err
    assert not place.home.exists()


def test_the_key_may_lie_in_the_new_home_already(
    kept: tuple[Target, bytes], tmp_path: Path
) -> None:
    place, locked = kept
    place.home.mkdir()
    (place.home / "keys.json").write_bytes(place.keys.read_bytes())
    (tmp_path / "bad.age").write_bytes(locked[:-1])
    arguments = ("--identity", place.identity)
    assert place.command()("restore", tmp_path / "bad.age", *arguments).code == 2
    assert [path.name for path in place.home.iterdir()] == ["keys.json"], "never taken away"
    place.command().ok("restore", tmp_path / "one.age", *arguments)
    open_services(place.home).close()


def test_the_right_question_for_each_lock(kept: tuple[Target, bytes], tmp_path: Path) -> None:
    place, _ = kept
    assert "name its file" in place.command().refused("restore", tmp_path / "one.age")
    (tmp_path / "no.age").write_text("hello")
    assert "no file encrypted by age" in place.command().refused("restore", tmp_path / "no.age")
    assert "cannot be read" in place.command().refused("restore", tmp_path / "none.age")


def test_a_restore_does_not_lead_to_the_first_database(services: Services, tmp_path: Path) -> None:
    home = services.settings.home
    newsroom.publish(services, 1)
    (home / "newsletter.toml").write_text(
        f'[database]\nurl = "sqlite:///{home}/newsletter.db"\n[smtp]\nhost = "mx.example.org"\n'
    )
    safe.back_up(services, tmp_path / "one.age")
    place = safe.target(tmp_path, services)
    assert place.restore(tmp_path / "one.age").code == 0
    settings = open_services(place.home).settings
    assert (settings.database.url, settings.smtp.host) == ("", "mx.example.org")


def test_a_week_that_passed_before_the_restore_is_not_caught_up(
    services: Services, tmp_path: Path
) -> None:
    """It had an issue, and no clock had run yet to make its slot: a restored clock must not."""
    issue_id = newsroom.publish(services, 3, at=now() - timedelta(days=14))
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        rule = issue.publication
        passed = (now() - timedelta(minutes=5)).astimezone(zone(rule.slot_zone))
        rule.slot_weekday, rule.slot_time = passed.isoweekday(), f"{passed:%H:%M}"
        rule.stale_minutes = 24 * 60
        issue.week = week_of(passed.date())
        assert session.scalars(select(Slot)).all() == []
    safe.back_up(services, tmp_path / "one.age")
    place = safe.target(tmp_path, services)
    assert place.restore(tmp_path / "one.age", "--json").json["slots"] == 1
    restored = place.services(services)
    with writing(restored.engine) as session:
        issue = session.get_one(Issue, issue_id)
        issues.approve(session, issue, checks.check(issue, issue.publication), now=now())
    with writing(restored.engine) as session:
        assert fire_due(session, now()) == []
        assert session.get_one(Issue, issue_id).status == "approved"
    restored.close()


def test_what_was_read_is_what_was_written_for_every_kind_of_column() -> None:
    """A column type that the stream does not know would come back as something else."""
    kinds = {type(c.type).__name__ for table in snapshot.tables() for c in table.columns}
    known = {"Integer", "String", "Text", "JSON", "LargeBinary", "Uuid", "UtcDateTime", "Date"}
    assert kinds <= known | {"Boolean", "Float", "Double"}


def test_nobody_who_left_before_the_backup_comes_back(services: Services, tmp_path: Path) -> None:
    newsroom.publish(services, 2)
    with writing(services.engine) as session:
        directory.remove(
            session, services.sealer, publication_id=1, address="r1@example.org", now=now()
        )
    safe.back_up(services, tmp_path / "one.age")
    place = safe.target(tmp_path, services)
    assert place.restore(tmp_path / "one.age").code == 0
    out = place.command().ok("subscribers", "list", "--json").json
    assert [row["state"] for row in out["subscribers"]].count("active") == 1
