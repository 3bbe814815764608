"""Who may leave now: routes, paces and outages together, shared by workers on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, event

from newsletter.app import Services
from newsletter.core import clock
from newsletter.core.db import open_engine, writing
from newsletter.core.settings import Settings, load
from newsletter.delivery.outages import Outages
from newsletter.delivery.traffic import Candidate, Go, Traffic, Wait
from newsletter.providers.registry import Registry
from tests.system import PATIENCE

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MEMORY = '[delivery]\nprovider = "memory"\n'
TWO = MEMORY + '[providers.a]\nkind = "memory"\n[providers.b]\nkind = "memory"\n'


def _settings(tmp_path: Path, text: str) -> Settings:
    place = tmp_path / "settings"
    place.mkdir(exist_ok=True)
    (place / "newsletter.toml").write_text(text)
    return load(place, {})


class House:
    """A worker's traffic over a database; each worker has an engine and a memory of its own."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.settings = settings
        self.traffic = self.another()

    def another(self) -> Traffic:
        """The traffic of another worker; each asks anew who is down, as if a second had passed."""
        traffic = Traffic(self.settings, Registry(self.settings))
        ticks = iter(range(10_000))
        traffic._outages = Outages(lambda: float(next(ticks)))
        return traffic

    def admit(
        self,
        candidates: Sequence[Candidate],
        now: datetime,
        traffic: Traffic | None = None,
    ) -> list[Go | Wait]:
        """In a transaction of its own."""
        with writing(self.engine) as session:
            return (traffic or self.traffic).admit(session, "weekly", candidates, now)


@pytest.fixture
def house(any_services: Services, tmp_path: Path) -> Callable[[str], House]:
    """A worker with these settings, on each database in turn."""
    return lambda text: House(any_services.engine, _settings(tmp_path, text))


def _some(count: int, domain: str = "x.org", *, first: int = 1) -> list[Candidate]:
    return [Candidate(first + n, "en", domain) for n in range(count)]


def _went(answers: Sequence[Go | Wait]) -> Counter[str]:
    return Counter(one.provider for one in answers if isinstance(one, Go))


def _waits(answers: Sequence[Go | Wait]) -> list[Wait]:
    return [one for one in answers if isinstance(one, Wait)]


@contextmanager
def _statements(engine: Engine) -> Iterator[list[str]]:
    seen: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    yield seen
    event.remove(engine, "before_cursor_execute", hear)


def test_a_set_up_without_paces_asks_the_database_nothing(
    any_services: Services, tmp_path: Path
) -> None:
    settings = _settings(tmp_path, MEMORY)
    traffic = Traffic(settings, Registry(settings))
    with writing(any_services.engine) as session:
        traffic.admit(session, "weekly", _some(1), NOON)  # who is down, known for a second
        with _statements(any_services.engine) as seen:
            answers = traffic.admit(session, "weekly", _some(200), NOON)
            traffic.up(session, "memory")
    assert _went(answers) == {"memory": 200}
    assert seen == []


def test_a_group_costs_one_look_and_one_update_however_large(
    house: Callable[[str], House],
) -> None:
    here = house(TWO + '[pacing."gmail.com"]\nper_second = 9\n[providers.memory]\nper_day = 500\n')
    here.admit(_some(1, "gmail.com"), NOON)
    with writing(here.engine) as session, _statements(here.engine) as seen:
        here.traffic.admit(session, "weekly", _some(200, "gmail.com"), NOON)
    kinds = [one.split()[0] for one in seen if "paces" in one]
    assert kinds == ["SELECT", "UPDATE"]


def test_a_pace_lets_a_second_through_and_tells_each_other_its_turn(
    house: Callable[[str], House],
) -> None:
    here = house(MEMORY + "[providers.memory]\nper_second = 20\n")
    answers = here.admit(_some(100), NOON)
    assert _went(answers) == {"memory": 20}
    waits = _waits(answers)
    assert waits[0].until == NOON + timedelta(seconds=0.25), "a few are waited for at once"
    assert waits[-1].until == NOON + timedelta(seconds=4), "the eightieth in the queue"
    assert waits[0].reason == "memory takes 20 a second"
    assert _went(here.admit(_some(100), NOON)) == {}
    assert _went(here.admit(_some(100), waits[0].until)) == {"memory": 5}
    assert _went(here.admit(_some(100), NOON + timedelta(days=1))) == {"memory": 20}


def test_domains_of_one_operator_share_a_bucket_and_nobody_else_waits(
    house: Callable[[str], House],
) -> None:
    here = house(
        MEMORY + '[pacing.google]\nper_second = 3\ndomains = ["gmail.com", "googlemail.com"]\n'
    )
    mixed = [
        *_some(5, "gmail.com"),
        *_some(5, "googlemail.com", first=6),
        *_some(5, first=11),
    ]
    answers = here.admit(mixed, NOON)
    assert [isinstance(one, Go) for one in answers] == [True] * 3 + [False] * 7 + [True] * 5
    assert {one.reason for one in _waits(answers)} == {"google takes 3 a second"}


def test_tokens_are_given_back_with_the_transaction(house: Callable[[str], House]) -> None:
    here = house(MEMORY + "[providers.memory]\nper_second = 5\n")

    def fail() -> None:
        with writing(here.engine) as session:
            here.traffic.admit(session, "weekly", _some(5), NOON)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert _went(here.admit(_some(9), NOON)) == {"memory": 5}


def test_two_workers_never_outrun_the_pace_they_share(
    any_services: Services, tmp_path: Path
) -> None:
    """Each with an engine of its own and two lines, as fast as they can."""
    settings = _settings(
        tmp_path, MEMORY + '[pacing."x.org"]\nper_second = 300\n[providers.memory]\nper_second=400'
    )
    engines = [open_engine(any_services.settings.database_url) for _ in range(2)]
    workers = [Traffic(settings, Registry(settings)) for _ in engines]
    start = Barrier(5)
    with ThreadPoolExecutor(4) as pool:
        lines = [
            pool.submit(_greedy, engine, traffic, start, 0.4)
            for engine, traffic in 2 * list(zip(engines, workers, strict=True))
        ]
        began = clock.now()
        start.wait(PATIENCE)
        taken = sum(line.result() for line in lines)
        passed = (clock.now() - began).total_seconds()
    for engine in engines:
        engine.dispose()
    assert taken <= 300 + 300 * passed, f"{taken} in {passed:.2f} s"
    assert taken > 0


def _greedy(engine: Engine, traffic: Traffic, start: Barrier, seconds: float) -> int:
    start.wait(PATIENCE)
    until, taken = clock.now() + timedelta(seconds=seconds), 0
    while clock.now() < until:
        with writing(engine) as session:
            answers = traffic.admit(session, "weekly", _some(40), clock.now())
        taken += _went(answers).total()
    return taken


def test_who_has_spent_its_day_leaves_the_rest_to_the_next_of_the_route(
    house: Callable[[str], House],
) -> None:
    here = house(
        TWO.replace('b]\nkind = "memory"\n', 'b]\nkind = "memory"\nper_day = 60\n')
        + "[providers.memory]\nwarm_up = [30, 900]\nwarm_up_from = 2026-11-21\n"
        + "[[routes]]\nproviders = {b = 1}\nfallback = ['memory']\n"
    )
    answers = here.admit(_some(100), NOON)
    assert _went(answers) == {"b": 60, "memory": 30}
    wait = _waits(answers)[0]
    assert wait.until == datetime(2026, 11, 22, tzinfo=UTC)
    assert "has had its" in wait.reason
    assert "messages of today (UTC)" in wait.reason
    assert _went(here.admit(_some(100), wait.until - timedelta(microseconds=1))) == {}
    assert _went(here.admit(_some(100), wait.until)) == {"b": 60, "memory": 40}


def test_two_providers_share_by_weight_and_a_route_is_by_publication(
    house: Callable[[str], House],
) -> None:
    here = house(TWO + '[[routes]]\npublication = "weekly"\nproviders = {a = 3, b = 1}\n')
    went = _went(here.admit(_some(1000), NOON))
    assert set(went) == {"a", "b"}
    assert 690 < went["a"] < 810
    with writing(here.engine) as session:
        other = here.traffic.admit(session, "daily", _some(10), NOON)
    assert _went(other) == {"memory": 10}


FAIL_OVER = TWO + "[[routes]]\nproviders = {a = 1}\nfallback = ['b']\n"


def _down(here: House, name: str, now: datetime, traffic: Traffic | None = None) -> None:
    with writing(here.engine) as session:
        (traffic or here.traffic).down(session, name, "no line", now)


def _up(here: House, name: str, traffic: Traffic | None = None) -> None:
    with writing(here.engine) as session:
        (traffic or here.traffic).up(session, name)


def test_another_provider_takes_over_and_a_doubtful_message_stays_with_its_own(
    house: Callable[[str], House],
) -> None:
    here = house(FAIL_OVER)
    other = here.another()
    _down(here, "a", NOON)
    bound = Candidate(7, "en", "x.org", only="a")
    for traffic in (here.traffic, other):
        answers = here.admit([*_some(3), bound], NOON + timedelta(seconds=1), traffic)
        assert answers[:3] == [Go("b")] * 3
        assert answers[3] == Wait(NOON + timedelta(minutes=1), "a is down: no line")
    _down(here, "b", NOON + timedelta(seconds=2), other)
    answers = here.admit(_some(2), NOON + timedelta(seconds=3))
    assert {one.until for one in _waits(answers)} == {NOON + timedelta(minutes=1)}


def test_after_the_pause_one_worker_tries_one_message(house: Callable[[str], House]) -> None:
    here = house(FAIL_OVER)
    other = here.another()
    _down(here, "a", NOON)
    after = NOON + timedelta(minutes=1)
    assert _went(here.admit(_some(5), after)) == {"a": 1, "b": 4}
    assert _went(here.admit(_some(5), after, other)) == {"b": 5}
    assert _went(here.admit(_some(5), after)) == {"b": 5}, "its outcome is not known yet"
    _up(here, "a", other)  # it is not its probe: an answer from before the outage ends nothing
    assert _went(here.admit(_some(5), after)) == {"b": 5}
    _up(here, "a")
    assert _went(here.admit(_some(5), after)) == {"a": 5}
    assert _went(here.admit(_some(5), after, other)) == {"a": 5}


def test_of_two_who_know_that_the_pause_is_over_one_tries(house: Callable[[str], House]) -> None:
    here = house(FAIL_OVER)
    slow = here.another()
    slow._outages = Outages(lambda: 0.0)  # all this happens within a second of its knowledge
    _down(here, "a", NOON)
    after = NOON + timedelta(minutes=1)
    assert _went(here.admit(_some(5), NOON, slow)) == {"b": 5}
    assert _went(here.admit(_some(5), after)) == {"a": 1, "b": 4}
    assert _went(here.admit(_some(5), after, slow)) == {"b": 5}
    _up(here, "a")
    slow._outages = Outages(lambda: 0.0)
    assert _went(here.admit(_some(5), after, slow)) == {"a": 5}


def test_a_probe_nobody_hears_of_is_made_again(house: Callable[[str], House]) -> None:
    here = house(FAIL_OVER)
    _down(here, "a", NOON)
    assert _went(here.admit(_some(5), NOON + timedelta(minutes=1))) == {"a": 1, "b": 4}
    other = here.another()  # the first worker was killed
    assert _went(here.admit(_some(5), NOON + timedelta(seconds=89), other)) == {"b": 5}
    assert _went(here.admit(_some(5), NOON + timedelta(seconds=90), other)) == {"a": 1, "b": 4}


def test_pauses_grow_and_are_not_grown_by_lines_that_hear_of_it_late(
    house: Callable[[str], House],
) -> None:
    here = house(MEMORY)
    at, pauses = NOON, []
    _down(here, "memory", at)
    for _ in range(5):
        _down(here, "memory", at)  # the other lines, at the same moment
        _down(here, "memory", at, here.another())
        wait = _waits(here.admit(_some(1), at + timedelta(seconds=1)))[0]
        pauses.append(round((wait.until - at) / timedelta(minutes=1)))
        at = wait.until
        assert _went(here.admit(_some(2), at)) == {"memory": 1}
        _down(here, "memory", at)
    assert pauses == [1, 2, 5, 15, 15]


def test_a_clock_set_back_leaves_nobody_down_for_a_year(house: Callable[[str], House]) -> None:
    here = house(MEMORY)
    _down(here, "memory", NOON + timedelta(days=365))
    assert _went(here.admit(_some(3), NOON)) == {"memory": 1}
    _up(here, "memory")
    assert _went(here.admit(_some(3), NOON)) == {"memory": 3}


def test_a_provider_that_left_the_settings_waits_and_says_so(
    house: Callable[[str], House],
) -> None:
    here = house(MEMORY)
    answer = here.admit([Candidate(1, "en", "x.org", only="gone")], NOON)[0]
    assert isinstance(answer, Wait)
    assert answer.reason == "there is no provider 'gone' in the settings any more"
