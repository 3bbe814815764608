"""One owner at a time, until it lets go or its time runs out."""

from __future__ import annotations

import threading
from datetime import timedelta

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.schedule import lease
from tests.editorial.making import NOW
from tests.system import PATIENCE


def test_lease_belongs_to_one_until_it_runs_out(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        assert lease.hold(session, "clock", "a", 45, NOW)
        assert not lease.hold(session, "clock", "b", 45, NOW + timedelta(seconds=44))
        assert lease.hold(session, "clock", "a", 45, NOW + timedelta(seconds=44))
        assert not lease.hold(session, "clock", "b", 45, NOW + timedelta(seconds=88))
        assert lease.hold(session, "clock", "b", 45, NOW + timedelta(seconds=89))
        lease.release(session, "clock", "a")
        assert not lease.hold(session, "clock", "a", 45, NOW + timedelta(seconds=90))
        lease.release(session, "clock", "b")
        assert lease.hold(session, "clock", "a", 45, NOW + timedelta(seconds=90))


def test_of_many_that_want_a_new_lease_one_gets_it(any_services: Services) -> None:
    got: list[str] = []
    failed: list[BaseException] = []
    together = threading.Barrier(4)

    def want(owner: str) -> None:
        try:
            together.wait(PATIENCE)
            with writing(any_services.engine) as session:
                if lease.hold(session, "clock", owner, 45, NOW):
                    got.append(owner)
        except BaseException as err:  # noqa: BLE001
            failed.append(err)

    threads = [threading.Thread(target=want, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert failed == []
    assert len(got) == 1
