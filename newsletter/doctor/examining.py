"""The door: a whole home examined, part by part. What is broken is said, and the rest follows.

Blocks for as long as name servers, relay and public address take; opens transactions of its own
that only read, and none of them while it waits for the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from newsletter import migrations
from newsletter.core import keychain
from newsletter.core import settings as settings_module
from newsletter.core.db import open_engine, reading
from newsletter.core.dns import Answer, Names, Said
from newsletter.core.errors import NewsletterError, NotFound
from newsletter.core.settings import Settings
from newsletter.core.tokens import Claim, Purpose, TokenSigner
from newsletter.doctor import clocks, database, domains, home, mail, public_address
from newsletter.doctor.clocks import Witness
from newsletter.doctor.findings import Finding, Record, Verdict, worst
from newsletter.doctor.senders import Sender, of_publication
from newsletter.editorial import publications

MACHINE, DATABASE, MAIL, PUBLIC, DOMAINS = (
    *("this machine", "the newsletter", "the mail server", "the public address"),
    "the sender's domains",
)
AREAS = (MACHINE, DATABASE, MAIL, PUBLIC, DOMAINS)


@dataclass
class Examination:
    """What was found, part by part, and what the DNS should say."""

    parts: dict[str, list[Finding]] = field(default_factory=lambda: {area: [] for area in AREAS})
    records: list[Record] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        """All of them."""
        return [one for part in self.parts.values() for one in part]

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        return worst(self.findings)


@dataclass
class _Told:
    """What the database told that the network is asked about then."""

    senders: list[Sender] = field(default_factory=list)
    token: str = ""


def examined(
    at: Path, now: datetime, *, slug: str | None = None, offline: bool = False
) -> Examination:
    """All about a home. `slug`: of the publications only this one. `offline`: nobody is asked.

    Raises InputError only when there is no such publication.
    """
    found = Examination()
    machine = found.parts[MACHINE]
    machine += home.looked_at(at)
    if not at.is_dir():
        return found
    machine += home.disk(at)
    try:
        settings = settings_module.load(at)
    except NewsletterError as err:
        where = "mail, public address and database cannot be looked at before that is mended"
        machine.append(Finding("settings", Verdict.BAD, str(err), where))
        machine += home.key_file(at / "keys.json")
        return found
    told = _inside(found, settings, slug, now)
    _outside(found, settings, told, offline=offline)
    return found


def _inside(found: Examination, settings: Settings, slug: str | None, now: datetime) -> _Told:
    told = _Told()
    stored = found.parts[DATABASE]
    _guarded(stored, "database", lambda: _of_database(settings, slug, now, told))
    purged = any("was purged on" in one.found for one in stored)  # so no key is missed
    if settings.key_path.exists() or not (purged or settings.keys.passphrase or settings.keys.key):
        said = [one.found for one in stored]
        keys = (one for one in home.key_file(settings.key_path) if one.found not in said)
        found.parts[MACHINE] += keys
        found.parts[MACHINE] += home.key_apart(settings)
    return told


def _outside(found: Examination, settings: Settings, told: _Told, *, offline: bool) -> None:
    posted, public = found.parts[MAIL], found.parts[PUBLIC]
    _guarded(posted, "mail", lambda: mail.knocked_at(settings, found.witnesses, offline=offline))
    _guarded(posted, "signature", lambda: mail.signature(settings))
    public += public_address.set_rightly(settings)
    if not offline:
        _guarded(posted, "bounces", lambda: mail.bounces(settings))
        for url, subject in _addresses(settings, told.senders).items():
            visit = public_address.visited(url, told.token, subject)
            public += visit.findings
            found.witnesses += visit.witnesses
        found.parts[MACHINE].append(clocks.judged(found.witnesses))
    names = Names(settings.doctor.nameservers, timeout=settings.doctor.timeout)
    _guarded(found.parts[DOMAINS], "domains", lambda: _names(found, settings, told, names, offline))


def _addresses(settings: Settings, senders: list[Sender]) -> dict[str, str]:
    """Every address that links lead to, and what it is called."""
    found = {settings.public.url: "public address"}
    for one in senders:
        if one.url:
            found.setdefault(one.url, f"discreet address of {one.publication}")
    return found


def _names(
    found: Examination, settings: Settings, told: _Told, names: Names, offline: bool
) -> Iterator[Finding]:
    if not told.senders:
        text = "no publication has a sender's address yet, so there is no domain to look at"
        remedy = "newsletter publication set sender.address desk@YOUR-DOMAIN"
        yield Finding("domains", Verdict.UNKNOWN, text, remedy)
        return
    ask = domains.not_asked if offline else names.ask
    looked = domains.looked_at(told.senders, settings, ask, _never if offline else names.pointer)
    found.records += looked.records
    if offline:
        text = "the DNS was not asked (--offline); what it should say stands below"
        yield Finding("domains", Verdict.UNKNOWN, text)
    else:
        yield from looked.findings


def _never(_address: str) -> Answer:
    return Answer(Said.FAILED, why="not asked (--offline)")


def _guarded(into: list[Finding], subject: str, look: Callable[[], Iterable[Finding]]) -> None:
    """Add the findings of one look; what it stumbles over is a finding too."""
    found = iter(look())
    while True:
        try:
            into.append(next(found))
        except StopIteration:
            return
        except NotFound:
            raise
        except NewsletterError as err:
            into.append(Finding(subject, Verdict.BAD, str(err)))
        except OSError as err:
            into.append(Finding(subject, Verdict.BAD, (err.strerror or str(err)).lower()))


def _of_database(
    settings: Settings, slug: str | None, now: datetime, told: _Told
) -> Iterator[Finding]:
    embedded = settings.home / "newsletter.db"
    if not settings.database.url and not embedded.is_file():
        remedy = "run 'newsletter init'"
        yield Finding("database", Verdict.BAD, f"{embedded} is not there", remedy)
        return
    engine = open_engine(settings.database_url)
    try:
        migrations.check(engine)
        text = f"{engine.dialect.name}, at version {migrations.HEAD}, the newest"
        yield Finding("database", Verdict.GOOD, text)
        with reading(engine) as session:
            chosen = [publications.get(session, slug)] if slug else publications.listing(session)
            for one in chosen:
                told.senders += of_publication(one, settings)
            yield from database.looked_at(session, settings, chosen, now)
            if chosen:
                told.token = _token(session, settings, chosen[0].id)
    finally:
        engine.dispose()


def _token(session: Session, settings: Settings, publication_id: int) -> str:
    """A link that opens its page and can do nothing; empty without keys, which was said already."""
    try:
        _, ring = keychain.opened(session, settings)
    except NewsletterError:
        return ""
    return TokenSigner(ring).sign(Claim(UUID(int=0), publication_id, Purpose.TEST))
