"""Sending: one line of a worker, claiming one chunk after the other over connections it keeps."""

from __future__ import annotations

from newsletter.core.db import writing
from newsletter.delivery import claiming
from newsletter.delivery.crew import Crew, elapsed
from newsletter.delivery.turns import FIRST, Turn
from newsletter.providers.base import Connection
from subscribers import spool


class Line:
    """One thread's work."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._strip = crew.recorder.strip()
        self._connections: dict[str, Connection] = {}
        self._want = FIRST
        self._open: Turn | None = None

    def round(self) -> bool:
        """Claim a chunk and work it off, and the next ones; False when nothing was due.

        Before anybody is claimed, wishes to leave that had met a database out of order are heard.
        """
        crew = self._crew
        lease = crew.needs.settings.delivery.lease_seconds
        spool.drain(crew.needs.engine, crew.needs.settings.home)
        self._finish_open()
        if crew.is_idle:
            return False
        asked_at = elapsed()
        with crew.taking() as take, writing(crew.needs.engine) as session:
            mine = claiming.claim(session, crew.owner, lease_seconds=lease)
            if mine is not None:
                take(mine.chunk_id)
        if mine is None:
            crew.nothing_due_at = asked_at
            return False
        crew.lease.renewed(asked_at)
        while mine is not None:
            crew.emptied.clear()
            turn = self._open = Turn(crew, mine, self._strip, self._connected, self._want)
            rest = turn.run()
            self._open = None
            self._want, mine = turn.want, turn.following
            crew.wait(rest)
            spool.drain(crew.needs.engine, crew.needs.settings.home)
        crew.emptied.set()
        return True

    def _finish_open(self) -> None:
        """A turn that a database out of order broke off: its answers come before anything new."""
        if self._open is not None:
            self._open.finish()
            self._open = None

    def hang_up(self) -> None:
        """End the connections politely; they are opened again when there is something to send."""
        while self._connections:
            _, connection = self._connections.popitem()
            connection.close()

    def _connected(self, provider: str) -> Connection:
        if provider not in self._connections:
            self._connections[provider] = self._crew.needs.providers[provider].connect()
        return self._connections[provider]
