"""One timer for any number of waits of the same length."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

Waiting = asyncio.Future[bytes | None]


class Deadlines:
    """Gives each future None when it has waited ``seconds``, and then calls ``late(how many)``.

    All wait equally long, so the first to come is the first to be late: no timer a future.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, late: Callable[[int], None]
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._late = late
        self._queue: deque[tuple[float, Waiting]] = deque()
        self._timer: asyncio.Handle | None = None

    def add(self, waiting: Waiting) -> None:
        """Let this future wait from now on."""
        at = self._loop.time() + self._seconds
        self._queue.append((at, waiting))
        if self._timer is None:
            self._timer = self._loop.call_at(at, self._due)

    def close(self) -> None:
        """Forget all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._queue.clear()

    def _due(self) -> None:
        # Answers that came while the process itself was held up are read first.
        self._timer = self._loop.call_soon(self._end)

    def _end(self) -> None:
        now, late, queue = self._loop.time(), 0, self._queue
        while queue:
            at, waiting = queue[0]
            if not waiting.done():
                if at > now:
                    break
                waiting.set_result(None)
                late += 1
            queue.popleft()
        self._timer = self._loop.call_at(queue[0][0], self._due) if queue else None
        if late:
            self._late(late)
