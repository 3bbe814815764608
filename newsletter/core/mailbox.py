"""The one door to a mailbox (IMAP and POP3): TLS unless told otherwise, limits of time and size.

Mails come one after the other, so that ten thousand take no more memory than a few. One that was
dealt with is settled, which moves or deletes it; until then it stays, so whoever is killed in
between reads it again.
"""

from __future__ import annotations

import imaplib
import ipaddress
import poplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from newsletter.core.bounce_settings import Bounces
from newsletter.core.errors import ConfigurationError
from newsletter.core.imap import Imap
from newsletter.core.mailbox_lines import Found, Line, NoFolder, NoLogin, NoStartTls
from newsletter.core.pop3 import Pop3

_FAULTS = (imaplib.IMAP4.error, poplib.error_proto, OSError, EOFError)
_PORTS = {
    ("imap", "tls"): 993,
    ("imap", "starttls"): 143,
    ("imap", "none"): 143,
    ("pop3", "tls"): 995,
    ("pop3", "starttls"): 110,
    ("pop3", "none"): 110,
}


class Mailbox:
    """An open mailbox, for one thread. Each of its methods may raise ConfigurationError.

    Nothing a server says stands in an error, because that may name somebody.
    """

    def __init__(self, settings: Bounces) -> None:
        require_set(settings)
        self._settings = settings
        with self._explained():
            self._line = _line(settings)

    def count(self) -> int:
        """How many mails lie there."""
        with self._explained():
            return self._line.count()

    def batches(self) -> Iterator[list[Found]]:
        """Some mails at a time, the oldest first, without those that were left before.

        Each is to be settled before the next batch is asked for; then its numbers are void.
        """
        batches = self._line.batches()
        while True:
            with self._explained():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def settle(self, *, done: Sequence[str], left: Sequence[str]) -> None:
        """Move or delete the mails of these numbers; leave the others for good, as they are."""
        with self._explained():
            self._line.settle(done, left)

    def close(self) -> None:
        """End politely; never raises."""
        with suppress(*_FAULTS):
            self._line.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except _FAULTS as err:
            raise ConfigurationError(_sentence(err, self._settings)) from None


@contextmanager
def opened(settings: Bounces) -> Iterator[Mailbox]:
    """The mailbox of these settings, closed at the end."""
    box = Mailbox(settings)
    try:
        yield box
    finally:
        box.close()


def require_set(settings: Bounces) -> None:
    """ConfigurationError while there is no mailbox to be read, or no safe way to it."""
    if not settings.mailbox:
        raise ConfigurationError(
            "there is no mailbox to read: set mailbox, host, username and password under "
            "[bounces] in newsletter.toml"
        )
    if not settings.host:
        raise ConfigurationError("bounces.host is empty; set it to the mailbox's server")
    if settings.security == "none" and not (settings.allow_plain or _is_here(settings.host)):
        raise ConfigurationError(
            f"bounces.security is 'none' but {settings.host} is another machine; set it to tls or "
            "starttls, or set bounces.allow_plain to true if the way there is safe"
        )


def _line(settings: Bounces) -> Line:
    port = _port(settings)
    context = ssl.create_default_context() if settings.security != "none" else None
    return (Imap if settings.mailbox == "imap" else Pop3)(settings, port, context)


def _port(settings: Bounces) -> int:
    return settings.port or _PORTS[settings.mailbox, settings.security]


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _sentence(err: Exception, settings: Bounces) -> str:
    place = f"{settings.host}:{_port(settings)}"
    return (
        _refused(err, place)
        or _distrusted(err, place, settings)
        or _not_reached(err, place, settings)
        or f"what answers at {place} hung up or does not speak {settings.mailbox.upper()} as it "
        "should; check bounces.mailbox, bounces.port and bounces.security"
    )


def _refused(err: Exception, place: str) -> str | None:
    match err:
        case NoLogin():
            return f"{place} refuses the login; check bounces.username and bounces.password"
        case NoFolder():
            return f"{place} has no folder '{err.name}' that can be used; check bounces.{err.key}"
        case NoStartTls():
            return (
                f"{place} does not offer STARTTLS, and nothing is read in clear; set bounces.port "
                "and bounces.security (tls is usual on port 993 and 995)"
            )
    return None


def _distrusted(err: Exception, place: str, settings: Bounces) -> str | None:
    match err:
        case ssl.SSLCertVerificationError():
            why = err.verify_message.rstrip(".")
            return (
                f"the certificate of {place} is not accepted ({why}); set bounces.host to the name "
                "in it, or name its authority's file in SSL_CERT_FILE"
            )
        case ssl.SSLError():
            return (
                f"{place} does not speak TLS as bounces.security = '{settings.security}' wants it; "
                "check bounces.port and bounces.security"
            )
    return None


def _not_reached(err: Exception, place: str, settings: Bounces) -> str | None:
    match err:
        case socket.gaierror():
            return f"there is no machine named '{settings.host}'; check bounces.host"
        case TimeoutError():
            return (
                f"{place} says nothing within {settings.timeout:g} seconds; check bounces.host, "
                "bounces.port and bounces.security"
            )
        case OSError() if err.strerror:
            why = err.strerror.lower()
            return f"no mailbox answers at {place} ({why}); check bounces.host and bounces.port"
    return None
