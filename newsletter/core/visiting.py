"""Visiting an address that a stranger wrote: on the public internet, briefly, and empty-handed.

No name is trusted: it is looked up once, every address it has must be public, and the connection
goes to the very address that was judged, so that a second look-up cannot lead elsewhere (DNS
rebinding). Each redirect is judged anew. Nothing of an answer's body is read unless it is asked
for, and never unpacked (`fetching` does); no cookie, Referer or proxy is used.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import httpcore

from newsletter import __version__
from newsletter.core.http import trust
from newsletter.core.public_addresses import is_public

AGENT = f"newsletter/{__version__} (link check)"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~-._"
_ALLOWED_PORTS = frozenset({80, 443, 8080, 8443})

Resolve = Callable[[str, int], Sequence[str]]
"""A host's addresses, as texts; OSError when there are none."""


class Trouble(StrEnum):
    """Why a visit ended without an answer."""

    REFUSED = "refused"
    """Nobody may be sent there: it is not on the public internet, or not a web address."""
    NO_SUCH_HOST = "no such host"
    UNREACHABLE = "unreachable"
    DISTRUSTED = "distrusted"
    """Its certificate is not accepted."""
    SLOW = "slow"
    ASTRAY = "astray"
    """It led from one address to the next without end, or to none."""
    GARBLED = "garbled"
    """What came was no HTTP."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How long and how far a visit may go. `loopback` lets it end on this machine: for tests."""

    seconds: float = 20.0
    """All in all, redirects included."""
    redirects: int = 6
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of it: a status, or the trouble; `url` is where it ended."""

    url: str
    status: int | None = None
    trouble: Trouble | None = None
    detail: str = ""
    """A piece of a sentence."""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case; of several of one name the first."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of an address beside its status."""

    method: str = "GET"
    longest: int = 0
    """Bytes of the body that are read at most, as they come over the wire."""
    types: tuple[str, ...] = ()
    """Beginnings of content types; the body of any other is not read. None here: all are."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Instead of, or beside, those of a link check."""


class _Ended(Exception):
    def __init__(self, trouble: Trouble, detail: str) -> None:
        self.trouble, self.detail = trouble, detail
        super().__init__(detail)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the machine's own resolver gives them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def visit(
    url: str,
    rules: Rules,
    *,
    method: str = "GET",
    longest: int = 0,
    resolver: Resolve = resolve,
) -> Visit:
    """Ask for an http or https address, follow its redirects, and say what came; never raises.

    At most `longest` bytes of the body are read, as they came over the wire.
    """
    return call(url, rules, Wish(method, longest), resolver=resolver)


def call(url: str, rules: Rules, wish: Wish, *, resolver: Resolve = resolve) -> Visit:
    """As `visit`, and bring what is wished for."""
    end = monotonic() + rules.seconds
    seen: set[str] = set()
    try:
        while True:
            if url in seen or len(seen) > rules.redirects:
                raise _Ended(Trouble.ASTRAY, "it leads from one address to the next without end")
            seen.add(url)
            found = _ask(url, wish, _Guard(rules, end, resolver))
            if found.status not in _REDIRECTS:
                return found
            further = quote(found.headers.get("location", ""), safe=_URL_SAFE)
            if not further:
                raise _Ended(Trouble.ASTRAY, "it leads on without saying where")
            url = _joined(url, further)
    except _Ended as err:
        return Visit(url, trouble=err.trouble, detail=err.detail)


def _joined(url: str, further: str) -> str:
    try:
        return urljoin(url, further)
    except ValueError:
        raise _Ended(Trouble.ASTRAY, "it leads to what is no address of a web page") from None


def _ask(url: str, wish: Wish, guard: _Guard) -> Visit:
    """What one request was answered, whatever that is."""
    parts = _parts(url, guard.rules)
    headers = list({**_headers(parts), **wish.headers}.items())
    try:
        origin = httpcore.URL(url).origin
        request = httpcore.Request(wish.method, url.partition("#")[0], headers=headers)
        with httpcore.HTTPConnection(
            origin, ssl_context=trust(), network_backend=guard
        ) as connection:
            response = connection.handle_request(request)
            try:
                said = _said(response.headers)
                body = _body(response, wish, said)
            finally:
                response.close()
            return Visit(url, response.status, body=body, headers=said)
    except _Ended:
        raise
    except httpcore.TimeoutException:
        raise _Ended(Trouble.SLOW, "it did not answer in time") from None
    except httpcore.ConnectError as err:
        raise _unreachable(err) from None
    except (httpcore.ProtocolError, httpcore.NetworkError, ValueError):
        cause = "it hung up without an answer, or gave one that is no HTTP"
        raise _Ended(Trouble.GARBLED, cause) from None


def _parts(url: str, rules: Rules) -> SplitResult:
    """The address taken apart; refused when it is none that a reader should follow."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
        host = parts.hostname or ""
    except ValueError:
        raise _Ended(Trouble.REFUSED, "it is no address of a web page") from None
    if parts.scheme not in _PORTS or not host or not url.isascii() or not url.isprintable():
        raise _Ended(Trouble.REFUSED, "it is no address of a web page")
    if " " in url:
        raise _Ended(Trouble.REFUSED, "there is a space in the address")
    if parts.username is not None:
        raise _Ended(Trouble.REFUSED, "a name or password stands in the address")
    if port not in _ALLOWED_PORTS and not rules.loopback:
        raise _Ended(Trouble.REFUSED, f"port {port} is none that web pages use")
    return parts


def _headers(parts: SplitResult) -> dict[str, str]:
    return {
        "Host": parts.netloc,
        "User-Agent": AGENT,
        "Accept": "text/html,application/pdf;q=0.9,*/*;q=0.8",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def _said(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The answer's headers; what stands in them beyond ASCII is UTF-8 in practice."""
    found: dict[str, str] = {}
    for name, value in headers:
        text = value.decode("utf-8", "replace").strip()
        found.setdefault(name.decode("ascii", "replace").lower(), text)
    return found


def _body(response: httpcore.Response, wish: Wish, said: Mapping[str, str]) -> bytes:
    kind = said.get("content-type", "").lower()
    if not wish.longest or response.status in _REDIRECTS:
        return b""
    if wish.types and kind and not kind.startswith(wish.types):
        return b""
    return _begin(response.iter_stream(), wish.longest)


def _begin(stream: Iterable[bytes], longest: int) -> bytes:
    read = bytearray()
    for piece in stream:
        read += piece
        if len(read) >= longest:
            break
    return bytes(read[:longest])


def _unreachable(err: BaseException | None) -> _Ended:
    while err is not None:
        if isinstance(err, ssl.SSLCertVerificationError):
            why = err.verify_message.rstrip(".")
            return _Ended(Trouble.DISTRUSTED, f"its certificate is not accepted: {why}")
        if isinstance(err, ssl.SSLError):
            return _Ended(Trouble.DISTRUSTED, "it does not speak TLS")
        if isinstance(err, OSError) and err.strerror:
            return _Ended(Trouble.UNREACHABLE, err.strerror.lower())
        err = err.__cause__ or err.__context__
    return _Ended(Trouble.UNREACHABLE, "nobody answers there")


class _Guard(httpcore.NetworkBackend):
    """Connects to addresses it has judged, and to no name; all of a visit within its time."""

    def __init__(self, rules: Rules, end: float, resolver: Resolve) -> None:
        self.rules = rules
        self._end = end
        self._resolve = resolver
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that answers."""
        addresses = self._judged(host, port)
        for last, address in enumerate(addresses, 1 - len(addresses)):
            try:
                left = _left(self._end) / (1 - last)  # so that a dead IPv6 leaves time for IPv4
                return _Timed(self._real.connect_tcp(address, port, left), self._end)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not last:
                    raise
        raise _Ended(Trouble.NO_SUCH_HOST, "there is no machine of that name")

    def _judged(self, host: str, port: int) -> list[str]:
        try:
            found = list(self._resolve(host.strip("[]"), port))
        except socket.gaierror as err:
            lasting = err.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", -5))
            if lasting:
                raise _Ended(Trouble.NO_SUCH_HOST, "there is no machine of that name") from None
            raise _Ended(Trouble.UNREACHABLE, "the name servers do not answer") from None
        except (OSError, UnicodeError):
            raise _Ended(Trouble.NO_SUCH_HOST, "there is no machine of that name") from None
        if not all(is_public(address, loopback=self.rules.loopback) for address in found):
            raise _Ended(Trouble.REFUSED, "it leads into a private network")
        return found[:4]


class _Timed(httpcore.NetworkStream):
    """A stream that ends with the visit, however slowly its bytes drip."""

    def __init__(self, stream: httpcore.NetworkStream, end: float) -> None:
        self._stream = stream
        self._end = end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Bytes, before the end of the visit."""
        return self._stream.read(max_bytes, _left(self._end))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Be rid of bytes, before the end of the visit."""
        self._stream.write(buffer, _left(self._end))

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same stream under TLS, its certificate judged by the name and not by the address."""
        inner = self._stream.start_tls(ssl_context, server_hostname, _left(self._end))
        return _Timed(inner, self._end)

    def get_extra_info(self, info: str) -> object:
        """What the stream below knows of itself."""
        return self._stream.get_extra_info(info)


def _left(end: float) -> float:
    left = end - monotonic()
    if left <= 0:
        raise _Ended(Trouble.SLOW, "it did not answer in time")
    return left
