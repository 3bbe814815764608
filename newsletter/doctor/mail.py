"""What takes our mail and what brings it back, really asked; no message is sent."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.core import clock, mailbox
from newsletter.core.errors import NewsletterError
from newsletter.core.routing_settings import kind_of, provider_names, section_of
from newsletter.core.settings import Settings, Smtp
from newsletter.doctor import certificates, clocks, home, tls
from newsletter.doctor.clocks import Witness
from newsletter.doctor.findings import Finding, Verdict
from newsletter.providers.api import HttpProvider
from newsletter.providers.base import Provider
from newsletter.providers.knocking import Heard, knocked
from newsletter.providers.pooling import Pooled
from newsletter.providers.registry import OVER_HTTP, build
from newsletter.rendering.dkim import SigningKey
from newsletter.rendering.dkim_keys import ADVISED_BITS, load

_TLS_SOURCE = "RFC 3207 §6; RFC 8314 §3"


def knocked_at(settings: Settings, witnesses: list[Witness], *, offline: bool) -> Iterator[Finding]:
    """Each provider that may take a message: what it lacks, and how it answers.

    `witnesses` takes what they said the time was.
    """
    for name in provider_names(settings):
        usual = name == settings.delivery.provider
        subject = "mail" if usual else f"mail by {name}"
        kind = kind_of(settings, name)
        section = section_of(settings, name)
        if kind not in OVER_HTTP and kind != "smtp":
            yield _nowhere(name, subject, usual=usual)
        elif not isinstance(section, Smtp):
            yield _over_http(settings, name, subject, None if offline else witnesses)
        elif not offline:
            yield from _smtp(settings, name, subject, section)


def _nowhere(name: str, subject: str, *, usual: bool) -> Finding:
    text = f"the provider is '{name}', which sends nothing to anybody"
    remedy = (
        'set provider = "smtp" under [delivery] in newsletter.toml'
        if usual
        else "take it out of [providers] and [[routes]] in newsletter.toml"
    )
    return Finding(subject, Verdict.WARNING, text, remedy)


def _opened(settings: Settings, name: str, subject: str) -> Finding | None:
    """What is wrong when a line to a provider is opened, or nothing."""
    section = name if kind_of(settings, name) == name else f"providers.{name}"
    remedy = f"see [{section}] in newsletter.toml"
    try:
        build(settings, name).connect().close()
    except NewsletterError as err:
        return Finding(subject, Verdict.BAD, str(err).partition("; see [")[0], remedy)
    return None


def _smtp(settings: Settings, name: str, subject: str, smtp: Smtp) -> Iterator[Finding]:
    wrong = _opened(settings, name, subject)
    where = f"{smtp.host}:{smtp.port}"
    logged_in = ", and the login is good" if smtp.username else ""
    yield wrong or Finding(
        subject, Verdict.GOOD, f"{where} answers ({smtp.security}){logged_in}", source=_TLS_SOURCE
    )
    if smtp.security == "none":
        return
    relay = tls.of_relay(smtp)
    if relay.seen is not None:
        yield certificates.judged(f"certificate of {smtp.host}", relay.seen, clock.now())
    if wrong is None and not smtp.username and "auth" in relay.features:
        text = f"{where} offers a login, and none is set"
        remedy = "set username and password under [smtp], if it takes mail from customers only"
        yield Finding(f"login at {smtp.host}", Verdict.GOOD, text, remedy)


def _over_http(
    settings: Settings, name: str, subject: str, witnesses: list[Witness] | None
) -> Finding:
    """What a provider lacks, or what it says of the key; without witnesses it is not asked."""
    wrong = _opened(settings, name, subject)
    if wrong or witnesses is None:
        return wrong or Finding(subject, Verdict.GOOD, f"{name} has what it needs")
    endpoint = _inner(build(settings, name)).endpoint
    kind, section = kind_of(settings, name), section_of(settings, name)
    heard = knocked(kind, section, endpoint, settings.http, clock.now())
    at = clocks.heard(name, heard.date, clock.now())
    witnesses += [at] if at else []
    return _key_finding(subject, name, heard)


def _inner(provider: Provider) -> HttpProvider:
    found = provider.inner if isinstance(provider, Pooled) else provider
    assert isinstance(found, HttpProvider)  # noqa: S101
    return found


def _key_finding(subject: str, name: str, heard: Heard) -> Finding:
    if heard.good:
        return Finding(subject, Verdict.GOOD, f"{name}: {heard.words}")
    if heard.good is None:
        return Finding(subject, Verdict.UNKNOWN, f"{name}: {heard.words}", "look again later")
    remedy = f"copy the key from {name}'s pages again"
    return Finding(subject, Verdict.BAD, f"{name}: {heard.words}", remedy)


def signature(settings: Settings) -> Iterator[Finding]:
    """The DKIM keys of this home, as files."""
    paths = settings.dkim.paths(settings.home)
    if not paths:
        return
    keys = [SigningKey(selector, load(path)) for selector, path in paths.items()]
    loose = [str(path) for path in paths.values() if home.is_open(path)]
    if loose:
        remedy = f"chmod go= {' '.join(loose)}"
        yield Finding("signature", Verdict.WARNING, "others can read it", remedy)
    elif keys[0].bits < ADVISED_BITS:
        text = "the first DKIM key is none that every receiver trusts"
        remedy = "make an RSA key by 'newsletter dkim new-key'"
        source = "RFC 8301 §3.2; RFC 8463"
        yield Finding("signature", Verdict.WARNING, text, remedy, source=source)
    else:
        named = " and ".join(f"'{key.selector}'" for key in keys)
        text = f"DKIM for {settings.dkim.domain} by {named}"
        yield Finding("signature", Verdict.GOOD, text)


def bounces(settings: Settings) -> Iterator[Finding]:
    """The mailbox of what comes back: only a login, nothing is read."""
    if settings.bounces.mailbox:
        with mailbox.opened(settings.bounces) as box:
            number = box.count()
        text = f"the mailbox at {settings.bounces.host} can be read, with {number} in it"
        yield Finding("bounces", Verdict.GOOD, text)
