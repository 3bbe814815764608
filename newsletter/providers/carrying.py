"""Carrying many messages over a line that knows only one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

from newsletter.core.errors import ProviderError
from newsletter.providers.base import Envelope, NotConnected, Watch


class OneAtATime(Protocol):
    """The half of a Connection that this needs."""

    def submit(self, envelope: Envelope, before_body: Callable[[], None]) -> str:
        """Hand over one message."""


def one_by_one(line: OneAtATime, envelopes: Iterator[Envelope], watch: Watch) -> None:
    """`Connection.carry` by `submit`: the contract in its plainest form."""
    for envelope in envelopes:
        try:
            answer = line.submit(envelope, partial(watch.leaving, envelope))
        except NotConnected:
            raise
        except ProviderError as error:
            watch.failed(envelope, error)
        else:
            watch.taken(envelope, answer)
