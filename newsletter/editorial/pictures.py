"""The picture store: bytes in the database, so that every host that sends or shows has them.

Backups, `newsletter move` and a purge treat them as they treat an issue's texts. Homes from
before kept them as files under `media`: those are read where they lie and taken over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, object_session

from newsletter.core.errors import NotFound
from newsletter.editorial.models import Issue, Picture, Publication
from newsletter.editorial.picture_names import StoredImage, is_stored_name, name_of

if TYPE_CHECKING:
    from newsletter.core.db import Base
    from newsletter.editorial.images import Frame


def store(
    session: Session, data: bytes, *, frame: Frame | None = None, field: str = "image"
) -> StoredImage:
    """Make a picture fit for mail and keep it; the same picture twice is one row.

    `frame` is what it may measure, else that of a featured image. InputError of `field` for what
    is no image (`images.fit`).
    """
    from newsletter.editorial import images  # noqa: PLC0415  (Pillow is slow to load)

    made = images.fit(data, frame or images.FEATURED, field=field)
    stored = StoredImage(made.name, made.width, made.height)
    _keep(session, stored, made.data)
    return stored


def load(session: Session, name: str, media_path: Path | None = None) -> bytes:
    """The bytes of a stored picture; NotFound when there is none, or not the approved one.

    `media_path` is where a home from before keeps them.
    """
    if not is_stored_name(name):
        raise NotFound("image", f"'{name}' is not the name of a stored image")
    data = session.scalar(select(Picture.data).where(Picture.name == name))
    if data is None and media_path is not None:
        data = _in_file(media_path, name)
    if data is None:
        raise NotFound(
            "image",
            f"the picture {name} is neither in the database nor in {media_path} of this host; run "
            "'newsletter migrate' on the host where the issue was made, or set the image again",
        )
    if name_of(data, name.rpartition(".")[2]) != name:
        raise NotFound(
            "image", f"the bytes of {name} are not those it was named after; set the image again"
        )
    return data


def find(session: Session, name: str) -> StoredImage | None:
    """A stored picture by its name, if it is there."""
    if not is_stored_name(name):
        return None
    columns = (Picture.name, Picture.width, Picture.height)
    found = session.execute(select(*columns).where(Picture.name == name)).one_or_none()
    return StoredImage(*found) if found else None


def discard(session: Session, name: str | None) -> None:
    """Forget a picture that nothing names any more: who replaced it may have had a reason."""
    if not name:
        return
    session.flush()
    uses = (
        select(func.count()).select_from(Issue).where(Issue.image_name == name),
        select(func.count()).select_from(Publication).where(Publication.logo_name == name),
    )
    if not any(session.scalar(counting) for counting in uses):
        session.execute(delete(Picture).where(Picture.name == name))


def take_over(session: Session, media_path: Path) -> list[str]:
    """Bring the files of a home from before into the database; names those found nowhere.

    The files stay where they are. A file whose bytes are not those of its name is not taken.
    """
    lacking = []
    for stored in _unkept(session):
        data = _in_file(media_path, stored.name)
        if data is not None and name_of(data, stored.name.rpartition(".")[2]) == stored.name:
            _keep(session, stored, data)
        else:
            lacking.append(stored.name)
    return lacking


def session_of(row: Base) -> Session:
    """The session a row was loaded in: its pictures lie in the same database."""
    session = object_session(row)
    if session is None:
        raise RuntimeError("the row is of no open session any more")
    return session


def _unkept(session: Session) -> Iterator[StoredImage]:
    named: dict[str, StoredImage] = {}
    for columns in (
        (Issue.image_name, Issue.image_width, Issue.image_height),
        (Publication.logo_name, Publication.logo_width, Publication.logo_height),
    ):
        for name, width, height in session.execute(select(*columns).where(columns[0].is_not(None))):
            if name:
                named[name] = StoredImage(name, width or 0, height or 0)
    kept = set(session.scalars(select(Picture.name)))
    yield from (stored for name, stored in named.items() if name not in kept)


def _keep(session: Session, stored: StoredImage, data: bytes) -> None:
    if find(session, stored.name) is not None:
        return
    row = Picture(name=stored.name, data=data, width=stored.width, height=stored.height)
    with suppress(IntegrityError), session.begin_nested():  # another host may just have kept it
        session.add(row)


def _in_file(media_path: Path, name: str) -> bytes | None:
    try:
        return (media_path / name).read_bytes() if is_stored_name(name) else None
    except OSError:
        return None
