"""DKIM signatures (RFC 6376): rsa-sha256, and ed25519-sha256 (RFC 8463) as a second one.

Relaxed/relaxed, because relays touch white space. Every header that says who wrote, to whom and
how to leave is signed once more than it stands there, so that none can be added behind our back
(RFC 6376 §8.15); RFC 8058 §4 asks for both headers of one-click among them.
Signed is what leaves over SMTP. The providers over HTTP sign in the domain's name themselves:
SES writes a Date and a Message-ID of its own, which would break a signature of ours, and others
build a message of their own out of parts.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

OVERSIGNED = (
    *("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Unsubscribe"),
    *("List-Unsubscribe-Post", "MIME-Version", "Content-Type"),
)
SIGNED = (
    *OVERSIGNED,
    *("Content-Transfer-Encoding", "Content-Language", "List-Id", "List-Owner", "Feedback-ID"),
    "Auto-Submitted",
)
_NAMES = {name.lower().encode(): name for name in SIGNED}
_BLANKS = re.compile(rb"[ \t]+")
_FOLDS = re.compile(rb"[ \t\r\n]+")
_EMPTY_END = re.compile(rb"(?:\r\n)+\Z")
_BLANK_ENDS = re.compile(rb"[ \t]+(?=\r\n)")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)\r\n")
_B_LINE = 72


def relaxed_lines(lines: bytes) -> bytes:
    """Whole lines as the hash of a body sees them.

    RFC 6376 §3.4.4: no blanks at the end of a line, one for many within it.
    """
    return _BLANKS.sub(b" ", _BLANK_ENDS.sub(b"", lines))


class BodyHash:
    """Hashes bodies that differ in a few lines: what stands before them is hashed once.

    `runs` are the pieces of a body, with nothing at `places`, where a line comes that has no
    blanks and is never empty; the piece after it begins with that line's CRLF.
    """

    def __init__(self, runs: Sequence[bytes], places: Sequence[int]) -> None:
        self._runs = [relaxed_lines(run) for run in runs]
        self._places = list(places)
        self._end()
        first = self._places[0] if self._places else len(self._runs)
        self._start = first
        self._state = hashlib.sha256(b"".join(self._runs[:first]))

    def _end(self) -> None:
        """Take away the empty lines at the end (RFC 6376 §3.4.4)."""
        last = self._places[-1] if self._places else -1
        rest = _EMPTY_END.sub(b"", b"".join(self._runs[last + 1 :]))
        self._runs[last + 1 :] = [rest + b"\r\n" if rest or self._places else b""]

    def of(self, pieces: Sequence[bytes]) -> bytes:
        """The hash of the body whose lines that differ are taken from these pieces."""
        found = self._runs.copy()
        for at in self._places:
            found[at] = pieces[at]
        state = self._state.copy()
        state.update(b"".join(found[self._start :]))
        return state.digest()


def fields_of(head: bytes) -> dict[str, bytes]:
    """The fields of a finished head that are signed, each as the hash sees it, without its CRLF.

    RFC 6376 §3.4.2: the name in lower case, the value unfolded, one blank for many.
    """
    found = ((name.lower(), value) for name, value in _FIELD.findall(head))
    return {
        _NAMES[name]: name + b":" + _FOLDS.sub(b" ", value).strip()
        for name, value in found
        if name in _NAMES
    }


@dataclass(frozen=True)
class SigningKey:
    """One private key and the selector under which its public half lies in the DNS."""

    selector: str
    private: PrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        """As the tag `a=` names it."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    @property
    def bits(self) -> int:
        """The length of an RSA key; 0 of the other kind, which not every receiver knows."""
        return self.private.key_size if isinstance(self.private, RSAPrivateKey) else 0

    def sign(self, text: bytes) -> bytes:
        """The signature over a canonical head; Ed25519 signs its hash (RFC 8463 §3)."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(text, PKCS1v15(), SHA256())
        return self.private.sign(hashlib.sha256(text).digest())


@dataclass(frozen=True)
class Signer:
    """Signs messages in the name of one domain, with one key or with two; for all threads."""

    domain: str
    keys: tuple[SigningKey, ...]
    left_out: frozenset[str] = frozenset()
    """Headers that whoever takes our mail writes anew: signed, they would break the signature."""

    def sign(self, message: bytes) -> bytes:
        """A finished message (CRLF, each header once) with its signatures before it."""
        head, _, body = message.partition(b"\r\n\r\n")
        return self.headers(fields_of(head + b"\r\n"), BodyHash([body], ()).of(())) + message

    def headers(self, fields: Mapping[str, bytes], body_hash: bytes) -> bytes:
        """The DKIM-Signature headers over these canonical fields and the hash of a body."""
        signed, oversigned = self._names
        names = [name for name in signed if name in fields]
        covered = b"".join(fields[name] + b"\r\n" for name in names)
        listed = _folded_names(chain(names, oversigned))
        return b"".join(self._header(key, listed, covered, body_hash) for key in self.keys)

    def _header(self, key: SigningKey, listed: list[str], covered: bytes, digest: bytes) -> bytes:
        front = self._fronts[key.selector, key.algorithm]
        tags = [*front, *listed, f"bh={base64.b64encode(digest).decode()};", "b="]
        unsigned = "dkim-signature:" + " ".join(tags)
        mark = base64.b64encode(key.sign(covered + unsigned.encode())).decode()
        rows = [mark[at : at + _B_LINE] for at in range(0, len(mark), _B_LINE)]
        return ("DKIM-Signature: " + "\r\n ".join(tags) + "\r\n ".join(rows) + "\r\n").encode()

    @cached_property
    def _names(self) -> tuple[list[str], list[str]]:
        lists = (SIGNED, OVERSIGNED)
        signed, oversigned = ([n for n in names if n not in self.left_out] for names in lists)
        return signed, oversigned

    @cached_property
    def _fronts(self) -> dict[tuple[str, str], tuple[str, ...]]:
        return {
            (key.selector, key.algorithm): (
                f"v=1; a={key.algorithm}; c=relaxed/relaxed;",
                f"d={self.domain}; s={key.selector};",
            )
            for key in self.keys
        }


def _folded_names(names: Iterable[str]) -> list[str]:
    """`h=` in rows of which each fits a line; white space may stand around the colons."""
    rows = ["h="]
    for name in names:
        if len(rows[-1]) + len(name) > _B_LINE:
            rows.append("")
        rows[-1] += f"{name}:"
    rows[-1] = rows[-1].removesuffix(":") + ";"
    return rows
