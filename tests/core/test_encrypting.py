"""Encrypted files: whole or refused, in flat memory, and in the format that others read."""

from __future__ import annotations

import errno
import io
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import IO

import pyrage
import pytest

from newsletter.core import encrypting
from newsletter.core.encrypting import Key, Lock
from newsletter.core.errors import ConfigurationError, InputError

WORDS = "six plain words that nobody guesses"
TEXT = "စာဖတ်သူ r1@example.org\n".encode() * 20_000
IDENTITY = pyrage.x25519.Identity.generate()
OURS = Key(identities=(IDENTITY,))
FOR_US = Lock.recipients([str(IDENTITY.to_public())])

LOCKS = pytest.mark.parametrize(
    ("lock", "key"),
    [(FOR_US, OURS), (Lock.passphrase(WORDS), Key.passphrase(WORDS))],
    ids=["recipients", "passphrase"],
)


@cache
def closed(lock: Lock, text: bytes = TEXT) -> bytes:
    """Each lock made once: a passphrase costs a second of a core."""
    target = io.BytesIO()
    with encrypting.writer(target, lock) as plain:
        plain.write(text)
    return target.getvalue()


def opened(locked: bytes, key: Key) -> bytes:
    with encrypting.reader(io.BytesIO(locked), key) as plain:
        return plain.read()


@LOCKS
def test_there_and_back(lock: Lock, key: Key) -> None:
    locked = closed(lock)
    assert opened(locked, key) == TEXT
    assert b"example.org" not in locked


def test_others_read_and_write_the_same_files() -> None:
    assert pyrage.decrypt(closed(FOR_US), [IDENTITY]) == TEXT
    assert pyrage.passphrase.decrypt(closed(Lock.passphrase(WORDS)), WORDS) == TEXT
    assert opened(closed(FOR_US, b""), OURS) == b""
    assert opened(pyrage.encrypt(TEXT, [IDENTITY.to_public()]), OURS) == TEXT


@LOCKS
def test_altered_cut_off_or_foreign_is_refused(lock: Lock, key: Key) -> None:
    locked = closed(lock)
    middle = len(locked) // 2
    altered = locked[:middle] + bytes([locked[middle] ^ 1]) + locked[middle + 1 :]
    for broken in (altered, locked[:-70_000], locked[:100], b"", b"SQLite format 3"):
        with pytest.raises(InputError, match="damaged or not whole"):
            opened(broken, key)
    others = Key.passphrase("x" * 12) if key.text else Key((pyrage.x25519.Identity.generate(),))
    with pytest.raises(InputError, match=r"not the one|none of the given"):
        opened(locked, others)


def test_damage_behind_what_was_read_is_noticed_on_leaving() -> None:
    locked = closed(FOR_US)[:-1]
    with (
        pytest.raises(InputError, match="damaged"),
        encrypting.reader(io.BytesIO(locked), OURS) as plain,
    ):
        assert plain.read(10) == TEXT[:10]


@LOCKS
def test_a_block_left_by_an_error_leaves_no_whole_file(lock: Lock, key: Key) -> None:
    target = io.BytesIO()
    with pytest.raises(KeyError), encrypting.writer(target, lock) as plain:
        plain.write(TEXT)
        raise KeyError
    with pytest.raises(InputError):
        opened(target.getvalue(), key)
    with pytest.raises(KeyError), encrypting.reader(io.BytesIO(closed(lock)), key):
        raise KeyError


def test_a_machine_too_slow_for_the_passphrase_calls_no_file_damaged() -> None:
    locked = closed(Lock.passphrase(WORDS))
    demanding = re.sub(rb"(-> scrypt \S+) \d+\n", rb"\1 40\n", locked, count=1)
    with pytest.raises(InputError, match="too slow for its passphrase now"):
        opened(demanding, Key.passphrase(WORDS))


class Full(io.BytesIO):
    """A disk without room after so many bytes."""

    def write(self, piece: object, /) -> int:
        if self.tell() > 300_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(piece)  # type: ignore[arg-type]


def test_a_full_disk_is_the_error_that_comes_out() -> None:
    with pytest.raises(OSError, match="No space") as caught, encrypting.writer(Full(), FOR_US) as p:
        for _ in range(20):
            p.write(TEXT)
    assert caught.value.errno == errno.ENOSPC


class Unreadable(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 100_000:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


def test_a_disk_that_cannot_be_read_is_no_damage_of_the_file() -> None:
    source: IO[bytes] = Unreadable(closed(FOR_US))
    with pytest.raises(OSError, match="Input/output"), encrypting.reader(source, OURS) as plain:
        plain.read()


def test_memory_stays_flat_for_recipients() -> None:
    script = """
import os, resource, sys
from newsletter.core.encrypting import Lock, writer
with open(os.devnull, "wb") as target, writer(target, Lock.recipients([sys.argv[1]])) as plain:
    plain.write(b"x" * 65536)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2000):
        plain.write(b"x" * 65536)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(IDENTITY.to_public())],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) < 8_000  # of 131 000 kB that went through


def test_a_passphrase_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypting, "PASSPHRASE_LIMIT", 1000)
    with (
        pytest.raises(ConfigurationError, match="--to age1"),
        encrypting.writer(io.BytesIO(), Lock.passphrase(WORDS)) as plain,
    ):
        plain.write(TEXT)


def test_what_is_no_lock() -> None:
    with pytest.raises(InputError, match="at least 12"):
        Lock.passphrase("too short")
    with pytest.raises(InputError, match="at least one"):
        Lock.recipients([])
    with pytest.raises(InputError, match="'age1xyz' is no age recipient"):
        Lock.recipients([str(IDENTITY.to_public()), "age1xyz"])
    with pytest.raises(InputError, match="secret key") as caught:
        Lock.recipients([str(IDENTITY)])
    assert str(IDENTITY)[:20] not in str(caught.value)
    assert WORDS not in repr(Lock.passphrase(WORDS)) + repr(Key.passphrase(WORDS))


def test_key_files(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    path.write_text(f"# created: today\n# public key: {IDENTITY.to_public()}\n{IDENTITY}\n")
    assert opened(closed(FOR_US), Key.identity_file(path)) == TEXT
    for content in (b"", b"# only\n", b"no key\n", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="key"):
            Key.identity_file(path)
    with pytest.raises(InputError, match="cannot be read"):
        Key.identity_file(tmp_path / "none")


def test_a_file_says_what_it_wants(tmp_path: Path) -> None:
    path = tmp_path / "file.age"
    path.write_bytes(closed(FOR_US))
    assert encrypting.locked_by(path) == "recipients"
    path.write_bytes(closed(Lock.passphrase(WORDS)))
    assert encrypting.locked_by(path) == "passphrase"
    path.write_bytes(b"something else")
    with pytest.raises(InputError, match="no file encrypted by age"):
        encrypting.locked_by(path)
