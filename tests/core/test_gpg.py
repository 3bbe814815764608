"""OpenPGP by the real gpg, with a key ring made for the test."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.core import gpg
from newsletter.core.errors import ConfigurationError, InputError
from tests.system import require


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The fingerprint of a fresh key in a key ring of its own, which trusts nobody."""
    require("gpg", "gnupg")
    # A socket's path may be no longer than 107 bytes, so not below tmp_path.
    with tempfile.TemporaryDirectory(prefix="gpg-") as ring:
        monkeypatch.setenv("GNUPGHOME", ring)
        _gpg("--batch", "--passphrase", "", "--quick-generate-key", "desk@example.org")
        told = _gpg("--list-keys", "--with-colons").decode()
        yield next(line.split(":")[9] for line in told.splitlines() if line.startswith("fpr:"))
        subprocess.run(["gpgconf", "--kill", "all"], check=False)


def _gpg(*args: str, data: bytes = b"") -> bytes:
    done = subprocess.run(["gpg", *args], input=data, capture_output=True, check=True)
    return done.stdout


def test_what_is_written_opens_with_the_secret_key(key: str, tmp_path: Path) -> None:
    gpg.require(key)
    with (tmp_path / "list.gpg").open("wb") as file, gpg.writer(file, key) as plain:
        for number in range(20_000):
            plain.write(b"reader%d@example.org\r\n" % number)
    sealed = (tmp_path / "list.gpg").read_bytes()
    assert b"example.org" not in sealed
    opened = _gpg("--batch", "--decrypt", data=sealed)
    assert opened.endswith(b"reader19999@example.org\r\n")
    assert opened.count(b"\n") == 20_000


def test_an_unknown_key_is_named_before_anything_is_written(key: str) -> None:
    assert key
    with pytest.raises(InputError, match="cannot encrypt for 'nobody"):
        gpg.require("nobody@example.com")
    with pytest.raises(InputError, match="is no key"):
        gpg.require("--output=x")


def test_a_key_by_name_needs_gpg_s_trust(key: str) -> None:
    _gpg("--import-ownertrust", data=f"{key}:2:\n".encode())
    with pytest.raises(InputError, match="gpg cannot encrypt for"):
        gpg.require("desk@example.org")
    _gpg("--import-ownertrust", data=f"{key}:6:\n".encode())
    gpg.require("desk@example.org")


def test_a_write_that_broke_is_no_file(key: str, tmp_path: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        (tmp_path / "x").open("wb") as file,
        gpg.writer(file, key) as plain,
    ):
        plain.write(b"half")
        raise ZeroDivisionError
    with pytest.raises(subprocess.CalledProcessError):
        _gpg("--batch", "--decrypt", data=(tmp_path / "x").read_bytes())


def test_without_the_program_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(ConfigurationError, match="apt-get install gnupg"):
        gpg.require("A" * 40)
