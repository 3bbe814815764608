"""Addresses at rest: unreadable without the key, found again with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletter.core.errors import ConfigurationError
from newsletter.core.keyring import Key, Keyring
from newsletter.core.sealing import Sealer


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
    assert ours.mark("signup", "a@example.org") != theirs.mark("signup", "a@example.org")


def test_nothing_that_was_bent_is_opened() -> None:
    sealer = Sealer(Keyring.generate())
    sealed = sealer.seal("a@example.org")
    bent = [
        sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :] for place in (0, 3, 20)
    ]
    for value in [*bent, b"", b"k1", b"k1\0", sealed[:-1], sealed[:15], sealed + b"x"]:
        with pytest.raises(ConfigurationError, match="cannot be opened"):
            sealer.open(value)


def test_an_added_key_seals_and_the_old_one_still_opens() -> None:
    old = Keyring.generate()
    sealed = Sealer(old).seal("a@example.org")
    both = replace(old, seals=(Key(7, "k2", b"n" * 32), *old.seals))
    assert Sealer(both).open(sealed) == "a@example.org"
    assert Sealer(both).sealed("x").value.startswith(b"k2\0")
    assert Sealer(both).sealed("x").key_id == Sealer(both).key_id == 7
    assert Sealer(both).blind_index("x") == Sealer(old).blind_index("x")


def test_many_at_once_are_each_their_own() -> None:
    sealer = Sealer(Keyring.generate())
    texts = [f"reader{number}@example.org" for number in range(500)]
    values = sealer.seal_many(texts)
    assert sealer.open_many(values) == texts
    assert len({value[3:15] for value in values}) == 500, "a nonce serves once only"
    assert sealer.seal_many([]) == []
    assert sealer.open_many([]) == []


def test_a_mark_is_short_and_for_one_use() -> None:
    sealer = Sealer(Keyring.generate())
    marks = {sealer.mark(label, "a@example.org") for label in ("signup", "network")}
    assert len(marks) == 2
    assert {len(mark) for mark in marks} == {16}
    assert not any(sealer.blind_index("a@example.org").startswith(mark) for mark in marks)


def test_secrets_for_other_uses_are_apart_and_stay() -> None:
    ring = Keyring.generate()
    rotated = replace(ring, seals=(Key(7, "k2", b"n" * 32),), tokens=(Key(8, "k2", b"t" * 32),))
    assert ring.derived("form") == rotated.derived("form") != ring.derived("link")
    assert ring.fingerprint() == rotated.fingerprint()
    assert ring.index.hex() not in repr(ring)
    assert "secret" not in repr(ring)
