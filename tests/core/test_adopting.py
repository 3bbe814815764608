"""A home of the first version, whose key file held the data keys, comes over with everything."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from alembic import command
from alembic.config import Config
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import text

from newsletter import migrations
from newsletter.app import initialise, open_services
from newsletter.core import establishing, settings
from newsletter.core.db import open_engine, reading, writing
from newsletter.core.errors import ConfigurationError
from newsletter.core.key_file import KeyFile
from newsletter.core.keychain import installation
from newsletter.core.tokens import Purpose
from subscribers import directory, resealing
from tests.conftest import fresh_database

INDEX, FIRST, SECOND = b"i" * 32, b"1" * 32, b"2" * 32
READER = UUID(int=3**70)


def _sub(key: bytes, label: str) -> bytes:
    return hmac.new(key, f"newsletter/{label}/v1".encode(), hashlib.sha256).digest()


def _sealed(kid: str, key: bytes, address: str) -> bytes:
    return kid.encode() + b"\0" + b"n" * 12 + AESGCM(_sub(key, "seal")).encrypt(
        b"n" * 12, address.encode(), None
    )  # fmt: skip


def _token(kid: str, key: bytes) -> str:
    body = READER.bytes + (1).to_bytes(8) + bytes([Purpose.UNSUBSCRIBE])
    mac = hmac.new(_sub(key, "token"), b"newsletter-token-v1|" + body, hashlib.sha256).digest()[:16]
    parts = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (body, mac)]
    return ".".join(["v1", kid, *parts])


def _fingerprint(index: bytes = INDEX) -> str:
    return hmac.new(index, b"fingerprint", hashlib.sha256).hexdigest()[:24]


def _key_file(home: Path, index: bytes = INDEX) -> None:
    keys = [{"kid": kid, "key": base64.b64encode(key).decode()}
            for kid, key in (("2026b", SECOND), ("k1", FIRST))]  # fmt: skip
    document = {"version": 1, "index": base64.b64encode(index).decode(), "keys": keys}
    (home / "keys.json").write_text(json.dumps(document))


def _old_home(home: Path, url: str = "") -> None:
    """As the first version left it: two readers, one under each of two keys."""
    home.mkdir()
    _key_file(home)
    engine = open_engine(url or f"sqlite:///{home / 'newsletter.db'}")
    config = Config()
    config.set_main_option("script_location", "newsletter:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text("INSERT INTO installation (id, key_fingerprint, created_at) VALUES (1, :f, :at)"),
            {"f": _fingerprint(), "at": "2026-01-01 00:00:00"},
        )
        people = [
            ("old@example.org", "k1", FIRST, READER),
            ("new@example.org", "2026b", SECOND, uuid4()),
        ]
        for address, kid, key, public_id in people:
            index = hmac.new(_sub(INDEX, "index"), address.encode(), hashlib.sha256).digest()
            connection.execute(
                text("INSERT INTO subscribers (public_id, sealed_address, address_index, "
                     "created_at) VALUES (:p, :s, :i, :at)"),
                {"p": public_id.hex, "s": _sealed(kid, key, address), "i": index,
                 "at": "2026-01-01 00:00:00"},
            )  # fmt: skip
    engine.dispose()


def _comes_over(home: Path, url: str = "") -> None:
    """Everything of before works, and the data keys lie nowhere in clear."""
    overrides = {"database": {"url": url}}
    made = initialise(home, overrides)
    with reading(made.engine) as session:
        for address in ("old@example.org", "new@example.org"):
            person = directory.find(session, made.sealer, address)
            assert person
            assert made.sealer.open(person.sealed_address) == address
        assert sorted(resealing.counts(session).values()) == [1, 1]
        assert None not in resealing.counts(session)
    for kid, key in (("k1", FIRST), ("2026b", SECOND)):
        claim = made.signer.read(_token(kid, key), Purpose.UNSUBSCRIBE)
        assert claim.subject == READER
        assert made.signer.sign(claim) == _token("2026b", SECOND), "the first in the file is newest"
    assert made.sealer.seal("x").startswith(b"2026b\0")
    assert made.ring.index == INDEX
    made.close()
    file = KeyFile.load(home / "keys.json")
    assert file.legacy is None
    assert len(file.masters) == 1
    assert (home / "keys.json").stat().st_mode & 0o077 == 0
    assert [one.name for one in home.glob("keys*")] == ["keys.json"]
    again = initialise(home, overrides)
    assert again.ring == made.ring
    again.close()


def test_on_sqlite(home: Path) -> None:
    _old_home(home)
    with pytest.raises(ConfigurationError, match="newsletter migrate"):
        open_services(home)
    _comes_over(home)


def test_on_postgresql(home: Path, postgres_url: str) -> None:
    with fresh_database(postgres_url) as url:
        _old_home(home, url)
        _comes_over(home, url)


def test_killed_after_the_file_got_its_master_key(home: Path) -> None:
    _old_home(home)
    engine = open_engine(f"sqlite:///{home / 'newsletter.db'}")
    migrations.upgrade(engine)
    with reading(engine) as session:
        establishing.prepare(session, settings.load(home))
    engine.dispose()
    file = KeyFile.load(home / "keys.json")
    assert file.legacy
    assert file.legacy.index == INDEX
    kept = json.loads((home / "keys.json").read_text())
    assert (kept["version"], kept["keys"][0]["kid"]) == (1, "2026b"), "the old program reads it"
    _comes_over(home)
    assert KeyFile.load(home / "keys.json").masters == file.masters


def test_killed_after_the_database_took_the_keys(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _old_home(home)
    with monkeypatch.context() as killed:
        killed.setattr(establishing, "finish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            initialise(home)
    assert KeyFile.load(home / "keys.json").legacy
    works = open_services(home)
    assert works.signer.read(_token("k1", FIRST), Purpose.UNSUBSCRIBE).subject == READER
    works.close()
    _comes_over(home)


def test_killed_while_the_database_took_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _old_home(home)
    with monkeypatch.context() as killed:
        killed.setattr(resealing, "name_keys", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            initialise(home)
    with pytest.raises(ConfigurationError, match="not wrapped yet; run 'newsletter migrate'"):
        open_services(home)
    _comes_over(home)


def test_a_missing_or_foreign_file_is_said_before_anything_changes(home: Path) -> None:
    _old_home(home)
    _key_file(home, index=b"x" * 32)
    with pytest.raises(ConfigurationError, match="does not belong"):
        initialise(home)
    KeyFile((b"m" * 32,)).save(home / "keys.json")  # of a newer home
    with pytest.raises(ConfigurationError, match="does not belong"):
        initialise(home)
    (home / "keys.json").unlink()
    with pytest.raises(ConfigurationError, match="missing; put it back"):
        initialise(home)
    engine = open_engine(f"sqlite:///{home / 'newsletter.db'}")
    assert migrations.current(engine) == "0001"
    engine.dispose()
    assert not (home / "keys.json").exists()


def test_under_a_passphrase_no_file_is_left(home: Path) -> None:
    _old_home(home)
    made = initialise(home, {"keys": {"passphrase": "five quiet boats on the Salween"}})
    with writing(made.engine) as session:
        wrapping = installation(session).wrapping or {}
    assert wrapping["by"] == "passphrase"
    assert made.ring.index == INDEX
    made.close()
    assert not (home / "keys.json").exists()
