"""Trying links: many sites side by side, one site never hurried. Never inside a transaction."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from urllib.parse import urlsplit

from newsletter.core.visiting import Resolve, Rules, Trouble, Visit, resolve, visit
from newsletter.editorial.preflight.link_states import Tried, verdict
from newsletter.rendering.edition import web_address

_HEAD_SHARE = 0.4
"""Of a link's time: HEAD is asked first, and some servers answer nothing to it."""
_SILENT = 2
"""After so many links of one site without an answer the others are not tried."""
_NO_USE = frozenset(
    {Trouble.REFUSED, Trouble.NO_SUCH_HOST, Trouble.UNREACHABLE, Trouble.DISTRUSTED}
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many sites at once, and how many seconds for all links together."""

    at_once: int = 8
    seconds: float = 120.0


def try_links(
    urls: Iterable[str],
    rules: Rules,
    pace: Pace,
    clock: Callable[[], datetime],
    *,
    resolver: Resolve = resolve,
) -> Iterator[Tried]:
    """Try each link and give what became of it as soon as it is known.

    The links of one site are tried one after the other. When the time for all is over, those
    that are left come as doubtful; nobody waits for what still hangs.
    """
    end = monotonic() + pace.seconds
    sites: dict[str, list[str]] = {}
    for url in dict.fromkeys(urls):
        sites.setdefault(_site(url), []).append(url)
    waiting: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    for site in sites.values():
        waiting.put(site)
    done: queue.SimpleQueue[tuple[str, Visit]] = queue.SimpleQueue()
    for _ in range(min(pace.at_once, len(sites))):
        threading.Thread(
            target=_work, args=(waiting, done, rules, end, resolver), daemon=True
        ).start()
    yield from _gathered([url for site in sites.values() for url in site], done, end, clock)


def try_link(url: str, rules: Rules, *, resolver: Resolve = resolve) -> Visit:
    """One link by HEAD, and by GET where that gave no good answer; no body is read."""
    address = web_address(url)
    if address is None:
        return Visit(url, trouble=Trouble.REFUSED, detail="it is no address of a web page")
    brief = replace(rules, seconds=rules.seconds * _HEAD_SHARE)
    found = visit(address, brief, method="HEAD", resolver=resolver)
    if found.trouble in _NO_USE or (found.status is not None and found.status < 400):
        return found
    rest = replace(rules, seconds=rules.seconds - brief.seconds)
    return visit(address, rest, method="GET", resolver=resolver)


def seems_offline(tried: Collection[Tried], enough: int) -> bool:
    """Whether so many sites gave no answer at all, and none any, that the fault may be ours.

    An answer from this very machine says nothing of the network.
    """
    tried = [one for one in tried if not _is_here(one.url)]
    silent = {_site(one.url) for one in tried if one.verdict in ("dead", "doubtful")}
    return len(silent) >= enough and not any(_answered(one) for one in tried)


def _answered(one: Tried) -> bool:
    return one.status is not None or one.verdict == "alive"


def _is_here(url: str) -> bool:
    host = _site(url)
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _site(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _gathered(
    urls: list[str],
    done: queue.SimpleQueue[tuple[str, Visit]],
    end: float,
    clock: Callable[[], datetime],
) -> Iterator[Tried]:
    left = dict.fromkeys(urls)
    while left:
        try:
            url, found = done.get(timeout=max(0.0, end - monotonic()))
        except queue.Empty:
            break
        del left[url]
        said, detail = verdict(found)
        yield Tried(url, said, found.status, detail, clock())
    for url in left:
        yield Tried(url, "doubtful", None, "there was no time left to try it", clock())


def _work(
    waiting: queue.SimpleQueue[list[str]],
    done: queue.SimpleQueue[tuple[str, Visit]],
    rules: Rules,
    end: float,
    resolver: Resolve,
) -> None:
    while True:
        try:
            site = waiting.get_nowait()
        except queue.Empty:
            return
        silent = 0
        for url in site:
            left = end - monotonic()
            if left <= 0:
                return
            if silent >= _SILENT:
                found = Visit(url, trouble=Trouble.SLOW, detail="its site did not answer before")
            else:
                brief = replace(rules, seconds=min(rules.seconds, left))
                found = _tried(url, brief, resolver)
            silent = silent + 1 if found.trouble in (Trouble.SLOW, Trouble.UNREACHABLE) else 0
            done.put((url, found))


def _tried(url: str, rules: Rules, resolver: Resolve) -> Visit:
    try:
        return try_link(url, rules, resolver=resolver)
    except Exception as err:  # noqa: BLE001  (a thread that dies would keep all others waiting)
        return Visit(
            url, trouble=Trouble.GARBLED, detail=f"it was not tried ({type(err).__name__})"
        )
