"""What every provider promises, as tests: inherit, and say how to build a house around it.

A house is a provider with its other side: a server, a list, a terminal. `kept()` says what that
side took, in the order in which it took it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from newsletter.core.errors import ProviderError, Retry
from newsletter.providers.base import Envelope, Provider
from tests.providers import letters


class House:
    """A provider, and what its other side knows."""

    provider: Provider

    def kept(self) -> list[str]:
        """The recipient of each message that was taken."""
        raise NotImplementedError

    def watch(self, note: Callable[[], None]) -> None:
        """Call `note` whenever a message is taken, before the answer leaves."""
        raise NotImplementedError


class ProviderContract:
    """Inherit and define `build`; leave out `refuse` where nobody is ever refused."""

    refuses = True

    def build(self) -> AbstractContextManager[House]:
        """A house in which everything is accepted."""
        raise NotImplementedError

    def refuse(self) -> AbstractContextManager[House]:
        """A house in which the first recipient does not exist."""
        raise NotImplementedError

    @pytest.fixture
    def house(self) -> Iterator[House]:
        """Everything is accepted."""
        with self.build() as made:
            yield made

    def test_it_has_a_name_and_says_whether_it_may_be_asked_twice(self, house: House) -> None:
        assert house.provider.name.isidentifier()
        life = house.provider.repeats_safely_for
        assert life is None or life > timedelta(minutes=1)

    def test_the_intent_comes_once_and_before_the_message_is_taken(self, house: House) -> None:
        order: list[str] = []
        house.watch(lambda: order.append("taken"))
        connection = house.provider.connect()
        for number in (1, 2):
            connection.submit(letters.small(number), lambda: order.append("intent"))
        connection.close()
        assert order == ["intent", "taken"] * 2

    def test_the_answer_is_one_line_about_nobody(self, house: House) -> None:
        connection = house.provider.connect()
        answer = connection.submit(letters.small(), lambda: None)
        connection.close()
        assert answer[:1] == "2"
        assert len(answer.splitlines()) == 1
        assert "aye" not in answer

    def test_what_the_intent_raises_goes_through_and_nothing_is_taken(self, house: House) -> None:
        class Withdrawn(Exception):
            pass

        def changed_mind() -> None:
            raise Withdrawn

        connection = house.provider.connect()
        with pytest.raises(Withdrawn):
            connection.submit(letters.small(1, "a@example.org"), changed_mind)
        connection.submit(letters.small(2, "b@example.org"), lambda: None)
        connection.close()
        assert house.kept() == ["b@example.org"]

    def test_several_lines_at_once_lose_and_double_nothing(self, house: House) -> None:
        def work(first: int) -> None:
            connection = house.provider.connect()
            for number in range(first, first + 5):
                connection.submit(letters.small(number, f"r{number}@example.org"), lambda: None)
            connection.close()

        threads = [threading.Thread(target=work, args=(first,)) for first in (10, 20, 30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wanted = [f"r{first + n}@example.org" for first in (10, 20, 30) for n in range(5)]
        assert sorted(house.kept()) == sorted(wanted)

    def test_many_are_carried_in_order_and_each_is_told_once(self, house: House) -> None:
        order: list[str] = []
        house.watch(lambda: order.append("kept"))
        listener = Listener(order)
        connection = house.provider.connect()
        connection.carry((letters.small(n, f"r{n}@example.org") for n in (10, 11, 12)), listener)
        connection.carry(iter([]), listener)
        connection.close()
        assert [line for line in order if line.startswith("taken")] == [
            *("taken 10", "taken 11", "taken 12")
        ]
        for number in (10, 11, 12):
            assert order.count(f"leaving {number}") == 1
            assert order.index(f"leaving {number}") < order.index(f"taken {number}")
        assert order.index("leaving 10") < order.index("kept")
        assert house.kept() == [f"r{n}@example.org" for n in (10, 11, 12)]

    def test_what_leaving_raises_ends_the_carrying_and_takes_that_message_back(
        self, house: House
    ) -> None:
        order: list[str] = []
        listener = Listener(order, stops_at=11)
        connection = house.provider.connect()
        with pytest.raises(Stopped):
            connection.carry(
                (letters.small(n, f"r{n}@example.org") for n in (10, 11, 12)), listener
            )
        connection.carry(iter([letters.small(13, "r13@example.org")]), listener)
        connection.close()
        assert order == ["leaving 10", "taken 10", "leaving 13", "taken 13"]
        assert house.kept() == ["r10@example.org", "r13@example.org"]

    def test_what_the_envelopes_raise_goes_through_and_whatever_left_was_told(
        self, house: House
    ) -> None:
        def two_and_no_more() -> Iterator[Envelope]:
            yield letters.small(10, "r10@example.org")
            yield letters.small(11, "r11@example.org")
            raise Stopped

        order: list[str] = []
        connection = house.provider.connect()
        with pytest.raises(Stopped):
            connection.carry(two_and_no_more(), Listener(order))
        connection.close()
        told = [number for number in (10, 11) if f"taken {number}" in order]
        assert [line for line in order if line.startswith("leaving")] == [
            f"leaving {number}" for number in told
        ]
        assert 10 in told
        assert house.kept() == [f"r{number}@example.org" for number in told]

    def test_closing_twice_hurts_nobody(self, house: House) -> None:
        connection = house.provider.connect()
        connection.submit(letters.small(), lambda: None)
        connection.close()
        connection.close()
        again = house.provider.connect()
        again.submit(letters.small(2, "b@example.org"), lambda: None)
        again.close()
        assert len(house.kept()) == 2

    def test_a_recipient_that_does_not_exist_is_refused_for_good_and_alone(self) -> None:
        if not self.refuses:
            return
        with self.refuse() as house:
            connection = house.provider.connect()
            error = failed(lambda: connection.submit(letters.small(), lambda: None))
            connection.submit(letters.small(2, "b@example.org"), lambda: None)
            connection.close()
        assert (error.retry, error.recipient) == (Retry.NEVER, True)
        assert (error.halts, error.ours) == (False, False)
        assert house.kept()[-1] == "b@example.org"

    def test_a_refused_recipient_among_many_harms_no_other(self) -> None:
        if not self.refuses:
            return
        order: list[str] = []
        with self.refuse() as house:
            connection = house.provider.connect()
            connection.carry(
                iter([letters.small(), letters.small(2, "b@example.org")]), Listener(order)
            )
            connection.close()
        told = [line for line in order if not line.startswith("leaving")]
        assert told == ["failed 1: never", "taken 2"]
        assert house.kept()[-1] == "b@example.org"


class Stopped(Exception):
    """What a caller may raise while its messages are carried."""


class Listener:
    """A watch that writes down what it hears, and may stop it all."""

    def __init__(self, order: list[str], *, stops_at: int = 0) -> None:
        self._order = order
        self._stops_at = stops_at

    def leaving(self, envelope: Envelope) -> None:
        if envelope.delivery_id == self._stops_at:
            raise Stopped
        self._order.append(f"leaving {envelope.delivery_id}")

    def taken(self, envelope: Envelope, answer: str) -> None:
        assert answer[:1] == "2"
        self._order.append(f"taken {envelope.delivery_id}")

    def failed(self, envelope: Envelope, error: ProviderError) -> None:
        self._order.append(f"failed {envelope.delivery_id}: {error.retry}")


def failed(deed: Callable[[], object]) -> ProviderError:
    """What it raises: one line about nobody."""
    with pytest.raises(ProviderError) as caught:
        deed()
    for text in (str(caught.value), caught.value.answer):
        assert "aye" not in text.lower()
        assert len(text.splitlines()) <= 1
    return caught.value


def sent(connection_of: Provider, one: Envelope) -> tuple[ProviderError, int]:
    """The failure of one message on a line of its own, and how often the intent was written."""
    intents: list[int] = []
    connection = connection_of.connect()
    try:
        error = failed(lambda: connection.submit(one, lambda: intents.append(1)))
    finally:
        connection.close()
    return error, len(intents)
