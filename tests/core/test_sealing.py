"""Addresses at rest: unreadable without the key, found again with it."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from newsletter.core.errors import ConfigurationError
from newsletter.core.sealing import Keyring, Sealer


def test_sealed_twice_looks_different_and_opens_the_same() -> None:
    sealer = Sealer(Keyring.generate())
    first, second = sealer.seal("မြ@example.org"), sealer.seal("မြ@example.org")
    assert first != second
    assert b"example" not in first
    assert sealer.open(first) == sealer.open(second) == "မြ@example.org"


def test_another_key_opens_nothing_and_finds_nothing() -> None:
    ours, theirs = Sealer(Keyring.generate()), Sealer(Keyring.generate())
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        theirs.open(ours.seal("a@example.org"))
    assert ours.blind_index("a@example.org") != theirs.blind_index("a@example.org")


def test_a_flipped_bit_is_noticed() -> None:
    sealer = Sealer(Keyring.generate())
    sealed = bytearray(sealer.seal("a@example.org"))
    sealed[-1] ^= 1
    with pytest.raises(ConfigurationError):
        sealer.open(bytes(sealed))


def test_an_added_key_seals_and_the_old_one_still_opens() -> None:
    old = Keyring.generate()
    sealed = Sealer(old).seal("a@example.org")
    both = Keyring(old.index, (("k2", b"n" * 32), *old.keys))
    assert Sealer(both).open(sealed) == "a@example.org"
    assert Sealer(both).seal("x").startswith(b"k2\0")
    assert Sealer(both).blind_index("x") == Sealer(old).blind_index("x")


def test_key_file_is_private_kept_and_read_again(tmp_path: Path) -> None:
    ring, path = Keyring.generate(), tmp_path / "keys.json"
    ring.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Keyring.load(path) == ring
    with pytest.raises(FileExistsError):
        Keyring.generate().save(path)


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b'{"index": "AAAA", "keys": []}', b"\xff\xfe", b'{"index":1,"keys":[1]}']
)
def test_damaged_key_file_is_named(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(damage)
    with pytest.raises(ConfigurationError, match="is damaged; put it back"):
        Keyring.load(path)


@pytest.mark.parametrize(
    "names", [["2026-11"], ["K1"], [""], ["k" * 9], [7], ["k1\n"], ["k1", "k2", "k1"]]
)
def test_key_names_that_links_cannot_carry_are_refused(tmp_path: Path, names: list[object]) -> None:
    secret = base64.b64encode(b"n" * 32).decode()
    path = tmp_path / "keys.json"
    keys = [{"kid": name, "key": secret} for name in names]
    path.write_text(json.dumps({"version": 1, "index": secret, "keys": keys}))
    with pytest.raises(ConfigurationError, match=r"keys\.json.*1 to 8 .*a-z.*only once"):
        Keyring.load(path)
