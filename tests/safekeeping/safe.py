"""Backups made and restored as an operator does it, for the tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pyrage

from newsletter.app import Services, open_services
from newsletter.core.clock import now
from newsletter.core.db import reading
from newsletter.core.encrypting import Lock
from newsletter.safekeeping import backing_up
from newsletter.safekeeping.backing_up import Saved
from tests.cli.command import Command, Ran

IDENTITY = pyrage.x25519.Identity.generate()
LOCK = Lock.recipients([str(IDENTITY.to_public())])


@dataclass(frozen=True)
class Target:
    """Where a backup is restored to, and what opens it."""

    home: Path
    database_url: str
    identity: Path
    keys: Path

    def command(self, **settings: str) -> Command:
        """The command in the new home."""
        environment = {"NEWSLETTER_PUBLIC__URL": "http://127.0.0.1:8080"}
        environment["NEWSLETTER_DATABASE__URL"] = self.database_url
        return Command(self.home, {**environment, **settings})

    def restore(self, backup: Path, *more: object) -> Ran:
        """Run `newsletter restore`."""
        return self.command()(
            "restore", backup, "--identity", self.identity, "--keys", self.keys, *more
        )

    def accept(self) -> None:
        """Answer for it that who left since the backup was brought in."""
        self.command().ok("restored", "--accept", "--yes")

    def services(self, first: Services) -> Services:
        """The restored installation, sending as the first one does."""
        found = open_services(self.home, {"database": {"url": self.database_url}})
        settings = found.settings.model_copy(
            update={
                "smtp": first.settings.smtp,
                "delivery": first.settings.delivery,
                "public": first.settings.public,
            }
        )
        return replace(found, settings=settings)


def target(tmp_path: Path, services: Services, database_url: str = "") -> Target:
    """A place for what `services` backs up."""
    identity = tmp_path / "identity.txt"
    identity.write_text(f"{IDENTITY}\n")
    return Target(tmp_path / "restored", database_url, identity, services.settings.key_path)


def back_up(services: Services, path: Path) -> Saved:
    """A backup of this moment."""
    home = services.settings.home
    waiting = backing_up.wishes(home)
    with reading(services.engine) as session, path.open("wb") as file:
        return backing_up.back_up(session, home, file, lock=LOCK, waiting=waiting, now=now())
