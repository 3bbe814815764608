"""Asking for a confirmation: by the form of a sign-up, or by who left and wants to come back."""

from __future__ import annotations

from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.addresses import Address
from newsletter.core.clock import now
from newsletter.delivery import transactional
from newsletter.editorial.models import Publication
from newsletter.web.public.noticeboard import notice
from subscribers import optin


def ask(
    session: Session,
    services: Services,
    *,
    publication_id: int,
    address: Address,
    edition: str,
    wording: str,
    discreet: bool = False,
) -> bool:
    """Plan the mail that asks, if one is due; False when nobody can sign up there now.

    Whether one is due is not told, to the caller neither: its page says the same words.
    """
    publication = session.get(Publication, publication_id)
    if publication is None or not notice(services, publication).is_open:
        return False
    rules = services.settings.signup
    optin.subscribe(
        session,
        services.sealer,
        publication_id=publication_id,
        address=address,
        edition=edition,
        wording=wording,
        limits=optin.Limits(
            per_address_day=rules.per_address_day,
            per_address_month=rules.per_address_month,
            per_service_hour=rules.per_service_hour,
            valid_days=rules.valid_days,
        ),
        now=now(),
        plan=transactional.plan,
        discreet=discreet,
    )
    return True
