"""The domain's private keys: made, read from their files, and shown to the DNS."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from newsletter.core.errors import ConfigurationError
from newsletter.core.settings import Settings
from newsletter.rendering.dkim import PrivateKey, Signer, SigningKey

_LEAST_BITS = 1024
"""RFC 8301 §3.2: verifiers must not believe a shorter one."""
ADVISED_BITS = 2048
_REWRITTEN = {".amazonaws.com": ("Date", "Message-ID")}
"""Which headers a relay writes anew, by the end of its name: Amazon SES says so of these."""
_DNS_STRING = 255
"""RFC 1035 §3.3: a TXT record is a row of strings, none longer than this."""


def signer(settings: Settings) -> Signer | None:
    """Who signs what leaves over SMTP; None when nobody is set.

    ConfigurationError when a key's file is missing, is no private key or is too weak.
    """
    if not settings.dkim.domain:
        return None
    paths = settings.dkim.paths(settings.home)
    return _signer(settings.dkim.domain, tuple(paths.items()), left_out(settings))


def signer_of(settings: Settings, domain: str, selector: str, key_path: str) -> Signer | None:
    """Who signs in the name of another domain, with one key; None without a selector.

    A relative path begins in the home. ConfigurationError as `signer`.
    """
    if not (selector and key_path):
        return None
    return _signer(domain, ((selector, settings.home / key_path),), left_out(settings))


@lru_cache(maxsize=8)
def _signer(domain: str, paths: tuple[tuple[str, Path], ...], without: frozenset[str]) -> Signer:
    return Signer(domain, tuple(SigningKey(name, load(path)) for name, path in paths), without)


def left_out(settings: Settings) -> frozenset[str]:
    """Headers that some relay in use writes anew; unsigned, they break nothing with the others."""
    relays = [settings.smtp, *settings.providers.values()]
    hosts = [str(getattr(relay, "host", "")).lower().rstrip(".") for relay in relays]
    known = (
        names for end, names in _REWRITTEN.items() if any(host.endswith(end) for host in hosts)
    )
    return frozenset(settings.dkim.left_out).union(*known)


def load(path: Path) -> PrivateKey:
    """The private key in a PEM file; ConfigurationError says what is wrong with it."""
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as err:
        raise ConfigurationError(f"the DKIM key {path} cannot be read: {err.strerror}") from err
    except (ValueError, TypeError) as err:
        raise ConfigurationError(
            f"{path} holds no private key in PEM without a passphrase; make one by "
            "'newsletter dkim new-key'"
        ) from err
    if isinstance(found, RSAPrivateKey) and found.key_size >= _LEAST_BITS:
        return found
    if isinstance(found, Ed25519PrivateKey):
        return found
    raise ConfigurationError(
        f"the key in {path} is of a kind or length that no receiver believes; make one by "
        "'newsletter dkim new-key'"
    )


def generate(kind: str) -> PrivateKey:
    """A new key: `rsa` (2048 bits, which every receiver knows) or `ed25519`."""
    if kind == "ed25519":
        return Ed25519PrivateKey.generate()
    return generate_private_key(65537, ADVISED_BITS)


def pem(private: PrivateKey) -> bytes:
    """The key as its file holds it."""
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def record(private: PrivateKey) -> str:
    """What the DNS must say of it (RFC 6376 §3.6.1, RFC 8463 §4)."""
    public = private.public_key()
    if isinstance(private, Ed25519PrivateKey):
        kind, raw = "ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        kind = "rsa"
        raw = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k={kind}; p={base64.b64encode(raw).decode()}"


def zone_line(domain: str, selector: str, text: str) -> str:
    """The record as a line of a zone file, cut into strings that a TXT record may hold."""
    cuts = [text[at : at + _DNS_STRING] for at in range(0, len(text), _DNS_STRING)]
    return f"{selector}._domainkey.{domain}. IN TXT " + " ".join(f'"{cut}"' for cut in cuts)
