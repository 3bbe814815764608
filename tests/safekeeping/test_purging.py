"""After a purge nothing about readers is left, whatever is searched and whoever was running."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.app import Services, initialise, open_services
from newsletter.core import master_key
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import ConfigurationError
from newsletter.core.installation import DataKey, Installation
from newsletter.editorial.models import Editorial
from newsletter.safekeeping import keyholders, purging, shredding
from newsletter.safekeeping.catalogue import everything
from newsletter.worker import Worker
from subscribers.models import SignupMark, Subscriber, Suppression
from tests.cli.command import Command, Ran
from tests.delivery import newsroom
from tests.system import PATIENCE

AYE, BEN = "six words of Aye's own choice", "other words that Ben remembers"
ANSWERS = f"Aye\n{AYE}\nBen\n{BEN}\nPURGE\n"
WIPED = {
    "confirmations",
    "consents",
    "data_keys",
    "chunks",
    "deliveries",
    "events",
    "greetings",
    "link_checks",
    "notices",
    "outages",
    "paces",
    "soft_bounces",
    "keyholders",
    "leases",
    "list_imports",
    "signup_marks",
    "subscribers",
    "subscriptions",
    "suppressions",
}


@dataclass(frozen=True)
class Scene:
    """A newsletter in the midst of its life, and the command on it."""

    services: Services
    issue_id: int
    command: Command
    secrets: list[bytes]
    """Bytes that must be nowhere afterwards."""

    def purge(self, answers: str = ANSWERS) -> Ran:
        return self.command("purge", "--now", stdin=answers)


@pytest.fixture
def scene(services: Services) -> Scene:
    """On SQLite."""
    return staged(services)


@pytest.fixture
def any_scene(any_services: Services) -> Scene:
    """On each database in turn."""
    return staged(any_services)


def staged(services: Services) -> Scene:
    """An issue that was sent in part, a suppression, keyholders, logs, an export, a password."""
    home, engine = services.settings.home, services.engine
    issue_id = newsroom.publish(services, 12)
    newsroom.start(services, issue_id)
    worker = Worker(services)
    worker.step()
    worker.close()
    with writing(engine) as session:
        keyholders.add(session, "Aye", AYE, "test", now())
        keyholders.add(session, "Ben", BEN, "test", now())
        index = services.sealer.blind_index("gone@example.org")
        session.add(Suppression(address_index=index, reason="complaint", at=now()))
    (home / "logs").mkdir(exist_ok=True)
    (home / "logs" / "newsletter.log").write_text("r1 secret-line-of-the-log\n")
    (home / "readers.csv").write_text("email\nr1@example.org\n")
    (home / "keys-0badcafe.json").write_bytes((home / "keys.json").read_bytes())
    (home / "exports").mkdir()
    (home / "exports" / "old.csv.age").write_text("r2@example.org")
    (home / "newsletter.toml").write_text(
        f'[smtp]\npassword = "hunter2-secret"  # ours\nhost = "mail.example.org"\n'
        f'[database]\nurl = "{services.settings.database.url}"\n'
        '[public]\nurl = "https://news.example.org"\n'
    )
    with reading(engine) as session:
        secrets = list(_secrets(session, home))
    return Scene(services, issue_id, Command(home, {}), secrets)


def _secrets(session: Session, home: Path) -> Iterator[bytes]:
    for sealed, index in session.execute(
        select(Subscriber.sealed_address, Subscriber.address_index)
    ):
        yield bytes(sealed)
        yield bytes(index)
    for query in (select(DataKey.wrapped), select(Suppression.address_index)):
        yield from (bytes(found) for found in session.scalars(query))
    yield from (b"hunter2-secret", b"secret-line-of-the-log", b"@example.org")
    yield (home / "keys.json").read_bytes().partition(b"masters")[2][5:40]


def found(scene: Scene) -> set[bytes]:
    """Which of the secrets any file of the home, or a dump of the server, still holds."""
    contents = [p.read_bytes() for p in scene.services.settings.home.rglob("*") if p.is_file()]
    url = scene.services.settings.database.url
    if url:
        dump = subprocess.run(
            ["pg_dump", url.replace("+psycopg", "")], capture_output=True, check=True
        )
        # A dump writes bytea in hexadecimal.
        contents += [dump.stdout, *_unhexed(dump.stdout)]
    return {secret for secret in scene.secrets for one in contents if secret in one}


def _unhexed(dump: bytes) -> Iterator[bytes]:
    for word in dump.split():
        if word.startswith(b"\\\\x"):
            with suppress(ValueError):
                yield bytes.fromhex(word[3:].decode())


def test_nothing_is_left(any_scene: Scene) -> None:
    scene = any_scene
    assert found(scene) == set(scene.secrets), "the search finds what is there"
    ran = scene.purge()
    assert ran.code == 0, ran
    assert found(scene) == set()
    assert "Purged." in ran.out
    for word in ("mail provider", "other hosts", "sent copies", "backups", "laptops", "SSD"):
        assert word in ran.out
    assert "legal demand" in ran.err
    home = scene.services.settings.home
    assert not list(home.glob("keys*"))
    assert not (home / "logs").exists() or not list((home / "logs").iterdir())
    assert not list(home.rglob("*.csv*"))
    assert 'host = "mail.example.org"' in (home / "newsletter.toml").read_text()
    with reading(scene.services.engine) as session:
        assert session.scalar(select(Editorial.title)) is not None, "what was published stays"
        counts = purging.survey(session, scene.services.settings)
        assert set(counts.destroyed.values()) == {0}
        deeds = session.scalars(text("SELECT deed FROM audit_entries"))
        assert "purge" in set(deeds)


STAYS = (
    "newsletter.toml",
    "templates/mail/own.html",
    "locale/my/LC_MESSAGES/newsletter.po",
    f"media/{'0a' * 16}.png",
    f"media/{'0b' * 16}.jpg",
    "worker.lock",
)
GOES = (
    "newsletter.toml.from-backup",
    "newsletter.toml~",
    ".newsletter.toml.swp",
    "newsletter.db.bak",
    "list.txt",
    "person.html",
    "rows.xlsx",
    "media/list.csv",
    f"media/deeper/{'0a' * 16}.png",
    "sub/deep/list.csv",
    "mailbox/x/a.eml",
    "spool/leaving/one",
    "logs/newsletter.log",
    "keys.json",
)


def test_only_what_is_known_stays_in_the_home(any_scene: Scene) -> None:
    """A list, an export, a copy has any name and lies anywhere."""
    scene, home = any_scene, any_scene.services.settings.home
    for name in {*STAYS, *GOES} - {"newsletter.toml"}:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("hunter2-secret" if name in GOES else "kept")
    outside = home.parent / "outside.csv"
    outside.write_text("not in the home")
    (home / "linked.csv").symlink_to(outside)
    ran = scene.purge()
    assert ran.code == 0, ran
    left = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    assert {name for name in left if not name.startswith("newsletter.db")} == set(STAYS)
    assert ("newsletter.db" in left) == (not scene.services.settings.database.url)
    assert not (home / "sub").exists()
    assert outside.read_text() == "not in the home"
    assert f"linked.csv was a link to {outside}" in ran.out
    assert found(scene) == set()


def test_a_database_under_another_name_stays(services: Services) -> None:
    home = services.settings.home
    url = f"sqlite:///{home}/own/letters.sqlite"
    (home / "own").mkdir()
    for name in ("letters.sqlite", "letters.sqlite-wal", "letters.sqlite.old"):
        (home / "own" / name).touch()
    database = services.settings.database.model_copy(update={"url": url})
    settings = services.settings.model_copy(update={"database": database})
    taken = {path.name for path in shredding.doomed(settings)}
    assert {"letters.sqlite.old", "newsletter.db", "keys.json"} <= taken
    assert not {"letters.sqlite", "letters.sqlite-wal"} & taken


def test_a_file_that_cannot_be_overwritten_holds_nothing_up(scene: Scene) -> None:
    """A program that runs cannot be written to, by nobody: here a copy of `cat`."""
    home = scene.services.settings.home
    program = home / "a-program"
    shutil.copy(shutil.which("cat") or "", program)
    with subprocess.Popen([program], stdin=subprocess.PIPE) as running:
        ran = scene.purge()
        running.communicate(b"")
    assert ran.code == 0, ran
    assert not program.exists()
    assert f"[ ] {program} could not be overwritten" in ran.out
    assert found(scene) == set()


def test_a_file_that_cannot_be_removed_holds_nothing_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a directory that belongs to somebody else; a test may run as root, who may all."""
    home, real = scene.services.settings.home, Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name == "readers.csv":
            raise PermissionError(13, "Permission denied", str(path))
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    ran = scene.purge()
    assert ran.code == 0, ran
    assert "readers.csv: look what it holds and delete it by hand" in ran.out
    assert b"example.org" not in (home / "readers.csv").read_bytes()
    assert not (home / "keys.json").exists()


def test_what_is_written_while_it_cleans_up_is_removed_too(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By programs that still run: a line of a log, a mark that somebody wanted to sign up."""
    home, real = scene.services.settings.home, purging.vacuum

    def vacuum(engine: Engine) -> None:
        real(engine)
        (home / "logs").mkdir()
        (home / "logs" / "newsletter.log").write_text("secret-line-of-the-log")
        with writing(engine) as session:
            session.add(SignupMark(mark=b"0" * 16, at=now()))

    monkeypatch.setattr(purging, "vacuum", vacuum)
    assert scene.purge().code == 0
    assert not (home / "logs").exists()
    with reading(scene.services.engine) as session:
        assert set(purging.survey(session, scene.services.settings).destroyed.values()) == {0}


def test_nobody_signs_up_in_the_midst_of_it(any_services: Services) -> None:
    """A page that is still served has keys in memory, for some seconds."""
    services = any_services
    newsroom.publish(services, 2)

    def sign_up(name: str) -> None:
        with writing(services.engine) as session:
            newsroom.enrol(services, session, 1, [name])

    with writing(services.engine) as session:
        purging.destroy_keys(session, "test", now())
    sign_up("early")  # closed by a key that is nowhere any more
    services.chain._read_at -= 6
    with pytest.raises(ConfigurationError, match="was purged"):
        sign_up("later")
    services.chain._over, services.chain._read_at = False, time.monotonic()
    with writing(services.engine) as session:
        purging.delete_rows(session, now())
    with pytest.raises((ConfigurationError, IntegrityError)):
        sign_up("latest")
    with writing(services.engine) as session:
        purging.end(session, now())
    with reading(services.engine) as session:
        assert set(purging.survey(session, services.settings).destroyed.values()) == {0}


def test_who_is_writing_just_now_is_waited_for(any_services: Services) -> None:
    """A sign-up that was begun before the rows go and is committed while they go."""
    services = any_services
    newsroom.publish(services, 2)
    with writing(services.engine) as session:
        purging.destroy_keys(session, "test", now())
    done = threading.Event()

    def delete() -> None:
        with writing(services.engine) as session:
            purging.delete_rows(session, now())
        done.set()

    thread = threading.Thread(target=delete)
    with writing(services.engine) as session:
        newsroom.enrol(services, session, 1, ["late"])
        thread.start()
        assert not done.wait(0.5)
    thread.join(PATIENCE)
    assert done.is_set()
    with reading(services.engine) as session:
        assert session.scalars(select(Subscriber.id)).all() == []


def test_every_table_is_kept_by_name_or_wiped() -> None:
    """A new table falls on the side of the wiped: say here that this is meant."""
    assert {table.name for table in everything()} - purging.KEPT == WIPED
    assert {table.name for table in everything()} >= purging.KEPT


def test_a_process_of_its_own_knows_every_table(services: Services) -> None:
    """A room whose tables were not imported would be left behind by a purge and by a backup."""
    script = (
        "from newsletter.safekeeping.catalogue import everything\n"
        "print(*sorted(table.name for table in everything()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    there = set(inspect(services.engine).get_table_names())
    assert set(done.stdout.split()) == there - {"alembic_version"}


def test_it_ends_a_service_that_runs(scene: Scene) -> None:
    """`purge` and `serve` are processes of their own, as on the day."""
    home = scene.services.settings.home
    scene.services.close()
    command = scene.command.apart
    with subprocess.Popen(
        [sys.executable, "-m", "newsletter", "serve", "--port", "0"],
        env=command.whole_environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as serving:
        assert serving.stderr is not None
        assert any("is being served" in serving.stderr.readline() for _ in range(5))
        ran = command("purge", "--now", stdin=ANSWERS)
        assert ran.code == 0, ran
        rest = serving.stderr.read()
        assert serving.wait(PATIENCE) == 1
    assert "this newsletter was purged" in rest
    assert found(scene) == set()
    assert not (home / "keys.json").exists()


def test_without_now_nothing_changes(scene: Scene) -> None:
    ran = scene.command.ok("purge")
    assert "Nothing was changed." in ran.out
    assert "keys.json" in ran.out
    assert "readers.csv" in ran.out
    told = scene.command.ok("purge", "--json").json
    assert told["destroyed"]["subscribers"] == 12
    assert told["kept"]["issues"] == 1
    assert len(told["checklist"]) >= 6
    assert found(scene) == set(scene.secrets)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (f"Aye\n{AYE}\nAye\n{AYE}\n", "confirmed already"),
        (f"Aye\n{BEN}\n", "other words"),
        (f"Zaw\n{AYE}\n", "no keyholder"),
        (f"Aye\n{AYE}\nBen\n{BEN}\npurge\n", "not PURGE"),
        ("", "no answer"),
    ],
)
def test_it_takes_two_and_the_word(services: Services, answers: str, why: str) -> None:
    with writing(services.engine) as session:
        keyholders.add(session, "Aye", AYE, "test", now())
        keyholders.add(session, "Ben", BEN, "test", now())
    ran = Command(services.settings.home, {})("purge", "--now", stdin=answers)
    assert ran.code == 2
    assert why in ran.err
    assert services.settings.key_path.exists()
    with reading(services.engine) as session:
        assert not purging.begun(session)


def test_fewer_than_two_keyholders_cannot(services: Services) -> None:
    command = Command(services.settings.home, {})
    assert "two keyholders must confirm" in command.refused("purge", "--now")
    words = services.settings.home / "words"
    words.write_text(f"{AYE}\n")
    command.ok("keyholders", "add", "Aye", "--passphrase-file", words)
    again = command.refused("keyholders", "add", "Aye", "--passphrase-file", words)
    assert "Aye" in again
    assert command.ok("keyholders", "list", "--json").json == ["Aye"]
    assert "two keyholders must confirm" in command.refused("purge", "--now")
    command.ok("keyholders", "remove", "Aye")
    assert "no keyholder" in command.refused("keyholders", "remove", "Aye")


@pytest.mark.parametrize("step", ["delete_rows", "vacuum", "end"])
def test_killed_at_any_step_and_run_again(
    scene: Scene, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as trap:
        trap.setattr(purging, step, killed)
        scene.purge()
    with pytest.raises(ConfigurationError, match="is not through"):
        initialise(scene.services.settings.home).close()
    assert scene.purge(answers="").code == 0, "it is decided already; nobody is asked again"
    assert found(scene) == set()


def test_no_address_opens_after_the_first_step(services: Services) -> None:
    """Everything else may be lost to a power cut: the keys are noise, also for who has the
    master key."""
    newsroom.publish(services, 1)
    with reading(services.engine) as session:
        master = master_key.matching(
            services.settings, session.get_one(Installation, 1).wrapping or {}
        )
    with writing(services.engine) as session:
        purging.destroy_keys(session, "test", now())
    with reading(services.engine) as session:
        rows = session.scalars(select(DataKey)).all()
    assert len(rows) == 3
    for row in rows:
        with pytest.raises(ConfigurationError):
            master.unwrap(row.use, row.kid, bytes(row.wrapped))


def test_a_running_worker_ends_with_a_sentence(scene: Scene) -> None:
    worker = Worker(scene.services)
    assert scene.purge().code == 0
    with pytest.raises(ConfigurationError, match="this newsletter was purged"):
        worker.step()
    with suppress(ConfigurationError):
        worker.close()


def test_the_home_opens_anew(any_scene: Scene) -> None:
    scene = any_scene
    home = scene.services.settings.home
    assert scene.purge().code == 0
    with pytest.raises(ConfigurationError, match="'newsletter init' makes new keys"):
        open_services(home)
    assert "it was given new keys" in scene.command.ok("init", "--yes").out
    again = open_services(home)
    assert os.stat(home / "keys.json").st_mode & 0o077 == 0
    with writing(again.engine) as session:
        publication = session.scalar(text("SELECT id FROM publications"))
        assert isinstance(publication, int)
        newsroom.enrol(again, session, publication, ["r1"])
    again.close()
    assert "is not there" not in scene.command.ok("status").err
