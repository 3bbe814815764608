"""The data keys: wrapped in the database, opened by what lies outside it, learnt by everybody."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, select

from newsletter.app import Services, initialise, open_services
from newsletter.core import rewrapping
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import ConfigurationError, TokenError
from newsletter.core.installation import DataKey, Installation
from newsletter.core.key_file import KeyFile
from newsletter.core.keychain import KeyChain, opened
from newsletter.core.master_key import Master, from_passphrase, from_text
from newsletter.core.settings import Keys, Settings
from newsletter.core.tokens import Claim, Purpose
from newsletter.safekeeping import purging

WORDS = "five quiet boats on the Salween"
KEY = base64.b64encode(b"m" * 32).decode()


def _with(services: Services, **keys: str) -> Settings:
    wanted = Keys(**{"passphrase": "", "key": "", **keys})
    return services.settings.model_copy(update={"keys": wanted})


def _again(services: Services) -> Services:
    """What another process of this installation has in hand."""
    with reading(services.engine) as session:
        master, ring = opened(session, services.settings)
    chain = KeyChain(services.engine, services.settings, master, ring)
    return Services(services.settings, services.engine, chain)


def _rotate_keys(services: Services) -> str:
    with writing(services.engine) as session:
        return rewrapping.add_pair(session, services.chain, now())


def _claim() -> Claim:
    return Claim(uuid4(), 1, Purpose.UNSUBSCRIBE)


def test_the_first_start_wraps_all_keys_and_keeps_none_in_clear(services: Services) -> None:
    with reading(services.engine) as session:
        uses = [key.use for key in session.scalars(select(DataKey).order_by(DataKey.id))]
        wrapping = session.get_one(Installation, 1).wrapping
    assert uses == ["index", "seal", "token"]
    services.close()
    (master,) = KeyFile.load(services.settings.key_path).masters
    assert wrapping == Master(master, "file").wrapping()
    ring = services.ring
    held = [ring.index, master, ring.seals[0].secret, ring.tokens[0].secret]
    stored = b"".join(file.read_bytes() for file in services.settings.home.glob("newsletter.db*"))
    for secret in held:
        for spelling in (secret, secret.hex().encode(), base64.b64encode(secret)):
            assert spelling not in stored


@pytest.mark.parametrize(
    ("section", "wrong", "variable"),
    [
        ({"passphrase": WORDS}, {"passphrase": WORDS + "!"}, "NEWSLETTER_KEYS__PASSPHRASE_FILE"),
        ({"key": KEY}, {"key": base64.b64encode(b"n" * 32).decode()}, "NEWSLETTER_KEYS__KEY_FILE"),
    ],
    ids=["passphrase", "environment"],
)
def test_a_master_key_outside_the_home(
    home: Path, section: dict[str, str], wrong: dict[str, str], variable: str
) -> None:
    made = initialise(home, {"keys": section})
    sealed = made.sealer.seal("a@example.org")
    made.close()
    assert not (home / "keys.json").exists()
    again = initialise(home, {"keys": section})
    assert again.sealer.open(sealed) == "a@example.org"
    again.close()
    for deed in (open_services, initialise):
        with pytest.raises(ConfigurationError, match=variable):
            deed(home)
        with pytest.raises(ConfigurationError, match="does not belong"):
            deed(home, {"keys": wrong})
    assert not (home / "keys.json").exists()


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"passphrase": "short"}, "fewer than 12"),
        ({"key": "AAAA"}, "32 bytes in base64"),
        ({"key": "no base64 at all!"}, "32 bytes in base64"),
        ({"key": KEY, "passphrase": WORDS}, "take one of them out"),
    ],
)
def test_what_cannot_wrap_is_said_at_once(home: Path, section: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        initialise(home, {"keys": section})
    assert not (home / "keys.json").exists()
    initialise(home).close()  # and the home is good for another try


def test_a_swapped_or_bent_row_is_noticed(services: Services) -> None:
    _rotate_keys(services)
    with writing(services.engine) as session:
        first, second = session.scalars(select(DataKey).where(DataKey.use == "seal"))
        first.wrapped, second.wrapped = second.wrapped, first.wrapped
    with pytest.raises(ConfigurationError, match=r"'seal k.' in the database is damaged"):
        open_services(services.settings.home)


def test_destroyed_keys_are_said_so(services: Services) -> None:
    with writing(services.engine) as session:
        for key in session.scalars(select(DataKey)):
            session.delete(key)
    for deed in (open_services, initialise):
        with pytest.raises(ConfigurationError, match="were destroyed"):
            deed(services.settings.home)


def test_keys_of_another_database_are_noticed(services: Services) -> None:
    """Wrapped by the right master key, so only the fingerprint tells."""
    with writing(services.engine) as session:
        row = session.scalars(select(DataKey).where(DataKey.use == "index")).one()
        master = services.chain.master(session)
        row.wrapped = master.wrap("index", row.kid, secrets.token_bytes(32))
    with pytest.raises(ConfigurationError, match="the index key in the table data_keys"):
        open_services(services.settings.home)


def test_after_a_purge_nobody_gets_a_master_key(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        purging.destroy_keys(session, "test", now())
    for lock in (False, True):
        with (
            writing(any_services.engine) as session,
            pytest.raises(ConfigurationError, match="was purged"),
        ):
            any_services.chain.master(session, lock=lock)


def test_another_process_learns_new_keys(any_services: Services) -> None:
    here, there = any_services, _again(any_services)
    old = there.sealer.sealed("old@example.org")
    old_link = there.signer.sign(claim := _claim())
    kid = _rotate_keys(here)
    here.sealer.renew()
    new = here.sealer.sealed("new@example.org")
    assert new.value.startswith(kid.encode() + b"\0")
    assert new.key_id > old.key_id
    assert there.sealer.open(new.value) == "new@example.org"
    link = here.signer.sign(claim)
    assert link.startswith(f"v1.{kid}.")
    assert there.signer.read(link, Purpose.UNSUBSCRIBE) == claim, "after it read an address"
    assert here.signer.read(old_link, Purpose.UNSUBSCRIBE) == claim
    assert here.sealer.open(old.value) == "old@example.org"
    assert here.secret("form") == there.secret("form")


def test_a_link_under_a_key_of_a_moment_ago_is_read(services: Services) -> None:
    there = _again(services)
    there.chain._read_at -= 4  # not read for so long
    kid = _rotate_keys(services)
    services.sealer.renew()
    claim = _claim()
    token = services.signer.sign(claim)
    assert token.startswith(f"v1.{kid}.")
    assert there.signer.read(token, Purpose.UNSUBSCRIBE) == claim


def test_keys_are_looked_for_every_few_seconds(services: Services) -> None:
    there = _again(services)
    kid = _rotate_keys(services)
    assert not there.sealer.seal("x").startswith(kid.encode())
    there.chain._read_at -= 6
    assert there.sealer.seal("x").startswith(kid.encode() + b"\0")
    assert there.signer.sign(_claim()).startswith(f"v1.{kid}.")


def test_invented_key_names_do_not_hammer_the_database(services: Services) -> None:
    asked: list[str] = []
    event.listen(services.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    there = _again(services)
    genuine = there.signer.sign(_claim())
    asked.clear()
    for number in range(200):
        with pytest.raises(TokenError):
            there.signer.read(genuine.replace(".k1.", f".x{number}."), Purpose.UNSUBSCRIBE)
    assert len([line for line in asked if "data_keys" in line]) <= 1


def test_what_was_read_before_its_key_was_removed_still_opens(services: Services) -> None:
    there = _again(services)
    old = there.sealer.seal("old@example.org")
    _rotate_keys(services)
    with writing(services.engine) as session:
        key = session.scalars(select(DataKey).where(DataKey.use == "seal")).first()
        session.delete(key)
    there.sealer.renew()
    assert there.sealer.open(old) == "old@example.org"
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        _again(services).sealer.open(old)


def test_a_database_that_is_away_stops_no_closing(services: Services) -> None:
    there = _again(services)
    with writing(services.engine) as session:
        for key in session.scalars(select(DataKey)):
            session.delete(key)
    there.chain._read_at -= 6
    assert there.sealer.open(there.sealer.seal("x")) == "x"
    with pytest.raises(ConfigurationError, match="destroyed"):
        there.sealer.renew()


def test_a_process_ends_with_the_keys_it_began_with(any_services: Services) -> None:
    """They were destroyed, and perhaps others made since, under the same numbers and names."""
    home, there = any_services.settings.home, _again(any_services)
    url: dict[str, Any] = {"database": {"url": any_services.settings.database.url}}
    with writing(any_services.engine) as session:
        purging.destroy_keys(session, "test", now())
    there.chain._read_at -= 6
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="was purged"):
            there.sealer.seal("x")
    with writing(any_services.engine) as session:
        purging.end(session, now())
    initialise(home, url).close()
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="does not belong to this database"):
            there.sealer.seal("x")


def _wrap(services: Services, new: Master, later: Settings) -> None:
    with writing(services.engine) as session:
        rewrapping.rewrap(session, services.chain, new, later)


@contextmanager
def _new_file(services: Services) -> Iterator[Master]:
    held = services.chain._master
    with rewrapping.new_file(services.settings, lambda: held) as (_, new):
        yield new


def test_wrapped_by_another_everything_still_opens(any_services: Services) -> None:
    services, there = any_services, _again(any_services)
    sealed, home = services.sealer.seal("a@example.org"), services.settings.home
    ways: list[tuple[Master, dict[str, str]]] = [
        (from_passphrase(WORDS), {"passphrase": WORDS}),
        (from_text(KEY), {"key": KEY}),
    ]
    for master, section in ways:
        settings = _with(services, **section)
        _wrap(services, master, settings)
        services = _again(replace(services, settings=settings))
        assert services.sealer.open(sealed) == "a@example.org"
    assert there.sealer.open(sealed) == "a@example.org"
    url: dict[str, Any] = {"database": {"url": services.settings.database.url}}
    with pytest.raises(ConfigurationError, match="none is set"):
        open_services(home, url)
    opened_anew = open_services(home, {**url, "keys": {"key": KEY}})
    assert opened_anew.sealer.open(sealed) == "a@example.org"
    opened_anew.close()


def test_a_master_that_would_not_open_is_refused_before_it_counts(services: Services) -> None:
    with pytest.raises(ConfigurationError, match="does not belong"):
        _wrap(services, from_passphrase(WORDS), _with(services, passphrase=WORDS + "?"))
    open_services(services.settings.home).close()


def test_a_new_key_file_takes_over_and_a_crash_on_either_side_harms_nothing(
    services: Services,
) -> None:
    home, path = services.settings.home, services.settings.key_path
    before = path.read_bytes()
    sealed = services.sealer.seal("a@example.org")
    old = services.chain._master
    with pytest.raises(ZeroDivisionError), _new_file(services):
        open_services(home).close()
        1 / 0  # noqa: B018  (killed before the database changed over)
    open_services(home).close()
    assert len(KeyFile.load(path).masters) == 2
    initialise(home).close()
    assert KeyFile.load(path).masters == (old.secret,), "what was begun is cleared away"
    with pytest.raises(ZeroDivisionError), _new_file(services) as new:
        _wrap(services, new, services.settings)
        1 / 0  # noqa: B018  (killed after it)
    initialise(home).close()
    assert KeyFile.load(path).masters == (new.secret,)
    again = open_services(home)
    assert again.sealer.open(sealed) == "a@example.org"
    again.close()
    copy = rewrapping.copy_path(services.settings, old)
    assert json.loads(copy.read_text()) == json.loads(before)
    assert copy.stat().st_mode & 0o077 == 0


def test_a_process_that_lives_on_reads_keys_made_under_a_newer_key_file(
    services: Services,
) -> None:
    there = _again(services)
    with _new_file(services) as new:
        _wrap(services, new, services.settings)
    _rotate_keys(services)
    services.sealer.renew()
    assert there.sealer.open(services.sealer.seal("a@example.org")) == "a@example.org"


def test_a_key_file_that_is_not_in_force_is_never_written_over(home: Path) -> None:
    made = initialise(home, {"keys": {"passphrase": WORDS}})
    KeyFile((secrets.token_bytes(32),)).save(home / "keys.json")
    stranger = (home / "keys.json").read_bytes()
    with (
        pytest.raises(ConfigurationError, match="may be the key of older backups"),
        _new_file(made),
    ):
        pass
    made.close()
    assert (home / "keys.json").read_bytes() == stranger
