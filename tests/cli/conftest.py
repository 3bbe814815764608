"""The command on an empty home, and a mail server that catches what it sends."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from newsletter.cli.catching import CatchingServer
from tests.cli.command import Command
from tests.dns_server import NameServer


@pytest.fixture(scope="session")
def name_server() -> Iterator[NameServer]:
    """A name server that knows nothing: what `doctor` asks when a test says nothing else."""
    with NameServer() as server:
        yield server


@pytest.fixture
def newsletter(home: Path, name_server: NameServer) -> Iterator[Command]:
    """The command, with a home that does not exist yet."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.handlers[:] = []
    given = {
        "NEWSLETTER_PUBLIC__URL": "http://127.0.0.1:8080",
        "NEWSLETTER_DOCTOR__NAMESERVERS": name_server.place,
    }
    yield Command(home, given)
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = before, level


@dataclass(frozen=True)
class Caught:
    """What a real SMTP server on this machine took."""

    directory: Path
    port: int

    @property
    def messages(self) -> list[EmailMessage]:
        """All messages, in the order they came."""
        files = sorted(self.directory.glob("*.eml"))
        return [
            message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=policy.default)
            for file in files
        ]

    def used_by(self, command: Command) -> Command:
        """The same command, sending to this server."""
        smtp = {"HOST": "127.0.0.1", "PORT": str(self.port), "SECURITY": "none"}
        wanted = {f"NEWSLETTER_SMTP__{key}": value for key, value in smtp.items()}
        return replace(command, environment={**command.environment, **wanted})


@pytest.fixture
def caught(tmp_path: Path) -> Iterator[Caught]:
    """A running mail server."""
    server = CatchingServer(tmp_path / "caught")
    yield Caught(tmp_path / "caught", server.start())
    server.stop()
