"""By whom mail leaves, as far as settings tell it: what SPF must cover, and who signs."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from newsletter.core.routing_settings import kind_of, section_of, used_names
from newsletter.core.settings import Settings, Smtp
from newsletter.doctor.findings import Ask

RELAYS = {
    "smtp.gmail.com": "_spf.google.com",
    "smtp-relay.gmail.com": "_spf.google.com",
    ".mailgun.org": "mailgun.org",
    "smtp.office365.com": "spf.protection.outlook.com",
    "smtp.fastmail.com": "spf.messagingengine.com",
    ".protonmail.ch": "_spf.protonmail.ch",
    "mail.gandi.net": "_mailcust.gandi.net",
}
"""What the operators of these relays ask their customers to include (their own help pages)."""
REWRITING = (
    *(".amazonaws.com", "smtp.sendgrid.net", ".mailjet.com", "smtp-relay.brevo.com"),
    "smtp.postmarkapp.com",
)
"""Relays that put a return path of their own, or of a name delegated to them, in place of ours."""


@dataclass(frozen=True)
class Way:
    """One provider that takes our mail.

    `include` is what SPF must hold for it; else `addresses` are from where it sends, `guessed`
    when that is only what its host name means. `own_envelope`: our return path stays ours.
    """

    name: str
    host: str = ""
    include: str = ""
    addresses: tuple[str, ...] = ()
    guessed: bool = False
    own_envelope: bool = True
    unknown: str = ""
    """Why the addresses are not known."""


def ways(settings: Settings, ask: Ask) -> list[Way]:
    """All providers that real mail can go by."""
    found = [_way(settings, name, ask) for name in used_names(settings)]
    return [one for one in found if one is not None]


def _way(settings: Settings, name: str, ask: Ask) -> Way | None:
    kind = kind_of(settings, name)
    if kind in {"console", "memory"}:
        return None
    section = section_of(settings, name)
    if not isinstance(section, Smtp):
        return Way(name, own_envelope=False)
    host = section.host.lower()
    if any(_is(host, one) for one in REWRITING):
        return Way(name, host, own_envelope=False)
    if include := next((text for end, text in RELAYS.items() if _is(host, end)), ""):
        return Way(name, host, include=include)
    if settings.doctor.sending_addresses:
        return Way(name, host, addresses=settings.doctor.sending_addresses)
    return _guessed(name, host, ask)


def _is(host: str, end: str) -> bool:
    return host == end or (end.startswith(".") and host.endswith(end))


def _guessed(name: str, host: str, ask: Ask) -> Way:
    """The addresses of a relay's name; none of a network of one's own, which nobody sees."""
    addresses, why = _addresses(host, ask)
    public = tuple(one for one in addresses if ip_address(one).is_global)
    if public or why:
        return Way(name, host, addresses=public, guessed=True, unknown=why)
    return Way(name, host, guessed=True, unknown=f"{host} is a machine of your own network")


def _addresses(host: str, ask: Ask) -> tuple[tuple[str, ...], str]:
    if host == "localhost":
        return (), ""
    try:
        return (str(ip_address(host)),), ""
    except ValueError:
        pass
    answers = [ask(host, kind) for kind in ("A", "AAAA")]
    found = tuple(value for one in answers for value in one.values)
    failed = next((one.why for one in answers if one.failed), "")
    if not found and not failed:
        return (), f"the DNS knows no address of {host}"
    return found, "" if found else failed
