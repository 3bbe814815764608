"""Certificates for the tests of lines with TLS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.smtp_server import Certificate, make_certificate


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """For localhost, trusted by nobody yet."""
    return make_certificate(tmp_path)


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """The same, as an authority this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    return certificate
