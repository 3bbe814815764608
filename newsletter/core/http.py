"""The one door to HTTP as a client: time limits, no proxy surprises, no redirects followed.

A POST is honest about how far it came: `NotReached` says that nothing of the body can have left,
`NoAnswer` that it may have. Certificates are judged by the machine's own authorities; OpenSSL
reads one more from the file named by SSL_CERT_FILE, as for SMTP.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from time import monotonic

import httpx

from newsletter import __version__
from newsletter.core.errors import ConfigurationError

_AGENT = {"User-Agent": f"newsletter/{__version__}"}
_PIECE = 65_536
_LONGEST_REPLY = 65_536
_IDLE_SECONDS = 5.0
"""A kept connection is given up before the other side may think of it."""

for _name in ("httpx", "httpcore"):
    # They write each address they call, and at DEBUG the headers of each answer.
    logging.getLogger(_name).setLevel(logging.WARNING)


class NotReached(Exception):
    """No byte of the body has left. `cause` is a piece of a sentence; it holds nothing we sent."""

    def __init__(self, cause: str, *, distrust: bool = False) -> None:
        self.cause = cause
        self.distrust = distrust
        """TLS was refused or not believed: trying again changes nothing."""
        super().__init__(cause)


class NoAnswer(Exception):
    """The body was on its way, in part or as a whole, and no answer came."""

    def __init__(self, cause: str) -> None:
        self.cause = cause
        super().__init__(cause)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for each phase: to connect (with TLS), to be rid of a piece, to be answered."""

    connect: float
    write: float
    answer: float


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: header names in lower case; the body as far as it came, and as was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Kept connections, at most `connections` at a time; may be shared between threads.

    `proxy` is the only proxy ever used: none is taken from the environment.
    """

    def __init__(self, *, limits: Limits, connections: int = 1, proxy: str = "") -> None:
        self._limits = limits
        self._client = httpx.Client(
            timeout=httpx.Timeout(
                connect=limits.connect,
                write=limits.write,
                read=limits.answer,
                pool=limits.connect,
            ),
            limits=httpx.Limits(
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=_IDLE_SECONDS,
            ),
            verify=trust(),
            trust_env=False,
            follow_redirects=False,
            proxy=proxy or None,
            headers={**_AGENT, "Accept-Encoding": "identity"},
        )

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, before_body: Callable[[], None]
    ) -> Reply:
        """Send `body` and return the answer, whatever its status.

        `before_body` is called once, after the connection stands and the header has left, right
        before the first byte of the body; what it raises goes through, and the connection is
        given up, which takes the request back (RFC 9112 §8: an incomplete one is not processed).
        Raises NotReached or NoAnswer.
        """
        outgoing = _Outgoing(body, before_body)
        announced = {**headers, "Content-Length": str(len(body))}
        try:
            with self._client.stream(
                "POST", url, headers=announced, content=iter(outgoing)
            ) as response:
                if not outgoing.begun:
                    # Said to nobody: an idle time-out that crossed our header on the way.
                    raise NotReached("it answered before it was asked")
                return self._reply(response, _LONGEST_REPLY)
        except (httpx.HTTPError, httpx.InvalidURL) as err:
            if outgoing.begun:
                raise NoAnswer(_what_became(err)) from None
            raise _not_reached(err, self._limits) from None

    def get(self, url: str, headers: Mapping[str, str], *, longest: int = _LONGEST_REPLY) -> Reply:
        """Ask and return the answer, whatever its status; no redirect is followed.

        A body is cut after `longest` bytes, so that who needs it whole sees that it is not.
        NoAnswer when nothing came, of whatever cause: asking changes nothing on the other side.
        """
        try:
            with self._client.stream("GET", url, headers=dict(headers)) as response:
                return self._reply(response, longest)
        except (httpx.HTTPError, httpx.InvalidURL) as err:
            raise NoAnswer(_what_became(err)) from None

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def _reply(self, response: httpx.Response, longest: int) -> Reply:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, headers, self._read(response, longest))

    def _read(self, response: httpx.Response, longest: int) -> bytes:
        """What came of the answer's body: its status is known and counts, however that ends."""
        end = monotonic() + self._limits.answer
        read = bytearray()
        try:
            for piece in response.iter_raw():
                read += piece
                if len(read) > longest or monotonic() > end:
                    break
        except httpx.HTTPError:
            pass
        return bytes(read[:longest])


class _Outgoing:
    """The body in pieces, and whether the first of them may have left."""

    def __init__(self, body: bytes, before_body: Callable[[], None]) -> None:
        self._body = body
        self._before_body = before_body
        self.begun = False

    def __iter__(self) -> Iterator[bytes]:
        self._before_body()
        self.begun = True
        for start in range(0, len(self._body), _PIECE):
            yield self._body[start : start + _PIECE]


def trust() -> ssl.SSLContext:
    """The machine's own authorities, and those that SSL_CERT_FILE and SSL_CERT_DIR name."""
    return _trust(*map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR")))


@cache
def _trust(_file: str | None, _directory: str | None) -> ssl.SSLContext:
    """Read once for all lines: it takes a tenth of a second. OpenSSL looks at both names itself."""
    return ssl.create_default_context()


def _what_became(err: Exception) -> str:
    if isinstance(err, httpx.TimeoutException):
        return "did not answer in time"
    if isinstance(err, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return "hung up without an answer, or gave one that is no HTTP"
    return f"gave no usable answer ({type(err).__name__})"


def _not_reached(err: Exception, limits: Limits) -> NotReached:
    """Said by kind: the texts of the library may hold what was sent, keys among it."""
    if isinstance(err, httpx.TimeoutException):
        return NotReached(f"nothing within {limits.connect:g} seconds")
    if isinstance(err, httpx.ProxyError):
        return NotReached("the proxy does not let us through")
    found = (_from_system(cause) for cause in _causes(err))
    return next(filter(None, found), None) or NotReached(type(err).__name__)


def _from_system(err: BaseException) -> NotReached | None:
    match err:
        case ssl.SSLCertVerificationError():
            why = err.verify_message.rstrip(".")
            return NotReached(f"its certificate is not accepted: {why}", distrust=True)
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return NotReached("it hung up while TLS was agreed on")
        case ssl.SSLError():
            return NotReached("it does not speak TLS", distrust=True)
        case socket.gaierror():
            return NotReached("there is no machine of that name")
        case OSError() if err.strerror:
            return NotReached(err.strerror.lower())
    return None


def _causes(err: BaseException | None) -> Iterator[BaseException]:
    while err is not None:
        yield err
        err = err.__cause__ or err.__context__


def get_status(url: str, *, timeout: float = 10.0) -> int:
    """The status code a GET of this address answers; ConfigurationError when nothing answers."""
    try:
        with httpx.Client(
            timeout=timeout, follow_redirects=False, trust_env=False, headers=_AGENT
        ) as client:
            return client.get(url).status_code
    except httpx.HTTPError as err:
        raise ConfigurationError(f"{url} does not answer ({type(err).__name__})") from err
