"""The clerk: what is done beside the sending, in a thread that may wait for the network.

What came back is applied to deliveries and readers every second; every minute rates are looked at,
doubts are settled with providers that remember, notices are mailed, and what is old is forgotten;
the bounce mailbox is emptied and sources are asked when it is time. Several clerks on several
hosts share the work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.core.patience import Patience
from newsletter.delivery import applying, doubts, events, notifying, rates, remembering
from newsletter.delivery.needs import Needs
from newsletter.delivery.press import Press
from newsletter.schedule.collecting import Collector
from newsletter.schedule.emptying import Rounds

_EVERY = 60.0
"""Seconds between two looks at what is not urgent."""
_MAIL_EVERY = 15.0


class Clerk:
    """One thread's rounds; `failed` hears of what cannot be lived with."""

    def __init__(self, needs: Needs, press: Press, failed: Callable[[BaseException], None]) -> None:
        self._needs = needs
        self._press = press
        self._failed = failed
        self._rounds = Rounds(needs)
        self._collector = Collector(needs)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="clerk", daemon=True)
        self._due: dict[str, float] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, seconds: float) -> None:
        """End after what is in hand, waiting so long at most; whatever is left is done later."""
        self._stop.set()
        self._rounds.close()
        self._collector.close()
        self._thread.join(seconds)

    def round(self) -> int:
        """Everything that is due now; how many events were applied."""
        needs, at = self._needs, now()
        done = applying.apply_waiting(needs, at)
        if self._is_due("mail", _MAIL_EVERY):
            notifying.mail_due(needs, at)
        if self._is_due("look", _EVERY):
            rates.look(needs, at)
            doubts.settle_by_key(needs, self._press, at)
            doubts.look(needs, at)
            with writing(needs.engine) as session:
                events.forget_old(session, at)
                remembering.clear_old(session, needs.settings.bounces, at)
        self._rounds.keep()
        self._collector.keep()
        return done

    def _is_due(self, what: str, every: float) -> bool:
        at = time.monotonic()
        if at < self._due.get(what, 0.0):
            return False
        self._due[what] = at + every
        return True

    def _work(self) -> None:
        patience = Patience()
        try:
            while not self._stop.is_set():
                with patience.tried():
                    self.round()
                self._stop.wait(1.0)
        except BaseException as err:  # noqa: BLE001 - handed to the worker, which raises it
            self._failed(err)
