"""A verifier of DKIM signatures, written from RFC 6376 and RFC 8463 and not from our signer.

It works on bytes by the letter of the text and knows nothing of how a message is put together.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

Field = tuple[bytes, bytes]


def verify(message: bytes, dns: Mapping[str, str]) -> list[str]:
    """What each signature of a message is found to be: `pass`, or why not (RFC 6376 §6.1)."""
    head, _, body = message.partition(b"\r\n\r\n")
    fields = _fields(head)
    marks = [at for at, (name, _) in enumerate(fields) if name.lower() == b"dkim-signature"]
    return [_one(fields, at, body, dns) for at in marks]


def tags(value: bytes) -> dict[str, str]:
    """RFC 6376 §3.2: `name=value` between semicolons; folding white space means nothing."""
    found = {}
    for part in value.decode().strip().rstrip(";").split(";"):
        name, _, text = part.partition("=")
        found[name.strip()] = "".join(text.split())
    return found


def _fields(head: bytes) -> list[Field]:
    """Names and raw values: a line that begins with a blank goes on from the one before."""
    rows: list[bytes] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t"):
            rows[-1] += b"\r\n" + line
        else:
            rows.append(line)
    return [(name, value) for name, _, value in (row.partition(b":") for row in rows)]


def _one(fields: list[Field], at: int, body: bytes, dns: Mapping[str, str]) -> str:
    given = tags(fields[at][1])
    record = dns.get(f"{given['s']}._domainkey.{given['d']}.")
    if given["v"] != "1" or given["c"] != "relaxed/relaxed" or record is None:
        return "no key for it"
    if base64.b64decode(given["bh"]) != hashlib.sha256(_body(body)).digest():
        return "the body is another"
    below = [*fields[:at], *fields[at + 1 :]]
    text = b"".join(_header(field) + b"\r\n" for field in _chosen(below, given["h"].split(":")))
    name, value = fields[at]
    before, mark, after = value.rpartition(b"b=")
    assert b";" not in after, "b= is the last tag of ours"
    text += _header((name, before + mark))
    return _checked(given, tags(record.encode()), text)


def _chosen(fields: list[Field], names: list[str]) -> list[Field]:
    """RFC 6376 §5.4.2: a name that is listed again takes the next one up; none is nothing."""
    left = list(fields)
    found = []
    for name in names:
        for field in reversed(left):
            if field[0].decode().lower().strip() == name.lower():
                left.remove(field)
                found.append(field)
                break
    return found


def _header(field: Field) -> bytes:
    """RFC 6376 §3.4.2, step by step."""
    name, value = field
    value = value.replace(b"\r\n", b"").replace(b"\t", b" ")
    while b"  " in value:
        value = value.replace(b"  ", b" ")
    return name.lower().strip(b" ") + b":" + value.strip(b" ")


def _body(body: bytes) -> bytes:
    """RFC 6376 §3.4.4, step by step."""
    lines = []
    for line in body.split(b"\r\n"):
        plain = line.replace(b"\t", b" ")
        while b"  " in plain:
            plain = plain.replace(b"  ", b" ")
        lines.append(plain.rstrip(b" "))
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _checked(given: Mapping[str, str], record: Mapping[str, str], text: bytes) -> str:
    mark, public = base64.b64decode(given["b"]), base64.b64decode(record["p"])
    try:
        if given["a"] == "rsa-sha256" and record["k"] == "rsa":
            key = load_der_public_key(public)
            assert isinstance(key, RSAPublicKey)
            key.verify(mark, text, PKCS1v15(), SHA256())
        elif given["a"] == "ed25519-sha256" and record["k"] == "ed25519":
            digest = hashlib.sha256(text).digest()
            Ed25519PublicKey.from_public_bytes(public).verify(mark, digest)
        else:
            return "no such algorithm"
    except InvalidSignature:
        return "the headers are others"
    return "pass"
