"""The public address tried from outside: certificate, one-click, clock; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from newsletter.core import clock
from newsletter.core.http import Client, Limits, NoAnswer, NotReached, Reply
from newsletter.core.settings import Settings
from newsletter.doctor import certificates, clocks, one_click, tls
from newsletter.doctor.clocks import Witness
from newsletter.doctor.findings import Finding, Verdict

_SUBJECT = "public address"
_SECONDS = 8.0
_START = "start 'newsletter serve', and set url under [public] to what readers can reach"


@dataclass
class Visit:
    """What was found there, and who told the time."""

    subject: str
    findings: list[Finding] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)


def set_rightly(settings: Settings) -> Iterator[Finding]:
    """What the setting alone tells."""
    found = settings.public.shortcoming
    if found:
        level, sentence = found
        text, _, remedy = sentence.partition(": set ")
        verdict = Verdict.BAD if level == "error" else Verdict.WARNING
        yield Finding(_SUBJECT, verdict, text, f"set {remedy}", source="RFC 8058 §3.1")


def visited(url: str, token: str, subject: str = _SUBJECT) -> Visit:
    """Go there as a reader's mail program would; `token` is one for tests, or empty."""
    visit = Visit(subject)
    url = url.rstrip("/")
    if not url:
        return visit
    parts = urlsplit(url)
    if parts.scheme == "https":
        visit.findings += _certificate(parts.hostname or "", parts.port or 443, subject)
    client = Client(limits=Limits(_SECONDS, _SECONDS, _SECONDS))
    try:
        _look(client, url, token, visit)
    finally:
        client.close()
    return visit


def _certificate(host: str, port: int, subject: str) -> Iterator[Finding]:
    seen = tls.of_web(host, port, _SECONDS)
    if not isinstance(seen, str):
        yield certificates.judged(f"certificate of the {subject}", seen, clock.now())


def _look(client: Client, url: str, token: str, visit: Visit) -> None:
    try:
        health = client.get(f"{url}/healthz", {})
        _hear(url, health, visit)
        visit.findings.append(_alive(url, health, visit.subject))
        if health.status == 200 and token:
            _try(client, f"{url}/u/{token}", visit)
    except (NoAnswer, NotReached) as err:
        text = f"{url} {err.cause}" if isinstance(err, NoAnswer) else f"{url}: {err.cause}"
        visit.findings.append(Finding(visit.subject, Verdict.WARNING, text, _START))


def _try(client: Client, link: str, visit: Visit) -> None:
    shown = client.get(link, {})
    headers = {"Content-Type": one_click.FORM}
    pressed = client.post(link, headers, one_click.BODY, lambda: None)
    visit.findings += one_click.judged(one_click.Tried(shown, pressed))
    hint = one_click.hsts(shown) if link.startswith("https") else None
    visit.findings += [hint] if hint else []


def _alive(url: str, reply: Reply, subject: str) -> Finding:
    if reply.status == 200:
        return Finding(subject, Verdict.GOOD, f"{url} answers")
    return Finding(subject, Verdict.BAD, f"{url}/healthz answers {reply.status}", _START)


def _hear(url: str, reply: Reply, visit: Visit) -> None:
    host = urlsplit(url).hostname or ""
    found = clocks.heard(host, reply.headers.get("date", ""), clock.now(), here=_is_here(host))
    visit.witnesses += [found] if found else []


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
