"""TLS looked at from outside: what a server shows, also when nobody should believe it.

The certificate is first read without judging it, because one that has ended must still be read to
say since when; then it is judged as any mail program or browser does. No secret goes over a line
that was not judged.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from newsletter.core.settings import Smtp
from newsletter.doctor.certificates import Seen, read

_Wrap = Callable[[ssl.SSLContext], ssl.SSLSocket]


@dataclass(frozen=True)
class Relay:
    """A relay as it presents itself: its greeting's words, and what its TLS shows."""

    seen: Seen | None
    features: frozenset[str] = frozenset()
    why: str = ""
    """Why TLS could not be looked at."""


def of_web(host: str, port: int, timeout: float) -> Seen | str:
    """What an HTTPS server shows, or why it could not be asked."""

    def wrap(context: ssl.SSLContext) -> ssl.SSLSocket:
        plain = socket.create_connection((host, port), timeout)
        try:
            return context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    try:
        return _seen(wrap) or "its certificate cannot be read"
    except OSError as err:
        return _words(err)


def of_relay(settings: Smtp) -> Relay:
    """What an SMTP server shows before any login; nothing is sent."""
    features: set[str] = set()

    def wrap(context: ssl.SSLContext) -> ssl.SSLSocket:
        with _client(settings, context, features) as client:
            sock = client.sock
            client.sock = None
        if not isinstance(sock, ssl.SSLSocket):
            raise ConnectionError("it hung up")
        return sock

    try:
        seen = _seen(wrap)
    except smtplib.SMTPException:
        return Relay(None, frozenset(features), "it does not speak TLS as the settings want it")
    except OSError as err:
        return Relay(None, frozenset(features), _words(err))
    return Relay(seen, frozenset(features))


@contextlib.contextmanager
def _client(settings: Smtp, context: ssl.SSLContext, features: set[str]) -> Iterator[smtplib.SMTP]:
    """A line with TLS on it, by STARTTLS or at once; `features` takes the words of EHLO."""
    timeout = min(settings.timeout, 20)
    client: smtplib.SMTP
    if settings.security == "tls":
        client = smtplib.SMTP_SSL(settings.host, settings.port, timeout=timeout, context=context)
    else:
        client = smtplib.SMTP(settings.host, settings.port, timeout=timeout)
    try:
        client.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            client.starttls(context=context)
            client.ehlo()
        features.update(client.esmtp_features)
        yield client
    finally:
        client.close()


def _seen(wrap: _Wrap) -> Seen | None:
    lenient = ssl.create_default_context()
    lenient.check_hostname = False
    lenient.verify_mode = ssl.CERT_NONE
    with wrap(lenient) as sock:
        der = sock.getpeercert(binary_form=True) or b""
        version = sock.version() or ""
    return read(der, version, _distrust(wrap))


def _distrust(wrap: _Wrap) -> str:
    try:
        wrap(ssl.create_default_context()).close()
    except ssl.SSLCertVerificationError as err:
        return err.verify_message.rstrip(".")
    return ""


def _words(err: OSError) -> str:
    match err:
        case socket.gaierror():
            return "there is no machine of that name"
        case TimeoutError():
            return "nothing within the time limit"
        case ssl.SSLError():
            return "it does not speak TLS"
    return (err.strerror or str(err) or type(err).__name__).lower()
