"""Wishes to leave that wait on the disk: whole, private, applied once, never after a return."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core.db import reading, writing
from subscribers import directory, leaving, spool
from subscribers.models import Consent, Subscription
from subscribers.spool import Leaving
from tests.subscribers.conftest import NOW, Add
from tests.subscribers.returning import come_back

ADDRESS = "goes@example.org"


@pytest.fixture
def wish(any_services: Services, publication_id: int, add: Add) -> Leaving:
    """The wish of somebody who is on the list."""
    with writing(any_services.engine) as session:
        add(session, ADDRESS)
        (row,) = directory.listing(session, publication_id)
    return Leaving(row.public_id, publication_id, "one_click", "the button", NOW)


def _files(home: Path) -> list[Path]:
    return sorted((home / "spool" / "leaving").iterdir())


def _standing(services: Services) -> tuple[str, list[str]]:
    with reading(services.engine) as session:
        state = session.scalars(select(Subscription.state)).one()
        return state, list(session.scalars(select(Consent.kind).order_by(Consent.id)))


def test_a_wish_is_one_private_file_without_an_address(home: Path, wish: Leaving) -> None:
    for _ in range(3):
        spool.keep(home, wish)
    assert spool.holds(home, wish.subject, wish.scope)
    assert not spool.holds(home, uuid4(), wish.scope)
    (file,) = _files(home)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert "@" not in file.read_text()


def test_what_waits_is_applied_once_as_of_then(
    any_services: Services, home: Path, wish: Leaving
) -> None:
    spool.keep(home, wish)
    spool.keep(home, replace(wish, subject=uuid4()))  # erased meanwhile
    spool.keep(home, replace(wish, scope=999))  # a publication that is gone
    assert spool.drain(any_services.engine, home) == 3
    assert spool.drain(any_services.engine, home) == 0
    assert _files(home) == []
    assert _standing(any_services) == ("ended", ["given", "withdrawn"])
    with reading(any_services.engine) as session:
        assert session.scalars(select(Subscription.ended_at)).one() == NOW
    spool.keep(home, wish)  # as after a kill between the database and the file
    spool.drain(any_services.engine, home)
    assert _standing(any_services) == ("ended", ["given", "withdrawn"])


def test_who_came_back_since_by_the_own_deed_is_not_taken_off_again(
    any_services: Services, home: Path, wish: Leaving
) -> None:
    told = {"public_id": wish.subject, "publication_id": wish.scope, "wording": "the button"}
    with writing(any_services.engine) as session:
        leaving.leave(session, how="page", now=NOW, **told)  # type: ignore[arg-type]
        later = NOW + timedelta(hours=1)
        back = come_back(session, any_services.sealer, wish.scope, ADDRESS, later)
        assert back == "confirmed"
    spool.keep(home, wish)
    assert spool.drain(any_services.engine, home) == 1
    assert _standing(any_services)[0] == "active"
    assert _files(home) == []


def test_who_leaves_came_back_and_leaves_again_has_left(
    any_services: Services, home: Path, wish: Leaving
) -> None:
    told = {"public_id": wish.subject, "publication_id": wish.scope, "wording": "the button"}
    spool.keep(home, wish)
    with writing(any_services.engine) as session:
        leaving.leave(session, how="page", now=NOW, **told)  # type: ignore[arg-type]
        later = NOW + timedelta(minutes=10)
        back = come_back(session, any_services.sealer, wish.scope, ADDRESS, later)
        assert back == "confirmed"
    spool.keep(home, replace(wish, at=NOW + timedelta(minutes=20)))
    assert len(_files(home)) == 1
    spool.drain(any_services.engine, home)
    assert _standing(any_services)[0] == "ended"


def test_a_newer_wish_is_not_removed_with_the_older(
    any_services: Services, home: Path, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = Leaving(uuid4(), 1, "one_click", "the button", NOW)
    newer = replace(older, at=NOW + timedelta(minutes=20))
    spool.keep(home, older)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(leaving, "leave", lambda *_, **__: spool.keep(home, newer))
        spool.drain(any_services.engine, home)
    assert spool.holds(home, older.subject, 1)
    spool.drain(any_services.engine, home)
    assert not spool.holds(home, older.subject, 1)


@pytest.mark.parametrize("text", ["", "{}", '{"subject": "x"}', "[]", "\0"])
def test_a_damaged_file_stops_nobody_and_is_set_aside(
    any_services: Services, home: Path, wish: Leaving, text: str
) -> None:
    spool.keep(home, wish)
    (home / "spool" / "leaving" / "00.json").write_text(text)
    spool.drain(any_services.engine, home)
    assert _standing(any_services)[0] == "ended"
    assert [file.name for file in _files(home)] == ["00.damaged"]


def test_the_number_of_wishes_is_bounded(
    home: Path, wish: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "LIMIT", 2)
    for number in (1, 2):
        spool.keep(home, replace(wish, subject=UUID(int=number)))
    with pytest.raises(OSError, match="holds 2 wishes"):
        spool.keep(home, wish)
    spool.keep(home, replace(wish, subject=UUID(int=1)))  # this one is kept already


_WRITER = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4
from subscribers import spool
wish = spool.Leaving(uuid4(), 1, "one_click", "the button", datetime.now(UTC))
real = os.fsync
def killed(handle):
    real(handle)
    os.kill(os.getpid(), signal.SIGKILL)
os.fsync = killed
spool.keep(Path(sys.argv[1]), wish)
"""


def test_killed_while_writing_leaves_no_half_wish(any_services: Services, home: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _WRITER, str(home)], check=False)
    assert done.returncode == -signal.SIGKILL
    (beside,) = _files(home)
    assert beside.name.startswith(".")
    assert spool.drain(any_services.engine, home) == 0


def test_a_disk_that_refuses_is_said(home: Path, wish: Leaving) -> None:
    (home / "spool").mkdir()
    (home / "spool" / "leaving").symlink_to(os.devnull)
    with pytest.raises(OSError, match=r".+"):
        spool.keep(home, wish)
