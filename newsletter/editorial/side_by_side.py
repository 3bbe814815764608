"""Asking many sites at once and one site never hurriedly. Never inside a transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from newsletter.core.settings import Settings
from newsletter.core.visiting import Rules
from newsletter.sources.links import host_of

Item = TypeVar("Item")
Found = TypeVar("Found")


def rules_of(settings: Settings) -> Rules:
    """How long and how far a visit for the inbox may go."""
    return Rules(seconds=settings.sources.seconds, loopback=settings.links.loopback)


def side_by_side(
    items: Sequence[Item],
    address: Callable[[Item], str],
    work: Callable[[Item], Found],
    *,
    at_once: int,
    pause: float,
    stop: threading.Event | None = None,
) -> Iterator[tuple[Item, Found]]:
    """Each item with what `work` made of it, as soon as its site is through.

    The items of one host come one after the other, `pause` seconds apart; after `stop` no new
    one is begun.
    """
    sites: dict[str, list[Item]] = {}
    for item in items:
        sites.setdefault(host_of(address(item)), []).append(item)
    stopped = stop or threading.Event()

    def one_site(members: list[Item]) -> list[tuple[Item, Found]]:
        done: list[tuple[Item, Found]] = []
        for member in members:
            if stopped.is_set() or (done and stopped.wait(pause)):
                break
            done.append((member, work(member)))
        return done

    with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="sources") as pool:
        for future in as_completed([pool.submit(one_site, one) for one in sites.values()]):
            yield from future.result()
