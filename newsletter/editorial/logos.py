"""The logo of a publication: the picture in the place of its name, on every mail it sends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.core.errors import InputError
from newsletter.editorial import conversion_places as places
from newsletter.editorial import conversions, images, pictures
from newsletter.editorial.conversions import Arriving
from newsletter.editorial.models import Publication
from newsletter.editorial.publications import frozen_issues, reopen


def set_logo(
    session: Session,
    publication: Publication,
    data: bytes,
    alts: Mapping[str, str],
    *,
    field: str = "logo",
    now: datetime,
) -> list[str]:
    """Make this picture the logo, and say what that changed.

    `alts` must have words in each language of the publication: most readers see these and not
    the picture, and it stands where the name would. InputError of `field` for what is no image.
    """
    door = conversions.Door(session, publication, now=now)
    arriving = [Arriving(places.of_logo(code), code, text) for code, text in alts.items()]
    words = dict(zip(alts, door.take(arriving), strict=True))
    wordless = [code for code in publication.languages if not words.get(code)]
    if wordless:
        given = " ".join(f'--alt {code}="…"' for code in wordless)
        raise InputError(
            "--alt",
            "say what the logo says, for readers who do not see it (the name, as a rule); add "
            f"{given}",
        )
    strange = next((code for code in alts if code not in publication.languages), None)
    if strange is not None:
        there = ", ".join(publication.languages)
        raise InputError("--alt", f"the publication has no '{strange}'; it has {there}")
    frozen, before = frozen_issues(session, publication), publication.logo_name
    stored = pictures.store(session, data, frame=images.LOGO, field=field)
    publication.logo_name = stored.name
    publication.logo_width, publication.logo_height = stored.width, stored.height
    publication.logo_alts = words
    if before != stored.name:
        pictures.discard(session, before)
    said = f"the logo is {stored.name}, {stored.width} × {stored.height} pixels"
    return [said, *conversions.told(door.close()), *reopen(frozen, now)]


def say_otherwise(
    session: Session, publication: Publication, language: str, text: str, now: datetime
) -> None:
    """Other words for the logo that is there, as an editor decided; needs no look at them."""
    frozen = frozen_issues(session, publication)
    publication.logo_alts = {**publication.logo_alts, language: text}
    reopen(frozen, now)


def remove_logo(session: Session, publication: Publication, now: datetime) -> list[str]:
    """Let the name stand there again; empty when there was no logo."""
    before = publication.logo_name
    if before is None:
        return []
    frozen = frozen_issues(session, publication)
    publication.logo_name = publication.logo_width = publication.logo_height = None
    publication.logo_alts = {}
    pictures.discard(session, before)
    return ["the name stands in the place of the logo", *reopen(frozen, now)]
