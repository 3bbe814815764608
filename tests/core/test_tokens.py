"""A link can be trusted: nobody can make, bend or reuse one for another purpose."""

from __future__ import annotations

import re
import string
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


@given(st.uuids(), st.integers(0, 2**64 - 1), st.sampled_from(Purpose))
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


_CLAIMS = st.builds(
    Claim, st.uuids(), st.integers(0, 2**64 - 1), st.sampled_from(Purpose)
)  # fmt: skip


@given(_CLAIMS, st.data())
def test_any_piece_of_it_and_anything_around_it_is_refused(
    claim: Claim, data: st.DataObject
) -> None:
    signer = _signer(OLD)
    token = signer.sign(claim)
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, len(token)))
    middle = data.draw(st.text(max_size=3))
    for bent in (
        token[:start] + token[end:],
        token[start:end],
        token[:start] + middle + token[end:],
    ):
        if bent != token:
            with pytest.raises(TokenError):
                signer.read(bent, *Purpose)


@given(_CLAIMS, st.integers(0, 3))
def test_another_spelling_of_the_same_bytes_is_refused(claim: Claim, place: int) -> None:
    """One link, one spelling: else whoever keeps a list of spent or leaked ones is fooled."""
    signer = _signer(OLD)
    token = signer.sign(claim)
    parts = token.split(".")
    part = parts[place]
    padded = part + "=" * (-len(part) % 4 or 4)
    others = (padded, part.swapcase(), _spare_bits(part), part.translate({ord("1"): "١"}))
    spelt = {".".join([*parts[:place], other, *parts[place + 1 :]]) for other in others}
    spelt |= {token.replace("-", "+").replace("_", "/"), token.replace(".", "%2E")}
    for extra in ("\n", " ", "\0", "\u200b", "."):
        spelt |= {token + extra, extra + token}
    for bent in spelt - {token}:
        with pytest.raises(TokenError):
            signer.read(bent, *Purpose)


def _spare_bits(part: str) -> str:
    """The text with its last character's unused bits set: other decoders read the same bytes."""
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    return part[:-1] + alphabet[alphabet.index(part[-1]) ^ 1]


@given(_CLAIMS, _CLAIMS)
def test_parts_of_two_genuine_ones_do_not_make_a_third(one: Claim, other: Claim) -> None:
    signer = _signer(NEW, OLD)
    first, second = signer.sign(one), _signer(OLD).sign(other)
    parts, others = first.split("."), second.split(".")
    mixtures = {
        ".".join(others[n] if (mask >> n) & 1 else parts[n] for n in range(4)) for mask in range(16)
    }
    for bent in mixtures - {first, second}:
        with pytest.raises(TokenError):
            signer.read(bent, *Purpose)


@given(st.text())
def test_no_text_is_more_than_refused(text: str) -> None:
    with pytest.raises(TokenError):
        _signer(OLD).read(text, *Purpose)


@given(_CLAIMS, st.sets(st.sampled_from(Purpose)))
def test_it_serves_the_purposes_asked_for_and_no_other(claim: Claim, asked: set[Purpose]) -> None:
    signer = _signer(OLD)
    token = signer.sign(claim)
    if claim.purpose in asked:
        assert signer.read(token, *asked) == claim
    else:
        with pytest.raises(TokenError, match="something else"):
            signer.read(token, *asked)


@pytest.mark.parametrize("broken", ["", "v1", "v1.k1..", "v1.k1." + "A" * 34 + "." + "A" * 22])
def test_fragments_are_refused(broken: str) -> None:
    with pytest.raises(TokenError):
        _signer(OLD).read(broken, *Purpose)


def test_links_of_old_mails_survive_rotation_and_foreign_keys_do_not() -> None:
    claim = Claim(uuid4(), 7, Purpose.UNSUBSCRIBE)
    old = _signer(OLD).sign(claim)
    assert _signer(NEW, OLD).read(old, Purpose.UNSUBSCRIBE) == claim
    assert _signer(NEW, OLD).sign(claim).startswith("v1.k2.")
    with pytest.raises(TokenError):
        _signer(NEW).read(old, Purpose.UNSUBSCRIBE)
    with pytest.raises(TokenError):
        _signer(Key(3, "k1", b"x" * 32)).read(old, Purpose.UNSUBSCRIBE)
