"""What goes into a backup, what never does, and what `newsletter backup` says."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core import encrypting
from newsletter.core.clock import now
from newsletter.core.db import reading
from newsletter.core.encrypting import Key
from newsletter.core.errors import InputError
from newsletter.core.installation import AuditEntry
from newsletter.safekeeping.blanking import blanked
from newsletter.safekeeping.shredding import SECRETS
from subscribers import spool
from tests.cli.command import Command
from tests.core.test_database_errors import small_disk  # noqa: F401  (a fixture)
from tests.delivery import newsroom
from tests.safekeeping import safe

RECIPIENT = str(safe.IDENTITY.to_public())


def plain(path: Path) -> bytes:
    """Everything that stands in a backup."""
    with (
        path.open("rb") as file,
        encrypting.reader(file, Key((safe.IDENTITY,))) as packed,
        gzip.open(packed) as stream,
    ):
        return stream.read()


def test_the_master_key_is_never_in_it(services: Services, tmp_path: Path) -> None:
    home = services.settings.home
    newsroom.publish(services, 2)
    (home / "newsletter.toml").write_text(
        '[keys]\npassphrase = "the words that open everything"\n[smtp]\npassword = "kept"\n'
    )
    safe.back_up(services, tmp_path / "one.age")
    content = plain(tmp_path / "one.age")
    master = json.loads((home / "keys.json").read_text())["masters"][0]
    assert master.encode() not in content
    assert b"the words that open" not in content
    assert b'password = "kept"' in content
    assert b"r1@example.org" not in content, "addresses stay sealed inside, too"


def test_a_wish_to_leave_that_waits_is_in_it(services: Services, tmp_path: Path) -> None:
    wish = spool.Leaving(uuid4(), 1, "one_click", "…", now())
    spool.keep(services.settings.home, wish)
    safe.back_up(services, tmp_path / "one.age")
    place = safe.target(tmp_path, services)
    assert place.restore(tmp_path / "one.age").code == 0
    assert spool.holds(place.home, wish.subject, 1)


def test_the_command(services: Services, tmp_path: Path) -> None:
    newsroom.publish(services, 2)
    command = Command(services.settings.home, {"NEWSLETTER_BACKUP__RECIPIENTS": RECIPIENT})
    ran = command.ok("backup", tmp_path, "--json").json
    path = Path(ran["file"])
    assert path.name.startswith("newsletter-20")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == ran["size"]
    assert ran["tables"]["subscribers"] == 2
    assert "keys.json" in ran["key"]
    assert [p.name for p in tmp_path.glob("*.age*")] == [path.name]
    said = command.ok("backup", tmp_path / "other.age").out
    assert "The master key is not in it" in said
    assert "name another" in command.refused("backup", tmp_path / "other.age")
    assert "no such directory" in command.refused("backup", tmp_path / "none" / "x.age")
    assert "age recipient" in command.refused("backup", tmp_path / "y.age", "--to", "age1x")
    with reading(services.engine) as session:
        deeds = [
            row.deed for row in session.execute(select(AuditEntry.deed).order_by(AuditEntry.id))
        ]
    assert deeds == ["backup", "backup"]


def test_locked_by_a_passphrase(services: Services, tmp_path: Path) -> None:
    newsroom.publish(services, 1)
    command = Command(services.settings.home, {})
    words = "six words that nobody guesses\n"
    path = tmp_path / "one.age"
    assert "at least 12" in command("backup", path, stdin="short\nshort\n").err
    command.ok("backup", path, stdin=words + words)
    other = Command(tmp_path / "new", {})
    keys = services.settings.key_path
    wrong = other("restore", path, "--keys", keys, stdin="other words altogether\n")
    assert (wrong.code, (tmp_path / "new").exists()) == (2, False)
    assert "not the one it was locked with" in wrong.err
    other.ok("restore", path, "--keys", keys, stdin=words)
    assert "r1@example.org" in other.ok("subscribers", "list", "--reveal").out


def test_a_full_disk_is_a_sentence(services: Services, small_disk: Path) -> None:  # noqa: F811
    (services.settings.home / "media").mkdir(exist_ok=True)
    (services.settings.home / "media" / "noise.png").write_bytes(_noise(4_000_000))
    command = Command(services.settings.home, {"NEWSLETTER_BACKUP__RECIPIENTS": RECIPIENT})
    assert "no space left" in command.refused("backup", small_disk)
    assert list(small_disk.iterdir()) == []


def _noise(size: int) -> bytes:
    with open("/dev/urandom", "rb") as source:
        return source.read(size)


def test_memory_stays_flat(services: Services, tmp_path: Path) -> None:
    """A backup of 60 MB of images and a long table takes the memory of an empty one."""
    home = services.settings.home
    (home / "media").mkdir(exist_ok=True)
    small = _peak(home, tmp_path / "small.age")
    (home / "media" / "noise.png").write_bytes(_noise(60_000_000))
    assert _peak(home, tmp_path / "large.age") - small < 15_000


def _peak(home: Path, path: Path) -> int:
    script = (
        "import resource, sys; from newsletter.cli.main import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "--home", str(home), "backup", str(path), "--to", RECIPIENT],
        capture_output=True, text=True, check=True, env=Command(home, {}).whole_environment,
    )  # fmt: skip
    return int(done.stdout.split()[-1])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('[smtp]\npassword = "x"\nport = 25\n', '[smtp]\npassword = ""\nport = 25\n'),
        ("[smtp]\r\npassword='x' # mine\r\n", '[smtp]\r\npassword= ""\r\n'),
        ('smtp.password = "x"\n', 'smtp.password = ""\n'),
        ('[ "smtp" ]\n"password" = "x"', '[ "smtp" ]\n"password" = ""'),
        ('[keys]\nkey = "x"\n[other]\nkey = "y"\n', '[keys]\nkey = ""\n[other]\nkey = "y"\n'),
        ('[public]\nurl = "https://a.example"\n', '[public]\nurl = "https://a.example"\n'),
    ],
)
def test_secrets_are_taken_out_of_the_settings(before: str, after: str) -> None:
    assert blanked(before, SECRETS, "newsletter.toml") == after


@pytest.mark.parametrize(
    "text",
    [
        'smtp = {password = "x"}\n',
        '[smtp]\npassword = """\nx"""\n',
        '[smtp]\npassword = "x"\nport =\n',
    ],
)
def test_what_cannot_be_taken_out_is_said(text: str) -> None:
    with pytest.raises(InputError, match=r"password as a line of its own|not valid TOML"):
        blanked(text, SECRETS, "newsletter.toml")
