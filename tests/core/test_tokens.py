"""A link can be trusted: nobody can make, bend or reuse one for another purpose."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.core.errors import TokenError
from newsletter.core.keyring import Key, Keyring
from newsletter.core.tokens import TOKEN_IN_TEXT, Claim, Purpose, TokenSigner

OLD, NEW = Key(1, "k1", b"1" * 32), Key(2, "k2", b"2" * 32)


def _signer(*keys: Key) -> TokenSigner:
    return TokenSigner(replace(Keyring.generate(), tokens=keys))


@given(st.uuids(), st.integers(0, 2**63), st.sampled_from(Purpose))
def test_round_trip_and_alphabet(subject: UUID, scope: int, purpose: Purpose) -> None:
    signer = _signer(OLD)
    token = signer.sign(Claim(subject, scope, purpose))
    assert signer.read(token, purpose) == Claim(subject, scope, purpose)
    assert re.fullmatch(r"[A-Za-z0-9._-]+", token), "a proxy may re-encode anything else"
    assert TOKEN_IN_TEXT.findall(f"leave {token}.") == [token]


@given(st.data())
def test_any_altered_character_is_refused(data: st.DataObject) -> None:
    signer = _signer(OLD)
    token = signer.sign(Claim(uuid4(), 7, Purpose.UNSUBSCRIBE))
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda c: c != token[place]))
    with pytest.raises(TokenError):
        signer.read(token[:place] + other + token[place + 1 :], Purpose.UNSUBSCRIBE)


@pytest.mark.parametrize("broken", ["", "v1", "v1.k1..", "v1.k1." + "A" * 34 + "." + "A" * 22])
def test_fragments_are_refused(broken: str) -> None:
    with pytest.raises(TokenError):
        _signer(OLD).read(broken, *Purpose)


def test_a_token_serves_one_purpose_only() -> None:
    signer = _signer(OLD)
    token = signer.sign(Claim(uuid4(), 7, Purpose.PREFERENCES))
    with pytest.raises(TokenError, match="something else"):
        signer.read(token, Purpose.UNSUBSCRIBE)


def test_links_of_old_mails_survive_rotation_and_foreign_keys_do_not() -> None:
    claim = Claim(uuid4(), 7, Purpose.UNSUBSCRIBE)
    old = _signer(OLD).sign(claim)
    assert _signer(NEW, OLD).read(old, Purpose.UNSUBSCRIBE) == claim
    assert _signer(NEW, OLD).sign(claim).startswith("v1.k2.")
    with pytest.raises(TokenError):
        _signer(NEW).read(old, Purpose.UNSUBSCRIBE)
    with pytest.raises(TokenError):
        _signer(Key(3, "k1", b"x" * 32)).read(old, Purpose.UNSUBSCRIBE)
