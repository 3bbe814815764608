"""The one door to the domain name system: a question, and an answer that tells failures apart.

That a name does not exist, that it has no such record, and that nobody could say are three
answers: only the first two tell anything of the name (RFC 2308; RFC 8020). Large answers come by
TCP (RFC 7766). After two servers' silence in a row nobody is asked any more, because forty
questions to a network that is not there would take minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import dns.exception
import dns.name
import dns.nameserver
import dns.rdata
import dns.rdtypes.ANY.TXT
import dns.resolver
import dns.reversename

from newsletter.core.doctor_settings import server_of

_GIVE_UP_AFTER = 2


class Said(StrEnum):
    """What became of a question."""

    FOUND = "found"
    EMPTY = "empty"
    """The name exists and has no record of this kind."""
    NO_NAME = "no name"
    FAILED = "failed"
    """SERVFAIL, time-out, refusal: nothing is known of the name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Records as text, in one order: TXT joined, MX as `10 mail.example.org`, names in small
    letters without the last dot. `why` is a piece of a sentence when nobody could say."""

    said: Said
    values: tuple[str, ...] = ()
    why: str = ""

    @property
    def failed(self) -> bool:
        """Nothing is known."""
        return self.said is Said.FAILED

    @property
    def void(self) -> bool:
        """Answered, with nothing in it (RFC 7208 §4.6.4: a void look-up)."""
        return self.said in (Said.EMPTY, Said.NO_NAME)


class Names:
    """Asks name servers, each question once; for one thread and one examination."""

    def __init__(self, nameservers: Sequence[str] = (), *, timeout: float = 5) -> None:
        """`nameservers` as in the settings; none: those of this machine."""
        self._resolver = _resolver(nameservers)
        if self._resolver is not None:
            self._resolver.timeout = max(0.2, timeout / 2)
            self._resolver.lifetime = timeout
        self._kept: dict[tuple[str, str], Answer] = {}
        self._silent = 0

    def ask(self, name: str, kind: str) -> Answer:
        """The records of a kind (`TXT`, `MX`, `A`, `AAAA`, `PTR`, `CNAME`) at a name."""
        key = name.lower().rstrip("."), kind
        if key not in self._kept:
            self._kept[key] = self._asked(*key)
        return self._kept[key]

    def pointer(self, address: str) -> Answer:
        """The names that an IP address bears (PTR)."""
        return self.ask(dns.reversename.from_address(address).to_text(), "PTR")

    def _asked(self, name: str, kind: str) -> Answer:
        if self._resolver is None:
            return Answer(Said.FAILED, why="this machine knows no name server")
        if self._silent >= _GIVE_UP_AFTER:
            return Answer(Said.FAILED, why="no name server answers")
        try:
            absolute = dns.name.from_text(f"{name}.")
            found = self._resolver.resolve(absolute, kind, search=False)
        except dns.resolver.NXDOMAIN:
            answer = Answer(Said.NO_NAME)
        except dns.resolver.NoAnswer:
            answer = Answer(Said.EMPTY)
        except dns.resolver.NoNameservers:
            answer = Answer(Said.FAILED, why="the name servers could not say (SERVFAIL)")
        except (dns.exception.Timeout, OSError):
            self._silent += 1
            return Answer(Said.FAILED, why="no name server answered in time")
        except (dns.exception.DNSException, ValueError):
            answer = Answer(Said.NO_NAME)  # no such name can be: a label too long, an empty one
        else:
            values = tuple(sorted(_text(record) for record in found))
            answer = Answer(Said.FOUND, values)
        self._silent = 0
        return answer


def _resolver(nameservers: Sequence[str]) -> dns.resolver.Resolver | None:
    try:
        made = dns.resolver.Resolver(configure=not nameservers)
    except dns.resolver.NoResolverConfiguration:
        return None
    if nameservers:
        places = map(server_of, nameservers)
        made.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in places]
    return made


def _text(record: dns.rdata.Rdata) -> str:
    if isinstance(record, dns.rdtypes.ANY.TXT.TXT):
        # RFC 7208 §3.3: the strings of a record are joined without a blank between them.
        return b"".join(record.strings).decode("utf-8", "backslashreplace")
    return record.to_text().rstrip(".").lower()
