"""Amazon SNS as the bearer of SES's events: whose message it is, by certificate and topic.

Signed with RSA over fields in alphabetical order: SignatureVersion 1 is SHA-1, 2 is SHA-256. The
message names the certificate itself, so it is believed only from Amazon's own host of the topic's
region. Anybody may have a topic that Amazon signs for, so ours is named in the settings.
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import load_pem_x509_certificate

from newsletter.core.http import Client, Limits, NoAnswer, Reply
from newsletter.core.provider_settings import Http
from newsletter.providers.hook import Refused, Unavailable
from newsletter.providers.hook_values import at_iso, word

Fetch = Callable[[str], Reply]
"""A GET of an address that was already found to be Amazon's."""
NOTIFICATION, CONFIRMATION = "Notification", "SubscriptionConfirmation"
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: (
        *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED[CONFIRMATION]
_HASHES: Mapping[str, HashAlgorithm] = {"1": SHA1(), "2": SHA256()}  # noqa: S303 - theirs to choose
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,100}\.pem")
_LONGEST = 65_536
_SECONDS = 5.0
"""Who posted waits meanwhile: Amazon hangs up after fifteen, and tells it again."""
_OLDEST = timedelta(days=14)
_KEPT = 8
_FETCHES, _PER = 10, timedelta(minutes=1)


def over_http(http: Http) -> Fetch:
    """Fetches as the settings say; a client of its own each time, because it is seldom."""

    def fetch(url: str) -> Reply:
        usual = (http.connect_timeout, http.write_timeout, http.answer_timeout)
        limits = Limits(*(min(one, _SECONDS) for one in usual))
        client = Client(limits=limits, proxy=http.proxy)
        try:
            return client.get(url, {}, longest=_LONGEST)
        finally:
            client.close()

    return fetch


class Certificates:
    """Amazon's public keys, fetched once each. Forged names are asked for a few times a minute."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, RSAPublicKey] = OrderedDict()
        self._asked: deque[datetime] = deque(maxlen=_FETCHES)

    def key(self, url: str, now: datetime) -> RSAPublicKey:
        """The key at an address of Amazon's; Refused when there is none, Unavailable for now."""
        if url in self._keys:
            return self._keys[url]
        with self._lock:
            if url not in self._keys:
                self._keys[url] = self._fetched(url, now)
                while len(self._keys) > _KEPT:
                    self._keys.popitem(last=False)
            return self._keys[url]

    def _fetched(self, url: str, now: datetime) -> RSAPublicKey:
        if len(self._asked) == _FETCHES and now - self._asked[0] < _PER:
            raise Unavailable("too many certificates were asked for in a minute")
        self._asked.append(now)
        return _public_key(answered(self._fetch, url))


def answered(fetch: Fetch, url: str) -> bytes:
    """What stands there; Unavailable when nobody answers, Refused when there is nothing."""
    try:
        reply = fetch(url)
    except NoAnswer as err:
        raise Unavailable(f"Amazon {err.cause}") from None
    if reply.status >= 500 or reply.status == 429:
        raise Unavailable(f"Amazon answered {reply.status}")
    if reply.status != 200:
        raise Refused(f"Amazon answered {reply.status} to what it should know")
    return reply.body


def verify(
    said: object, *, topic: str, certificates: Certificates, now: datetime
) -> Mapping[str, Any]:
    """The message, when Amazon signed it for our topic in the last fortnight; else Refused."""
    if not isinstance(said, dict):
        raise Refused("it is no SNS message")
    if said.get("TopicArn") != topic:
        raise Refused("it is of another topic")
    at = at_iso(said.get("Timestamp"))
    if at is None or abs(now - at) > _OLDEST:
        raise Refused("its time is missing or too far from ours")
    algorithm = _HASHES.get(word(said.get("SignatureVersion")))
    url = word(said.get("SigningCertURL"))
    if algorithm is None or not is_of_amazon(url, topic, _CERTIFICATE):
        raise Refused("its certificate is not Amazon's, or its signature of an unknown version")
    key = certificates.key(url, now)
    try:
        signature = base64.b64decode(word(said.get("Signature")), validate=True)
        key.verify(signature, _signed_text(said), PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error, ValueError):
        raise Refused("its signature does not match") from None
    return said


def is_of_amazon(url: str, topic: str, path: re.Pattern[str]) -> bool:
    """Whether it is https at SNS's host of the topic's own region, at such a path."""
    _, partition, _, region, *_ = topic.split(":")
    ending = ".cn" if partition == "aws-cn" else ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = f"sns.{region}.amazonaws.com{ending}"
    whole = (parts.scheme, parts.netloc, parts.fragment) == ("https", host, "")
    return whole and path.fullmatch(parts.path) is not None


def _signed_text(said: Mapping[str, Any]) -> bytes:
    names = _SIGNED.get(word(said.get("Type")))
    if names is None:
        raise Refused("it is of an unknown type")
    pairs = [(name, said.get(name)) for name in names if name in said or name != "Subject"]
    if not all(isinstance(value, str) for _, value in pairs):
        raise Refused("a field that is signed is missing")
    return "".join(f"{name}\n{value}\n" for name, value in pairs).encode("utf-8", "surrogatepass")


def _public_key(pem: bytes) -> RSAPublicKey:
    try:
        key = load_pem_x509_certificate(pem).public_key()
    except ValueError:
        raise Refused("what its certificate's address holds is none") from None
    if not isinstance(key, RSAPublicKey):
        raise Refused("its certificate is of an unknown kind")
    return key
