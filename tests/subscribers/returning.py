"""Coming back after leaving, as a reader does: asking on the page, and the button of the mail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.core.addresses import parse
from newsletter.core.sealing import Sealer
from subscribers import optin

_LIMITS = optin.Limits(9, 9, 999, 7)


def come_back(
    session: Session,
    sealer: Sealer,
    publication_id: int,
    address: str,
    at: datetime,
) -> str | None:
    """What the press answered; None when no mail was due."""
    due = optin.subscribe(
        session,
        sealer,
        publication_id=publication_id,
        address=parse(address),
        edition="en",
        wording="Subscribe again",
        limits=_LIMITS,
        now=at,
    )
    if due is None:
        return None
    return optin.confirm(
        session,
        public_id=due.public_id,
        publication_id=publication_id,
        wording="Confirm subscription",
        now=at,
    )
