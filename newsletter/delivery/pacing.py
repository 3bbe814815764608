"""How fast and how much: token buckets, a day's count, the warm-up of a new sender. Pure.

A bucket holds at most what one second gives (and at least one token), and is refilled by the time
that has passed, to fractions. Days are UTC days. The clock is not trusted: time that runs back
refills nothing and takes nothing away, and nobody waits for a day that was only dreamt of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

SKEW = timedelta(minutes=1)
"""How far the clocks of several hosts may lie apart. A bucket that was filled later than that from
now was filled by a clock that has been set back since."""
_TOGETHER = 0.25
"""Seconds' worth of tokens that are waited for at once, so that not each one costs a look."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What bounds a provider or a receiving domain; nothing set is no bound."""

    per_second: float | None = None
    per_day: int | None = None
    warm_up: tuple[int, ...] = ()
    warm_up_from: date | None = None

    @property
    def burst(self) -> float:
        """The most that a bucket holds."""
        return max(1.0, self.per_second or 0.0)

    def warm_up_day(self, day: date) -> int | None:
        """Which day of the warm-up it is, the first being 1; None when there is none any more.

        Days before the first one count as the first: a new sender begins small, whenever.
        """
        if self.warm_up_from is None:
            return None
        number = max(0, (day - self.warm_up_from).days)
        return number + 1 if number < len(self.warm_up) else None

    def cap(self, day: date) -> int | None:
        """The most that may go on this day."""
        step = self.warm_up_day(day)
        if step is None:
            return self.per_day
        return min(self.warm_up[step - 1], self.per_day or self.warm_up[step - 1])


@dataclass(slots=True)
class Bucket:
    """What is left of a limit at an instant; `of` brings a stored one up to date."""

    limit: Limit
    tokens: float
    refilled_at: datetime
    day: date
    count: int
    """How many went on this day."""
    changed: bool = False
    """It must be stored again."""

    @classmethod
    def full(cls, limit: Limit, now: datetime) -> Bucket:
        """One that nobody has used yet."""
        return cls(limit, limit.burst, now, now.astimezone(UTC).date(), 0)

    @classmethod
    def of(
        cls,
        limit: Limit,
        now: datetime,
        *,
        tokens: float,
        refilled_at: datetime,
        day: date | None,
        count: int,
    ) -> Bucket:
        """A stored bucket as it is by now."""
        set_back = refilled_at - now > SKEW
        if set_back:
            refilled_at = now
        passed = max(0.0, (now - refilled_at).total_seconds())
        tokens = min(limit.burst, max(0.0, tokens) + passed * (limit.per_second or 0.0))
        today = now.astimezone(UTC).date()
        # A day ahead of today is today under a clock that was wrong: its count stays, for a day.
        count = count if day is not None and day >= today else 0
        return cls(limit, tokens, max(refilled_at, now), today, count, changed=set_back)

    @property
    def is_spent(self) -> bool:
        """Nothing more goes today."""
        cap = self.limit.cap(self.day)
        return cap is not None and self.count >= cap

    @property
    def is_empty(self) -> bool:
        """Nothing more goes at this moment."""
        return self.limit.per_second is not None and self.tokens < 1.0

    def take(self) -> None:
        """One message goes."""
        self.changed = True
        self.count += 1
        if self.limit.per_second is not None:
            self.tokens -= 1.0

    def token_at(self, place: int) -> datetime:
        """When the message that is `place`th in the queue (the first is 1) finds its token.

        Several tokens are waited for together where they come fast.
        """
        rate = self.limit.per_second
        if rate is None:
            return self.refilled_at
        wanted = max(float(place), min(self.limit.burst, rate * _TOGETHER))
        return self.refilled_at + timedelta(seconds=max(0.0, wanted - self.tokens) / rate)

    def next_day(self) -> datetime:
        """When the next day begins."""
        return datetime.combine(self.day + timedelta(days=1), time(), UTC)


def paused_for(since: timedelta | None) -> timedelta:
    """How long a provider is left alone: 1, 2, 5 and then 15 minutes each time it fails again.

    `since` is how long the outage had lasted when its last pause ended; None when it begins.
    """
    if since is None:
        return timedelta(minutes=1)
    for over, pause in ((timedelta(minutes=2), 2), (timedelta(minutes=7), 5)):
        if since < over:
            return timedelta(minutes=pause)
    return timedelta(minutes=15)
