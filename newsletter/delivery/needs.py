"""What sending needs to be handed: the services, as this room sees them from below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sqlalchemy import Engine

from newsletter.core.keyring import Keyring
from newsletter.core.sealing import Sealer
from newsletter.core.settings import Settings
from newsletter.core.tokens import TokenSigner
from newsletter.providers.base import Provider
from newsletter.rendering.environment import Theme


class Needs(Protocol):
    """Settings, database, secrets, templates and a provider; `app.Services` is one."""

    @property
    def settings(self) -> Settings:
        """All settings in force."""

    @property
    def engine(self) -> Engine:
        """The database."""

    @property
    def ring(self) -> Keyring:
        """The secrets."""

    @property
    def sealer(self) -> Sealer:
        """Opens addresses."""

    @property
    def signer(self) -> TokenSigner:
        """Signs links."""

    @property
    def theme(self) -> Theme:
        """Templates and words."""

    @property
    def provider(self) -> Provider:
        """What takes our mail where no route says otherwise."""

    @property
    def providers(self) -> Mapping[str, Provider]:
        """All that may take our mail, by the names in the settings."""
