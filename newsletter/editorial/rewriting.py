"""From a file into an issue that is there: a translation, or a corrected text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from newsletter.core.errors import InputError
from newsletter.core.settings import Language, shipped_languages
from newsletter.editorial import conversions, filling, importing, issues
from newsletter.editorial.models import Issue
from newsletter.editorial.picture_names import decorative
from newsletter.editorial.tongues import Tongues
from newsletter.editorial.weekly_post import Post

_FORM = """; the text of one language comes as an issue file (docs/issue-file.md), which begins so:
+++
date = 2026-11-16
editions.{0}.title = "…"
+++ {0}
The first paragraph."""


def rewrite(
    session: Session,
    issue: Issue,
    data: bytes,
    name: str,
    *,
    language: str | None = None,
    directory: Path | None = None,
    languages: Mapping[str, Language] | None = None,
    now: datetime,
) -> list[str]:
    """Write the editorials and the image of a file into an issue; says what it wrote.

    Languages the file does not hold, and the issue's own date, number and resources, stay as
    they are, so that a translator sends back one language and nothing is doubled. The issue
    becomes a draft. `language` is that of a post's editorial. InputError names what is wrong
    with the file, NotAllowedNow says that the issue went out.
    """
    categories = issue.publication.categories
    headings = [n for c in categories for n in (c.key, *c.names.values()) if n]
    tongues = Tongues.among(issue.publication.languages, languages or shipped_languages())
    try:
        content = importing.read(data, name, language=language, headings=headings, tongues=tongues)
    except InputError as err:
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"+++"):
            raise
        raise InputError(err.field, err.message + _FORM.format(language or "en")) from err
    if isinstance(content, Post):
        return _from_post(session, issue, content, language, now)
    empty = [code for code, text in content.editions.items() if not text.written]
    for code in empty:
        del content.editions[code]
    words = content.image_alternatives or content.image_decorative
    if not content.editions and content.image is None and not words:
        said = f"; the text in {', '.join(empty)} is not written yet" if empty else ""
        raise InputError(name, f"neither a text nor an image stands in this file{said}")
    kept = list(issue.warnings)
    whole = filling.document(issue, content, None)
    filling.write_texts(session, issue, content, now, whole)
    issue.warnings = kept
    notes = [f"the text in '{written}' was written anew" for written in content.editions]
    notes += [f"the text in '{code}' is not written yet; it stays as it was" for code in empty]
    if content.image is not None:
        filling.write_image(issue, content, directory=directory, name=name, now=now, whole=whole)
        notes.append(f"the image is now {content.image}")
    elif content.image_decorative:
        issues.touched(issue, now)
        issue.image_alts = decorative(issue.publication.languages)
    elif content.image_alternatives:
        issues.touched(issue, now)
        alts = issues.image_words(issue, content.image_alternatives, now, whole)
        issue.image_alts = {**issue.image_alts, **alts}
    notes += _changed(session, issue, now)
    return [*notes, *_left_out(len(content.resources))]


def _from_post(
    session: Session, issue: Issue, post: Post, language: str | None, now: datetime
) -> list[str]:
    kept = list(issue.warnings)
    filling.write_post(session, issue, post, language, now)
    issue.warnings = kept
    notes = [f"line {n.line}: {n.text}" for n in post.notices if n.kind != "no_category"]
    notes += _changed(session, issue, now)
    return [f"“{post.title}” was written anew", *notes, *_left_out(len(post.resources))]


def _changed(session: Session, issue: Issue, now: datetime) -> list[str]:
    found = conversions.found_now(session, issue.publication, now)
    return conversions.told(found, issue.number)


def _left_out(resources: int) -> list[str]:
    if not resources:
        return []
    return ["the file's resources were left out: those of the issue stay as they are"]
