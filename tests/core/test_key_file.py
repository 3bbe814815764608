"""The key file: private, whole or not at all, and named when it is neither."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from newsletter.core import key_file
from newsletter.core.errors import ConfigurationError
from newsletter.core.key_file import KeyFile


def test_key_file_is_private_kept_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key_file.make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = KeyFile.load(path)
    assert len(made.masters[0]) == 32
    key_file.make(path)
    assert KeyFile.load(path) == made, "a key is never replaced by a new one"
    assert [file.name for file in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{}",
        b"[]",
        b'"text"',
        b'{"version": 2}',
        b'{"version": 2, "masters": []}',
        b'{"version": 2, "masters": ["AAAA"]}',
        b'{"version": 2, "masters": [1]}',
        b'{"version": 1, "index": "AAAA", "keys": []}',
        b"\xff\xfe",
        b'{"version": 1, "index":1,"keys":[1]}',
    ],
)
def test_damaged_key_file_is_named(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(damage)
    with pytest.raises(ConfigurationError, match="is damaged; put it back"):
        KeyFile.load(path)


def test_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"version": 3, "masters": []}')
    with pytest.raises(ConfigurationError, match="newer version"):
        KeyFile.load(path)


@pytest.mark.parametrize(
    "names", [["2026-11"], ["K1"], [""], ["k" * 9], [7], ["k1\n"], ["k1", "k2", "k1"]]
)
def test_key_names_that_links_cannot_carry_are_refused(tmp_path: Path, names: list[object]) -> None:
    secret = base64.b64encode(b"n" * 32).decode()
    path = tmp_path / "keys.json"
    keys = [{"kid": name, "key": secret} for name in names]
    path.write_text(json.dumps({"version": 1, "index": secret, "keys": keys}))
    with pytest.raises(ConfigurationError, match=r"keys\.json.*1 to 8 .*a-z.*only once"):
        KeyFile.load(path)
