"""The nursery: an interpreter with everything imported that forks workers on demand.

`python -m tests.chaos.nursery` takes `{"do": "bear", "home": …}` and tells when each one ends.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import importlib
import json
import os
import selectors
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from tests import sending_child

_WARM = (
    "alembic.command",
    "newsletter.delivery.press",
    "newsletter.migrations",
    "newsletter.providers.smtp",
    "newsletter.rendering.edition",
    "newsletter.rendering.environment",
    "newsletter.rendering.message",
    "newsletter.schedule.clock",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
)


_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def _say(said: dict[str, Any]) -> None:
    os.write(1, json.dumps(said).encode() + b"\n")


def _live(order: dict[str, Any]) -> None:
    """In the child: it never comes back."""
    code = 1
    try:
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        faulthandler.register(signal.SIGQUIT)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        code = sending_child.KINDS[order["kind"]](Path(order["home"]))
    except BaseException:  # noqa: BLE001 - this is the top of a process
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _bear(order: dict[str, Any], selector: selectors.BaseSelector) -> int:
    pid = os.fork()
    if pid == 0:
        selector.close()
        _live(order)
    selector.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
    return pid


def _buried(pid: int) -> None:
    _, status = os.waitpid(pid, 0)
    _say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def main() -> None:
    """Until standard input ends; then every child dies too."""
    for name in _WARM:
        importlib.import_module(name)
    gc.freeze()
    children: set[int] = set()
    rest = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ, 0)
        _say({"ready": os.getpid()})
        while True:
            for key, _ in selector.select():
                if key.data:
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    children.discard(key.data)
                    _buried(key.data)
                    continue
                read = os.read(0, 65536)
                if not read:
                    for pid in children:
                        os.kill(pid, signal.SIGKILL)
                    return
                rest += read
                while (end := rest.find(b"\n")) >= 0:
                    order = json.loads(rest[:end])
                    del rest[: end + 1]
                    pid = _bear(order, selector)
                    children.add(pid)
                    _say({"done": "bear", "pid": pid})


if __name__ == "__main__":
    main()
