"""The one place that builds things: settings → key → database → services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

import newsletter.delivery.models
import newsletter.editorial.models
import newsletter.editorial.source_models
import newsletter.schedule.models  # noqa: F401
import subscribers.models  # noqa: F401
from newsletter import migrations
from newsletter.core import establishing, key_file, keychain
from newsletter.core import settings as settings_module
from newsletter.core.clock import now
from newsletter.core.db import open_engine, reading, writing
from newsletter.core.errors import ConfigurationError
from newsletter.core.keychain import KeyChain
from newsletter.core.keyring import Keyring
from newsletter.core.sealing import Sealer
from newsletter.core.settings import Settings
from newsletter.core.tokens import TokenSigner
from newsletter.editorial import own_templates
from subscribers import resealing

if TYPE_CHECKING:
    from newsletter.providers.base import Provider
    from newsletter.rendering.environment import Theme

_KEYS_IN_THE_FILE = "0001"
"""The revision before the data keys were wrapped and stored in the database."""


@dataclass(frozen=True)
class Services:
    """What the rooms above are handed: made once for each process."""

    settings: Settings
    engine: Engine
    chain: KeyChain

    @property
    def ring(self) -> Keyring:
        """The data keys of this installation."""
        return self.chain.current()

    def secret(self, label: str) -> bytes:
        """32 bytes for one use of its own (`form`), the same for ever and in every process."""
        return self.ring.derived(label)

    @cached_property
    def sealer(self) -> Sealer:
        """Seals and opens addresses."""
        return Sealer(self.chain)

    @cached_property
    def signer(self) -> TokenSigner:
        """Signs and reads the links in mails."""
        return TokenSigner(self.chain)

    @cached_property
    def theme(self) -> Theme:
        """Templates and words."""
        from newsletter.rendering.environment import Theme  # noqa: PLC0415

        paths = self.settings
        return Theme(paths.template_paths, paths.locale_paths, paths.languages)

    @cached_property
    def providers(self) -> Mapping[str, Provider]:
        """What takes our mail, by the names in the settings; each is built when it is asked for."""
        from newsletter.providers.registry import Registry  # noqa: PLC0415

        return Registry(self.settings)

    @cached_property
    def provider(self) -> Provider:
        """What takes our mail where no route says otherwise."""
        return self.providers[self.settings.delivery.provider]

    def close(self) -> None:
        """Let go of the database."""
        self.chain.close()
        self.engine.dispose()


def initialise(home: Path, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Services:
    """Make the home, its key and its database, or bring an older one up to date.

    An existing key is kept. A database without its key file is never given a new one.
    ConfigurationError says what is missing or does not match.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as err:
        raise ConfigurationError(f"{home} cannot be made: {err.strerror}") from err
    settings = settings_module.load(home, overrides=overrides)
    with _engine(settings) as engine, key_file.alone(home):
        if migrations.current(engine) == _KEYS_IN_THE_FILE:
            with reading(engine) as session:
                establishing.check_legacy(session, settings)
        migrations.upgrade(engine)
        with reading(engine) as session:
            establishing.prepare(session, settings)
        with writing(engine) as session:
            if establishing.establish(session, settings, now()):
                resealing.name_keys(session)
        with reading(engine) as session:
            establishing.finish(session, settings)
        return _services(settings, engine)


def _services(settings: Settings, engine: Engine) -> Services:
    engine.update_execution_options(**{own_templates.OPTION: settings.home / "templates"})
    with reading(engine) as session:
        master, ring = keychain.opened(session, settings)
    chain = KeyChain(open_engine(settings.database_url), settings, master, ring)
    return Services(settings, engine, chain)


def open_services(home: Path, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Services:
    """The services of an existing home; ConfigurationError says what is missing or too new."""
    settings = settings_module.load(home, overrides=overrides)
    if not settings.database.url and not (home / "newsletter.db").is_file():
        raise ConfigurationError(f"there is no newsletter in {home}; run 'newsletter init' first")
    with _engine(settings) as engine:
        migrations.check(engine)
        return _services(settings, engine)


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine]:
    """An engine that is let go of again when what follows fails."""
    engine = open_engine(settings.database_url)
    try:
        yield engine
    except BaseException:
        engine.dispose()
        raise
