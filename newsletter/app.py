"""The one place that builds things: settings → key → database → services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOSPC
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

import newsletter.delivery.models
import newsletter.editorial.models
import newsletter.schedule.models  # noqa: F401
import subscribers.models  # noqa: F401
from newsletter import migrations
from newsletter.core import settings as settings_module
from newsletter.core.clock import now
from newsletter.core.database_errors import FULL
from newsletter.core.db import open_engine, reading, writing
from newsletter.core.errors import ConfigurationError
from newsletter.core.installation import bind_key
from newsletter.core.sealing import Keyring, Sealer
from newsletter.core.settings import Settings
from newsletter.core.tokens import TokenSigner

if TYPE_CHECKING:
    from newsletter.providers.base import Provider
    from newsletter.rendering.environment import Theme


@dataclass(frozen=True)
class Services:
    """What the rooms above are handed: made once for each process."""

    settings: Settings
    engine: Engine
    ring: Keyring

    @cached_property
    def sealer(self) -> Sealer:
        """Seals and opens addresses."""
        return Sealer(self.ring)

    @cached_property
    def signer(self) -> TokenSigner:
        """Signs and reads the links in mails."""
        return TokenSigner(self.ring.derived("token"))

    @cached_property
    def theme(self) -> Theme:
        """Templates and words."""
        from newsletter.rendering.environment import Theme  # noqa: PLC0415

        paths = self.settings
        return Theme(paths.template_paths, paths.locale_paths, paths.languages)

    @cached_property
    def provider(self) -> Provider:
        """What takes our mail."""
        from newsletter.providers.registry import build  # noqa: PLC0415

        return build(self.settings)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def initialise(home: Path, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Services:
    """Make the home, its key and its database, or bring an older one up to date.

    An existing key is kept. A database without its key file is never given a new one.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as err:
        raise ConfigurationError(f"{home} cannot be made: {err.strerror}") from err
    settings = settings_module.load(home, overrides=overrides)
    with _engine(settings) as engine:
        if migrations.current(engine) is None and not settings.key_path.exists():
            _new_key(settings.key_path)
        ring = Keyring.load(settings.key_path)
        migrations.upgrade(engine)
        with writing(engine) as session:
            bind_key(session, ring, now())
        return Services(settings, engine, ring)


def _new_key(path: Path) -> None:
    """A key whole or not at all: half of one would be refused as damaged for ever."""
    try:
        Keyring.generate().save(path)
    except FileExistsError:
        return  # another program made the home at the same moment
    except OSError as err:
        path.unlink(missing_ok=True)
        reason = FULL.format(path.parent) if err.errno == ENOSPC else f"{path}: {err.strerror}"
        raise ConfigurationError(reason) from err


def open_services(home: Path, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Services:
    """The services of an existing home; ConfigurationError says what is missing or too new."""
    settings = settings_module.load(home, overrides=overrides)
    if not settings.database.url and not (home / "newsletter.db").is_file():
        raise ConfigurationError(f"there is no newsletter in {home}; run 'newsletter init' first")
    with _engine(settings) as engine:
        migrations.check(engine)
        ring = Keyring.load(settings.key_path)
        with reading(engine) as session:
            bind_key(session, ring, now())
        return Services(settings, engine, ring)


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine]:
    """An engine that is let go of again when what follows fails."""
    engine = open_engine(settings.database_url)
    try:
        yield engine
    except BaseException:
        engine.dispose()
        raise
