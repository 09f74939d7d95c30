"""One timer for any number of waits of the same length."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from vibewell_redis.asyncio.batch import Batch


class Deadlines:
    """Gives batches up when they are due, and then calls ``late(how many)``.

    All wait equally long, so the first to come is the first to be late, and one timer serves all. A
    decision joins a batch that waits already by being appended to it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, late: Callable[[int], None]) -> None:
        self._loop = loop
        self._late = late
        self._batches: deque[Batch] = deque()
        self._timer: asyncio.Handle | None = None

    def add(self, batch: Batch) -> None:
        """Let this batch wait; it is due no earlier than those before it."""
        self._batches.append(batch)
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
        now, late, batches = self._loop.time(), 0, self._batches
        while batches:
            batch = batches[0]
            waiting = len(batch.still_waiting())
            if waiting and batch.due > now:
                break
            batch.give_up()
            late += waiting
            batches.popleft()
        self._timer = self._loop.call_at(batches[0].due, self._due) if batches else None
        if late:
            self._late(late)
