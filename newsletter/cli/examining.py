"""What `newsletter doctor` looks at, one small look after the other; none changes anything."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from newsletter.core.errors import NewsletterError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from newsletter.core.settings import Settings

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
    """All findings about a home; what is broken is said, and what does not hang on it follows."""
    from newsletter.core import settings as settings_module

    findings = list(_home(home))
    if not home.is_dir():
        return findings
    findings += _disk(home)
    file = home / "keys.json"
    try:
        settings = settings_module.load(home)
    except NewsletterError as err:
        where = "mail, public address and database cannot be looked at before that is mended"
        return [*findings, Finding("settings", "error", str(err), where), *_key_file(file)]
    database = list(_guarded("database", _of_database, settings))
    purged = any("was purged on" in finding.text for finding in database)  # so no key is missed
    if file.exists() or not (purged or settings.keys.passphrase or settings.keys.key):
        findings += (one for one in _key_file(file) if all(one.text != d.text for d in database))
    findings += database
    findings += _guarded("mail", _mail, settings)
    findings += _guarded("signature", _signature, settings)
    findings += _guarded("bounces", _bounces, settings)
    findings += _guarded("public address", _public, settings)
    return findings


def _guarded(
    subject: str, look: Callable[[Settings], Iterator[Finding]], settings: Settings
) -> Iterator[Finding]:
    """The findings of one look; what it stumbles over is a finding too."""
    try:
        yield from look(settings)
    except NewsletterError as err:
        yield Finding(subject, "error", str(err))
    except OSError as err:
        yield Finding(subject, "error", (err.strerror or str(err)).lower())


def _home(home: Path) -> Iterator[Finding]:
    if not home.is_dir():
        yield Finding("home", "error", f"{home} is not there", "run 'newsletter init'")
        return
    if not os.access(home, os.W_OK | os.X_OK):
        yield Finding(
            "home",
            "error",
            f"{home} cannot be written by this user",
            f"chown or chmod {home}, or mount its disk for writing",
        )
        return
    open_to = [
        path
        for path in (home, *home.glob("keys*.json"), home / "newsletter.db")
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if any(path.suffix == ".json" for path in open_to) or home in open_to:
        names = " ".join(str(path) for path in open_to)
        yield Finding("home", "warning", "other users can look into it", f"chmod go= {names}")
    else:
        yield Finding("home", "ok", f"{home} belongs to this user alone")


def _key_file(path: Path) -> Iterator[Finding]:
    from newsletter.core.key_file import KeyFile

    try:
        KeyFile.load(path)
    except NewsletterError as err:
        yield Finding("key", "error", str(err))
    else:
        yield Finding("key", "ok", "present and whole")


def _of_database(settings: Settings) -> Iterator[Finding]:
    from newsletter import migrations
    from newsletter.core.db import open_engine, reading

    embedded = settings.home / "newsletter.db"
    if not settings.database.url and not embedded.is_file():
        yield Finding("database", "error", f"{embedded} is not there", "run 'newsletter init'")
        return
    engine = open_engine(settings.database_url)
    try:
        migrations.check(engine)
        text = f"{engine.dialect.name}, at version {migrations.HEAD}, the newest"
        yield Finding("database", "ok", text)
        with reading(engine) as session:
            yield from _wrapping(session, settings)
            yield from _restored(session)
            yield from _publications(session)
            yield from _zones(session)
            yield from _imports(session)
            yield from _brake(session, settings)
            yield from _alignment(session, settings)
            yield from _routes(session, settings)
    finally:
        engine.dispose()


def _wrapping(session: Session, settings: Settings) -> Iterator[Finding]:
    from newsletter.cli.keys import WAYS
    from newsletter.core import keychain

    try:
        master, _ = keychain.opened(session, settings)
    except NewsletterError as err:
        yield Finding("key", "error", str(err))
        return
    yield Finding("data keys", "ok", f"wrapped by {WAYS[master.by]}, and all of them open")
    given = {"passphrase": settings.keys.passphrase, "environment": settings.keys.key}
    if idle := [name for name, value in given.items() if value and name != master.by]:
        yield Finding(
            "data keys",
            "warning",
            f"{WAYS[idle[0]]} stands under [keys], and the keys are not wrapped by it",
            "take it out, or run 'newsletter keys wrap'",
        )


def _restored(session: Session) -> Iterator[Finding]:
    from newsletter.safekeeping.aftermath import remembered

    found = remembered(session)
    if found is None:
        return
    text = f"restored from a backup of {found['backup_of_at'][:16].replace('T', ' ')} UTC"
    remedies = []
    if not found["accepted_at"]:
        text += "; who left since is not known to it, so no issue goes out yet"
        remedies.append("run 'newsletter restored', which says what to do first")
    if found["doubtful"]:
        text += f"; {found['doubtful']} deliveries may have gone out since"
        remedies.append("see 'newsletter status N', then 'newsletter settle N …'")
    if found["confirmations"]:
        text += (
            f"; so may {found['confirmations']} confirmation mails, for which nothing is to be "
            "done: whoever got none signs up again"
        )
    if remedies:
        yield Finding("restore", "warning", text, "; ".join(remedies))
    else:
        yield Finding("restore", "ok", f"{text}; nothing of it is to be settled")


def _publications(session: Session) -> Iterator[Finding]:
    from newsletter.editorial import publications

    found = {p.slug: publications.lacks(p) for p in publications.listing(session)}
    if not found:
        yield Finding("publication", "error", "there is none", "run 'newsletter init'")
    for slug, lacking in found.items():
        for sentence in lacking:
            text, _, remedy = sentence.partition("; ")
            yield Finding(f"publication {slug}", "error", text, remedy)
        if not lacking:
            yield Finding(f"publication {slug}", "ok", "lacks nothing")


def _mail(settings: Settings) -> Iterator[Finding]:
    from newsletter.core.routing_settings import provider_names

    for name in provider_names(settings):
        usual = name == settings.delivery.provider
        yield from _provider(settings, name, "mail" if usual else f"mail by {name}")


def _provider(settings: Settings, name: str, subject: str) -> Iterator[Finding]:
    from newsletter.core.routing_settings import kind_of
    from newsletter.providers.registry import OVER_HTTP, build

    kind = kind_of(settings, name)
    remedy = f"see [{name if kind == name else f'providers.{name}'}] in newsletter.toml"
    if kind not in OVER_HTTP and kind != "smtp":
        yield Finding(
            subject,
            "warning",
            f"the provider is '{name}', which sends nothing to anybody",
            'set provider = "smtp" under [delivery] in newsletter.toml'
            if name == settings.delivery.provider
            else "take it out of [providers] and [[routes]] in newsletter.toml",
        )
        return
    try:
        build(settings, name).connect().close()
    except NewsletterError as err:
        yield Finding(subject, "error", str(err).partition("; see [")[0], remedy)
    else:
        yield Finding(subject, "ok", _answers(settings, name, kind))


def _answers(settings: Settings, name: str, kind: str) -> str:
    from newsletter.core.routing_settings import section_of
    from newsletter.core.settings import Smtp

    smtp = section_of(settings, name) if kind == "smtp" else None
    if isinstance(smtp, Smtp):
        return f"{smtp.host}:{smtp.port} answers ({smtp.security})"
    return f"{name} has what it needs; whether its key is good the first message tells"


def _signature(settings: Settings) -> Iterator[Finding]:
    from newsletter.rendering.dkim import SigningKey
    from newsletter.rendering.dkim_keys import ADVISED_BITS, load

    paths = settings.dkim.paths(settings.home)
    if not paths:
        return
    keys = [SigningKey(selector, load(path)) for selector, path in paths.items()]
    loose = [str(p) for p in paths.values() if stat.S_IMODE(p.stat().st_mode) & 0o077]
    if loose:
        yield Finding("signature", "warning", "others can read it", f"chmod go= {' '.join(loose)}")
    elif keys[0].bits < ADVISED_BITS:
        text = "the first DKIM key is none that every receiver trusts"
        yield Finding("signature", "warning", text, "make an RSA key by 'newsletter dkim new-key'")
    else:
        named = " and ".join(f"'{key.selector}'" for key in keys)
        say = "'newsletter dkim show' says what the DNS needs"
        yield Finding("signature", "ok", f"DKIM for {settings.dkim.domain} by {named}; {say}")


def _alignment(session: Session, settings: Settings) -> Iterator[Finding]:
    """DMARC passes only when the signature is of the sender's own domain (RFC 9989)."""
    from newsletter.editorial import publications

    signed = settings.dkim.domain.lower()
    for one in publications.listing(session):
        domain = one.sender_address.rpartition("@")[2]
        if signed and domain and not f".{domain}".endswith(f".{signed}"):
            yield Finding(
                "signature",
                "warning",
                f"'{one.slug}' is sent from {domain} and signed by {signed}, so receivers "
                "do not count the signature for the sender",
                f"set domain under [dkim] to {domain}, with a key of its own",
            )


def _routes(session: Session, settings: Settings) -> Iterator[Finding]:
    """Routes that take nothing, because what they name is not there."""
    from newsletter.editorial import edition_codes, publications

    languages = {one.slug: one.languages for one in publications.listing(session)}
    for number, route in enumerate(settings.routes):
        if route.publication and route.publication not in languages:
            yield _idle_route(number, f"publication '{route.publication}'", languages)
            continue
        among = [languages[route.publication]] if route.publication else [*languages.values()]
        wanted = route.edition
        if wanted and all(edition_codes.remaining(one, wanted) != wanted for one in among):
            there = (edition for one in among for edition in edition_codes.choices(one))
            yield _idle_route(number, f"edition '{wanted}'", dict.fromkeys(there))


def _idle_route(number: int, what: str, there: Iterable[str]) -> Finding:
    return Finding(
        f"routes.{number}",
        "warning",
        f"there is no {what}, so this route takes no message",
        f"mend it under [[routes]] in newsletter.toml; there are: {', '.join(there)}",
    )


def _bounces(settings: Settings) -> Iterator[Finding]:
    if settings.bounces.mailbox:
        from newsletter.core import mailbox

        with mailbox.opened(settings.bounces) as box:
            number = box.count()
        text = f"the mailbox at {settings.bounces.host} can be read, with {number} in it"
        yield Finding("bounces", "ok", text)


def _public(settings: Settings) -> Iterator[Finding]:
    from newsletter.core.http import get_status

    if settings.public.shortcoming:
        level, sentence = settings.public.shortcoming
        text, _, remedy = sentence.partition(": set ")
        yield Finding("public address", level, text, f"set {remedy}")
    if not settings.public.url:
        return
    url = settings.public.url.rstrip("/")
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


def _zones(session: Session) -> Iterator[Finding]:
    from newsletter.core import clock
    from newsletter.editorial import publications

    names = {p.slot_zone for p in publications.listing(session)}
    for name in sorted(names):
        try:
            wall = clock.now().astimezone(clock.zone(name))
        except NewsletterError as err:
            yield Finding("time zone", "error", str(err), "pip install --upgrade tzdata")
        else:
            yield Finding("time zone", "ok", f"in {name} it is {wall:%Y-%m-%d %H:%M}")


def _imports(session: Session) -> Iterator[Finding]:
    from newsletter.cli.listing import AGAIN
    from newsletter.editorial import publications
    from subscribers import list_imports

    for owner in publications.listing(session):
        for part in list_imports.unfinished(session, owner.id):
            yield Finding(
                "import of readers",
                "warning",
                f"import {part.number} was broken off at {part.changed_at:%Y-%m-%d %H:%M} UTC: "
                f"{part.rows_done:,} of its rows are stored, the rest is not",
                AGAIN.format(number=part.number),
            )


def _brake(session: Session, settings: Settings) -> Iterator[Finding]:
    from newsletter.core.clock import now
    from subscribers import brakes

    limit = settings.signup.per_service_hour
    if at := brakes.held_at(session, now(), limit):
        yield Finding(
            "sign-ups",
            "warning",
            f"{limit} within an hour at {at:%Y-%m-%d %H:%M} UTC: the form sent no mail to anybody "
            "after that for a while, and told nobody so",
            "if they were readers, raise per_service_hour under [signup]; else wait",
        )


def _disk(home: Path) -> Iterator[Finding]:
    from newsletter.core.database_errors import NO_ROOM

    free = shutil.disk_usage(home).free
    text = f"{free / 1e9:.1f} GB free"
    if free < NO_ROOM:
        yield Finding("disk", "error", f"the disk is full ({home})", "make room and look again")
    elif free < _LITTLE:
        yield Finding("disk", "warning", text, "make room: a full disk stops the sending")
    else:
        yield Finding("disk", "ok", text)
