"""One timer for any number of waits of the same length."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

from vibewell_redis.asyncio.batch import Batch


class Deadlines:
    """Gives batches up when they are due, and calls ``late(batch, how many waited)`` for each.

    One timer serves all. A decision joins a batch that waits already by being appended to it, as
    long as the batch is not over.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, late: Callable[[Batch, int], None]) -> None:
        self._loop = loop
        self._late = late
        self._batches: list[tuple[float, int, Batch]] = []
        self._order = count()
        self._timer: asyncio.Handle | None = None

    def add(self, batch: Batch) -> None:
        """Let this batch wait; no batch that waits is due later than one that comes later.

        A part of a batch that waits is due with it.
        """
        heapq.heappush(self._batches, (batch.due, next(self._order), batch))
        if self._timer is None:
            self._timer = self._loop.call_at(batch.due, self._due)

    def close(self) -> None:
        """Forget all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._batches.clear()

    def _due(self) -> None:
        # Answers that came while the process itself was held up are read first.
        self._timer = self._loop.call_soon(self._end)

    def _end(self) -> None:
        now, batches = self._loop.time(), self._batches
        while batches:
            due, _, batch = batches[0]
            waiting = len(batch.still_waiting())
            if waiting and due > now:
                break
            # Whoever comes later joins another one: nothing would end its wait here.
            batch.give_up()
            heapq.heappop(batches)
            if waiting:
                self._late(batch, waiting)
        self._timer = self._loop.call_at(batches[0][0], self._due) if batches else None
