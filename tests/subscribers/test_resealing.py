"""Keys rotate while readers come and an issue goes out, and nobody notices."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.exc import IntegrityError

from newsletter.app import Services, open_services
from newsletter.core import audit, rewrapping
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import ConfigurationError
from newsletter.core.installation import DataKey
from newsletter.core.keychain import KeyChain
from newsletter.core.master_key import Master
from newsletter.core.tokens import Purpose
from newsletter.worker import Worker
from subscribers import directory, resealing
from subscribers.models import Subscriber
from subscribers.resealing import Rotated
from tests.delivery import newsroom
from tests.smtp_server import ScriptedServer
from tests.subscribers.conftest import Add
from tests.system import PATIENCE


def _another(services: Services) -> Services:
    """A second process of the same installation."""
    url = {"url": services.settings.database.url}
    return open_services(services.settings.home, {"database": url})


def _rotate(services: Services, tell: Callable[[int], object] = id) -> Rotated:
    return resealing.rotate(
        services.engine, services.chain, services.sealer, how="test", now=now(), tell=tell
    )


def _seal_keys(services: Services) -> list[tuple[str, int]]:
    """The names of the keys for addresses, and how many addresses there are under each."""
    with reading(services.engine) as session:
        held = resealing.counts(session)
        keys = session.scalars(
            select(DataKey).where(DataKey.use == "seal").order_by(DataKey.id)
        ).all()
        assert set(held) <= {key.id for key in keys}
        return [(key.kid, held.get(key.id, 0)) for key in keys]


def _addresses(services: Services) -> set[str]:
    with reading(services.engine) as session:
        people = session.scalars(select(Subscriber)).all()
        return {services.sealer.open(person.sealed_address) for person in people}


class _Arrivals:
    """Threads that put readers on the list without pause, each with services of its own."""

    def __init__(self, services: Services, publication_id: int, count: int) -> None:
        self.stop = threading.Event()
        self.errors: list[BaseException] = []
        self.taken: set[str] = set()
        self._publication_id = publication_id
        self._services = [_another(services) for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._run, args=pair) for pair in enumerate(self._services)
        ]

    def __enter__(self) -> _Arrivals:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        for services in self._services:
            services.close()

    def _run(self, number: int, services: Services) -> None:
        turn = 0
        try:
            while not self.stop.wait(0.002):
                address = f"w{number}n{turn}@example.org"
                with writing(services.engine) as session:
                    newsroom.enrol(services, session, self._publication_id, [address[:-12]])
                self.taken.add(address)
                turn += 1
        except BaseException as err:  # noqa: BLE001  (shown by the test)
            self.errors.append(err)


def test_two_rotations_while_readers_come_and_an_issue_goes_out(any_services: Services) -> None:
    services, readers = any_services, 60
    issue_id = newsroom.publish(services, readers)
    elsewhere = _another(services)  # opened before: it knows the first key only
    sent_to = {f"r{number}@example.org" for number in range(1, readers + 1)}
    newsroom.start(services, issue_id)
    stop = threading.Event()
    with ScriptedServer() as server, _Arrivals(services, 1, 3) as arrivals:
        smtp = newsroom.over_smtp(services, server.port, connections=2)
        worker = threading.Thread(target=Worker(smtp).run, args=(stop, 0.02))
        worker.start()
        _until(lambda: len(server.kept) >= 5)
        rotations = [_rotate(services), _rotate(services)]
        _until(lambda: newsroom.status(services, issue_id)[0] == "sent")
        stop.set()
        worker.join(PATIENCE)
    assert arrivals.errors == []
    assert len(arrivals.taken) > 10
    found = newsroom.counts(services, issue_id)
    assert (found.submitted, found.done) == (readers, True)
    assert sorted(mail.recipient for mail in server.kept) == sorted(sent_to)
    assert [done.key for done in rotations] == ["k2", "k3"]
    assert _seal_keys(services) == [(rotations[-1].key, readers + len(arrivals.taken))]
    assert _addresses(services) == _addresses(elsewhere) == sent_to | arrivals.taken
    with writing(elsewhere.engine) as session:
        newsroom.enrol(elsewhere, session, 1, ["late"])
    elsewhere.close()
    with reading(services.engine) as session:
        assert directory.find(session, services.sealer, "late@example.org")
    _links_work(services, server.kept[0].data)
    _links_work(services, server.kept[-1].data)


def _until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)


def _links_work(services: Services, data: bytes) -> None:
    mail = message_from_bytes(data, policy=policy.default)
    token = str(mail["List-Unsubscribe"]).partition("/u/")[2].partition(">")[0]
    claim = services.signer.read(token, Purpose.UNSUBSCRIBE)
    with reading(services.engine) as session:
        person = directory.find(session, services.sealer, str(mail["To"]))
    assert person
    assert claim.subject == person.public_id


def test_the_deed_stands_in_the_audit(any_services: Services, add: Add) -> None:
    with writing(any_services.engine) as session:
        add(session, "a@example.org")
    heard: list[int] = []
    assert _rotate(any_services, heard.append) == Rotated("k2", addresses=1, removed=1)
    assert heard == [1, 0]
    with reading(any_services.engine) as session:
        entries = [(entry.deed, entry.how, entry.detail) for entry in audit.entries(session)]
    assert entries == [
        ("rotation", "test", {"addresses": 1, "keys_removed": 1}),
        ("rotation", "test", {"new_key": "k2"}),
    ]


class _Killed(BaseException):
    pass


_STATEMENTS = 40


@pytest.mark.parametrize("statement", range(1, _STATEMENTS + 1))
def test_killed_at_any_statement_it_works_on_and_is_completed(
    services: Services, monkeypatch: pytest.MonkeyPatch, statement: int
) -> None:
    """Before each statement and each commit of a rotation in two batches, to beyond its end."""
    monkeypatch.setattr(resealing, "BATCH", 2)
    newsroom.publish(services, 4)
    seen = 0

    def kill(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            raise _Killed

    for place in ("before_cursor_execute", "commit"):
        event.listen(services.engine, place, kill)
    try:
        _rotate(services)
    except _Killed:
        assert statement < _STATEMENTS, "the test stops short of the end"
    finally:
        for place in ("before_cursor_execute", "commit"):
            event.remove(services.engine, place, kill)
    everybody = {f"r{number}@example.org" for number in range(1, 5)}
    again = _another(services)
    assert _addresses(again) == _addresses(services) == everybody
    _rotate(again)
    assert [number for _, number in _seal_keys(again)] == [4]
    assert _addresses(again) == _addresses(services) == everybody
    again.close()


def test_a_key_that_a_row_needs_cannot_go_and_a_gone_one_cannot_come_back(
    any_services: Services, add: Add
) -> None:
    services = any_services
    with writing(services.engine) as session:
        add(session, "a@example.org")
    sealed = services.sealer.sealed("b@example.org")
    with pytest.raises(IntegrityError), writing(services.engine) as session:
        session.delete(session.get_one(DataKey, sealed.key_id))
    _rotate(services)
    with pytest.raises(IntegrityError), writing(services.engine) as session:
        session.execute(update(Subscriber).values(seal_key_id=sealed.key_id))


def test_a_process_that_missed_the_rotation_takes_readers_in_at_once(
    any_services: Services, publication_id: int
) -> None:
    elsewhere = _another(any_services)
    _rotate(any_services)
    gone = elsewhere.sealer.key_id
    with writing(elsewhere.engine) as session:
        newsroom.enrol(elsewhere, session, publication_id, ["late"])
    assert elsewhere.sealer.key_id != gone
    elsewhere.close()
    assert _addresses(any_services) == {"late@example.org"}


def test_a_row_that_names_the_wrong_key_or_none_is_found_before_its_key_goes(
    any_services: Services, add: Add
) -> None:
    """A program that forgot the key, or named the newest for what an older one closed."""
    services = any_services
    with writing(services.engine) as session:
        for number in range(3):
            add(session, f"a{number}@example.org")
        ids = session.scalars(select(Subscriber.id).order_by(Subscriber.id)).all()
        session.execute(update(Subscriber).where(Subscriber.id == ids[1]).values(seal_key_id=None))
    late = services.sealer.seal("a0@example.org")

    def write_wrongly(more: int) -> None:
        with writing(services.engine) as session:
            newest = session.scalar(select(func.max(DataKey.id)).where(DataKey.use == "seal"))
            first = update(Subscriber).where(Subscriber.id == ids[0])
            if more == 2:
                session.execute(first.values(sealed_address=late, seal_key_id=newest))

    assert _rotate(services, write_wrongly).addresses == 4
    again = _another(services)
    assert _addresses(again) == {f"a{number}@example.org" for number in range(3)}
    again.close()


def test_a_row_without_a_key_that_comes_at_the_end_is_taken_over(
    any_services: Services, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a program from before keys were written down, at the last moment: before and after the
    sealed values themselves were looked through."""
    services = any_services
    with writing(services.engine) as session:
        add(session, "a@example.org")
        add(session, "b@example.org")
        old = session.execute(select(Subscriber.id, Subscriber.sealed_address)).all()
    late = iter(old)

    def write_without(real: Callable[..., Any]) -> Callable[..., Any]:
        def then(*args: Any) -> Any:
            done = real(*args)
            for number, sealed in islice(late, 1):
                with writing(services.engine) as session:
                    row = update(Subscriber).where(Subscriber.id == number)
                    session.execute(row.values(sealed_address=sealed, seal_key_id=None))
            return done

        return then

    for name in ("_reseal", "_set_right"):
        monkeypatch.setattr(resealing, name, write_without(getattr(resealing, name)))
    _rotate(services)
    assert next(late, None) is None
    assert _seal_keys(services) == [("k2", 2)]
    again = _another(services)
    assert _addresses(again) == {"a@example.org", "b@example.org"}
    again.close()


def test_a_row_that_names_no_key_is_given_the_one_that_closed_it(
    any_services: Services, add: Add
) -> None:
    services = any_services
    with writing(services.engine) as session:
        add(session, "a@example.org")
        session.execute(update(Subscriber).values(seal_key_id=None))
        rewrapping.add_pair(session, services.chain, now())
    (old,) = resealing._old_keys(services.engine)
    assert resealing._set_right(services.engine, [old])
    assert _seal_keys(services) == [("k1", 1), ("k2", 0)]
    assert not resealing._set_right(services.engine, [old])


def test_the_master_key_changes_in_the_midst_of_a_rotation(
    any_services: Services, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever comes first, all keys are wrapped by the one that counts afterwards."""
    services = any_services
    with writing(services.engine) as session:
        add(session, "a@example.org")
    other, former = _another(services), services.chain._master
    wrapped = threading.Event()

    def wrap() -> None:
        with rewrapping.new_file(other.settings, lambda: former) as (_, new):
            with writing(other.engine) as session:
                rewrapping.rewrap(session, other.chain, new, other.settings)
            wrapped.set()

    thread, real = threading.Thread(target=wrap), KeyChain.master

    def slow(chain: KeyChain, session: Any, **how: Any) -> Master:
        found = real(chain, session, **how)
        if chain is services.chain and thread.ident is None:
            thread.start()
            wrapped.wait(1)  # long enough for who is not kept waiting by us
        return found

    monkeypatch.setattr(KeyChain, "master", slow)
    _rotate(services)
    thread.join(PATIENCE)
    monkeypatch.undo()
    assert wrapped.is_set()
    again = _another(services)
    assert _addresses(again) == {"a@example.org"}
    assert [key.kid for key in again.ring.seals] == ["k2"]
    for one in (again, other):
        one.close()


def test_what_no_key_opens_is_named_and_its_key_is_kept(any_services: Services, add: Add) -> None:
    services = any_services
    with writing(services.engine) as session:
        add(session, "a@example.org")
        add(session, "b@example.org")
        bad = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()[1]
        bad.sealed_address = bad.sealed_address[:-1] + b"?"
        number = bad.id
    with pytest.raises(ConfigurationError, match=f"subscriber {number} cannot be opened"):
        _rotate(services)
    assert len(_seal_keys(services)) == 2
    with writing(services.engine) as session:
        session.delete(session.get_one(Subscriber, number))
    _rotate(services)
    assert _addresses(services) == {"a@example.org"}


def test_a_row_that_changed_since_it_was_read_is_left_to_the_next_round(
    any_services: Services, add: Add
) -> None:
    services = any_services
    with writing(services.engine) as session:
        add(session, "before@example.org")
    key_id = services.sealer.key_id
    rows = resealing._next(services.engine, key_id, 0)
    with writing(services.engine) as session:
        sealed = services.sealer.seal("after@example.org")
        session.execute(update(Subscriber).values(sealed_address=sealed))
    assert resealing._store(services.engine, services.sealer, rows) == 0
    assert _addresses(services) == {"after@example.org"}
