"""TLS certificates: what stands in one, and whether it is believed and will be next month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from newsletter.doctor.findings import Finding, Verdict

_SOON = timedelta(days=14)
_OLD = ("SSLv3", "TLSv1", "TLSv1.1")
_RULE = "TLS 1.2 or newer, with a certificate that is believed and renewed in time"
_SOURCE = "RFC 8996; RFC 8314 §4"


@dataclass(frozen=True)
class Seen:
    """What a server showed: the certificate's last day, and why nobody should believe it."""

    version: str
    not_before: datetime
    not_after: datetime
    distrust: str = ""


def read(der: bytes, version: str, distrust: str = "") -> Seen | None:
    """The certificate that a server showed; None when nobody can read it."""
    try:
        found = x509.load_der_x509_certificate(der)
        return Seen(version, found.not_valid_before_utc, found.not_valid_after_utc, distrust)
    except ValueError:
        return None


def judged(subject: str, seen: Seen, now: datetime) -> Finding:
    """Whether others will believe it, today and in two weeks."""
    left = seen.not_after - now
    if left < timedelta(0):
        ago = (now - seen.not_after).days
        text = f"its certificate ended on {seen.not_after:%Y-%m-%d}, {ago} days ago"
        return _finding(subject, Verdict.BAD, text, "renew it")
    if seen.not_before > now:
        text = f"its certificate begins on {seen.not_before:%Y-%m-%d %H:%M} UTC only"
        return _finding(subject, Verdict.BAD, text, "set this machine's clock, or wait for it")
    if seen.distrust:
        text = f"its certificate is not believed: {seen.distrust}"
        remedy = (
            "use the name that stands in it, or one of an authority that everybody knows (your own "
            "authority's file goes into SSL_CERT_FILE)"
        )
        return _finding(subject, Verdict.BAD, text, remedy)
    if seen.version in _OLD:
        return _finding(subject, Verdict.WARNING, f"it speaks {seen.version}", "renew its TLS")
    text = f"{seen.version}, and its certificate holds for {left.days} more days"
    if left < _SOON:
        return _finding(subject, Verdict.WARNING, text, "see to it that it is renewed")
    return _finding(subject, Verdict.GOOD, text, "")


def _finding(subject: str, verdict: Verdict, text: str, remedy: str) -> Finding:
    return Finding(subject, verdict, text, remedy, _RULE, _SOURCE)
