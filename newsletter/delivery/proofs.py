"""Proofs: an edition sent to an editor's own address, marked as a test, outside the ledger."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from newsletter.core.addresses import parse
from newsletter.core.db import reading
from newsletter.core.log import redact
from newsletter.delivery.needs import Needs
from newsletter.delivery.press import Press
from newsletter.editorial.discreet import require
from newsletter.editorial.models import Issue
from newsletter.providers.base import Envelope


def send_test(
    services: Needs,
    issue: Issue,
    edition: str,
    addresses: Sequence[str],
    now: datetime,
    *,
    discreet: bool = False,
) -> list[str]:
    """Send the edition as it stands now to these addresses; returns the server's answers.

    Needs no approval and touches no delivery. The subject begins with [TEST] and the links can
    do nothing. To be called outside any transaction. InputError for an address that is none,
    ProviderError at the first message not taken. `discreet`: in the form of readers who
    chose that; NotAllowedNow says what the publication lacks for it.
    """
    recipients = [parse(address, "to") for address in addresses]
    with reading(services.engine) as session:
        found = session.get_one(Issue, issue.id)
        if discreet:
            require(found.publication, services.settings.links_url)
        sheet = Press(services).print(found, edition).in_form(discreet=discreet)
    envelopes = [
        sheet.test_envelope(
            address=address,
            message_id=secrets.token_hex(16),
            date=now,
            signed=services.provider.takes_return_path,
        )
        for address in recipients
    ]
    return _submit(services, envelopes)


def _submit(services: Needs, envelopes: Sequence[Envelope]) -> list[str]:
    connection = services.provider.connect()
    try:
        return [redact(connection.submit(envelope, lambda: None)) for envelope in envelopes]
    finally:
        connection.close()
