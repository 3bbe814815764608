"""Opening a line to an SMTP server: connect, EHLO, TLS, login; and a sentence for each failure.

TLS is required unless the settings say `none`: a server, or somebody in between, that does not
offer STARTTLS gets nothing from us (RFC 3207 §6). Certificates are always verified; OpenSSL
reads one more authority from the file named by SSL_CERT_FILE.
"""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
from functools import cache

from newsletter.core.settings import Smtp
from newsletter.providers.base import NotConnected
from newsletter.providers.smtp_answers import Reply
from newsletter.providers.smtp_dialogue import Dialogue
from newsletter.providers.smtp_wire import wire_of


def open_dialogue(settings: Smtp) -> Dialogue:
    """A line ready for MAIL; NotConnected says what is wrong and which setting mends it."""
    _refuse_plain(settings)
    client = _connect(settings)
    try:
        _prepare(client, settings)
        sock = client.sock
        if sock is None:
            raise smtplib.SMTPServerDisconnected("closed")
    except BaseException:
        client.close()
        raise
    return Dialogue(
        wire_of(sock, min(settings.timeout, settings.final_timeout)),
        {name.lower(): value for name, value in client.esmtp_features.items()},
        timeout=settings.timeout,
        final_timeout=settings.final_timeout,
        hang_up=client.close,
    )


def _place(settings: Smtp) -> str:
    return f"{settings.host}:{settings.port}"


def _halts(sentence: str, answer: str = "") -> NotConnected:
    return NotConnected(sentence, answer=answer, halts=True)


def _later(sentence: str, answer: str = "") -> NotConnected:
    return NotConnected(sentence, answer=answer)


def _refuse_plain(settings: Smtp) -> None:
    if settings.security != "none" or settings.allow_plain or _is_loopback(settings.host):
        return
    raise _halts(
        f"smtp.security is 'none' but {settings.host} is another machine; set it to starttls or "
        "tls, or set smtp.allow_plain to true if the way there is safe"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@cache
def _own_name() -> str:
    return smtplib.SMTP().local_hostname


def _connect(settings: Smtp) -> smtplib.SMTP:
    place = _place(settings)
    name = settings.helo or _own_name()
    try:
        if settings.security == "tls":
            return smtplib.SMTP_SSL(
                settings.host,
                settings.port,
                name,
                timeout=settings.timeout,
                context=ssl.create_default_context(),
            )
        return smtplib.SMTP(settings.host, settings.port, name, timeout=settings.timeout)
    except smtplib.SMTPResponseException as err:
        raise _turned_away(err, place) from err
    except smtplib.SMTPServerDisconnected as err:
        raise _later(
            f"{place} takes the connection but does not greet; check smtp.port, and whether it "
            "wants smtp.security = 'tls'"
        ) from err
    except ssl.SSLError as err:
        raise _tls_failed(err, settings) from err
    except socket.gaierror as err:
        raise _later(f"there is no machine named '{settings.host}'; check smtp.host") from err
    except TimeoutError as err:
        raise _not_there(place, f"nothing within {settings.timeout:g} seconds") from err
    except OSError as err:
        raise _not_there(place, (err.strerror or type(err).__name__).lower()) from err


def _not_there(place: str, why: str) -> NotConnected:
    return _later(f"no SMTP server answers at {place} ({why}); check smtp.host and smtp.port")


def _turned_away(err: smtplib.SMTPResponseException, place: str) -> NotConnected:
    if not 400 <= err.smtp_code <= 599 or err.smtp_error == "Line too long.":
        return _later(f"what answers at {place} does not speak SMTP; check smtp.port")
    answer = _shown(err)
    return _later(f"{place} turns us away ({answer}); ask whoever runs it", answer)


def _shown(err: smtplib.SMTPResponseException) -> str:
    text = err.smtp_error
    return Reply(
        err.smtp_code, text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    ).shown()


def _prepare(client: smtplib.SMTP, settings: Smtp) -> None:
    place = _place(settings)
    try:
        _greet(client)
        if settings.security == "starttls":
            _start_tls(client, settings)
        if settings.username:
            _log_in(client, settings)
    except smtplib.SMTPResponseException as err:
        raise _turned_away(err, place) from err
    except ssl.SSLError as err:
        raise _tls_failed(err, settings) from err
    except (smtplib.SMTPServerDisconnected, OSError) as err:
        raise _later(f"{place} hangs or hung up while it was greeted; it is tried again") from err


def _greet(client: smtplib.SMTP) -> None:
    """EHLO, or HELO for servers from before 1995; one that closes is not asked again."""
    code, words = client.ehlo()
    if code == 421:
        raise smtplib.SMTPResponseException(code, words)
    if not 200 <= code <= 299:
        code, words = client.helo()
        if not 200 <= code <= 299:
            raise smtplib.SMTPResponseException(code, words)


def _start_tls(client: smtplib.SMTP, settings: Smtp) -> None:
    try:
        client.starttls(context=ssl.create_default_context())
    except smtplib.SMTPNotSupportedError as err:
        raise _halts(
            f"{_place(settings)} does not offer STARTTLS, and nothing is sent in clear; set "
            "smtp.port and smtp.security ('tls' is usual on port 465)"
        ) from err
    _greet(client)


def _tls_failed(err: ssl.SSLError, settings: Smtp) -> NotConnected:
    place = _place(settings)
    if isinstance(err, ssl.SSLCertVerificationError):
        return _halts(
            f"the certificate of {place} is not accepted ({err.verify_message.rstrip('.')}); set "
            "smtp.host to the name in it, or name its authority's file in SSL_CERT_FILE"
        )
    return _halts(
        f"{place} does not speak TLS as smtp.security = '{settings.security}' wants it "
        f"({(err.reason or 'handshake failed').lower().replace('_', ' ')}); check smtp.port and "
        "smtp.security"
    )


def _log_in(client: smtplib.SMTP, settings: Smtp) -> None:
    place = _place(settings)
    try:
        client.login(settings.username, settings.password)
    except smtplib.SMTPAuthenticationError as err:
        if err.smtp_code < 400:
            raise
        answer = _shown(err)
        if err.smtp_code < 500:
            raise _later(f"{place} cannot check the login now ({answer})", answer) from err
        raise _halts(
            f"{place} refuses the login ({answer}); check smtp.username and smtp.password", answer
        ) from err
    except (smtplib.SMTPServerDisconnected, smtplib.SMTPResponseException):
        raise
    except smtplib.SMTPException as err:
        raise _halts(
            f"{place} offers no login that can be used here; empty smtp.username, or check "
            "smtp.port and smtp.security"
        ) from err
    except UnicodeEncodeError as err:
        raise _halts(
            "smtp.username or smtp.password holds letters that SMTP logins cannot carry; "
            "use one of plain ASCII"
        ) from err
