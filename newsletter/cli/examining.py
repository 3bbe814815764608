"""What `newsletter doctor` looks at, one small look after the other; none changes anything."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from newsletter.core.errors import NewsletterError

if TYPE_CHECKING:
    from newsletter.app import Services

_LITTLE = 200_000_000
"""Bytes under which a weekly's database, its journal and the log get cramped."""


@dataclass
class Finding:
    """One thing that was looked at, and what to do when it is not well."""

    subject: str
    level: Literal["ok", "warning", "error"]
    text: str
    remedy: str = ""


def examine(home: Path) -> list[Finding]:
    """All findings about a home, the fundamental ones first; stops where nothing can follow."""
    from newsletter.app import open_services

    findings = list(_home(home))
    if any(finding.level == "error" for finding in findings):
        return findings
    try:
        services = open_services(home)
    except NewsletterError as err:
        return [*findings, Finding("installation", "error", str(err))]
    try:
        looks: tuple[Callable[[Services], Iterator[Finding]], ...] = (
            _database,
            _publications,
            _mail,
            _public,
            _zones,
            _disk,
        )
        for look in looks:
            findings += look(services)
    finally:
        services.close()
    return findings


def _home(home: Path) -> Iterator[Finding]:
    if not home.is_dir():
        yield Finding("home", "error", f"{home} is not there", "run 'newsletter init'")
        return
    if not os.access(home, os.W_OK | os.X_OK):
        yield Finding(
            "home", "error", f"{home} cannot be written by this user", f"chown or chmod {home}"
        )
        return
    open_to = [
        path
        for path in (home, home / "keys.json", home / "newsletter.db")
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if any(path.name == "keys.json" for path in open_to) or home in open_to:
        names = " ".join(str(path) for path in open_to)
        yield Finding("home", "warning", "other users can look into it", f"chmod go= {names}")
    else:
        yield Finding("home", "ok", f"{home} belongs to this user alone")


def _database(services: Services) -> Iterator[Finding]:
    from newsletter import migrations

    kind = services.engine.dialect.name
    yield Finding("key", "ok", "present, and the one this database was made with")
    yield Finding("database", "ok", f"{kind}, at version {migrations.HEAD}, the newest")


def _publications(services: Services) -> Iterator[Finding]:
    from newsletter.core.db import reading
    from newsletter.editorial import publications

    with reading(services.engine) as session:
        found = {p.slug: publications.lacks(p) for p in publications.listing(session)}
    if not found:
        yield Finding("publication", "error", "there is none", "run 'newsletter init'")
    for slug, lacking in found.items():
        for sentence in lacking:
            text, _, remedy = sentence.partition("; ")
            yield Finding(f"publication {slug}", "error", text, remedy)
        if not lacking:
            yield Finding(f"publication {slug}", "ok", "lacks nothing")


def _mail(services: Services) -> Iterator[Finding]:
    settings = services.settings
    if settings.delivery.provider != "smtp":
        yield Finding(
            "mail",
            "warning",
            f"the provider is '{settings.delivery.provider}', which sends nothing to anybody",
            'set provider = "smtp" under [delivery] in newsletter.toml',
        )
        return
    place = f"{settings.smtp.host}:{settings.smtp.port}"
    try:
        services.provider.connect().close()
    except NewsletterError as err:
        yield Finding("mail", "error", str(err), "see [smtp] in newsletter.toml")
    else:
        yield Finding("mail", "ok", f"{place} answers ({settings.smtp.security})")


def _public(services: Services) -> Iterator[Finding]:
    from newsletter.core.http import get_status

    url = services.settings.public.url.rstrip("/")
    remedy = "start 'newsletter serve', and set url under [public] to what readers can reach"
    try:
        status = get_status(f"{url}/healthz", timeout=5)
    except NewsletterError as err:
        yield Finding("public address", "warning", str(err), remedy)
        return
    if status != 200:
        yield Finding("public address", "error", f"{url}/healthz answers {status}", remedy)
        return
    yield Finding("public address", "ok", f"{url} answers")
    if not url.startswith("https://") and "//127." not in url and "//localhost" not in url:
        yield Finding(
            "public address",
            "warning",
            "it is not https, so others can read who leaves",
            "put a TLS proxy in front and set url under [public] to https://…",
        )


def _zones(services: Services) -> Iterator[Finding]:
    from newsletter.core import clock
    from newsletter.core.db import reading
    from newsletter.editorial import publications

    with reading(services.engine) as session:
        names = {p.slot_zone for p in publications.listing(session)}
    for name in sorted(names):
        try:
            wall = clock.now().astimezone(clock.zone(name))
        except NewsletterError as err:
            yield Finding("time zone", "error", str(err), "pip install --upgrade tzdata")
        else:
            yield Finding("time zone", "ok", f"in {name} it is {wall:%Y-%m-%d %H:%M}")


def _disk(services: Services) -> Iterator[Finding]:
    free = shutil.disk_usage(services.settings.home).free
    text = f"{free / 1e9:.1f} GB free"
    if free < _LITTLE:
        yield Finding("disk", "warning", text, "make room: a full disk stops the sending")
    else:
        yield Finding("disk", "ok", text)
