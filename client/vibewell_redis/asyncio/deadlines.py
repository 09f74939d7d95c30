"""One timer for any number of waits of the same length."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

Waiting = asyncio.Future[Any]


class Deadlines:
    """Gives futures None when they have waited ``seconds``, and then calls ``late(how many)``.

    All wait equally long, so the first group to come is the first to be late, and one timer serves
    all. A future joins a group that waits already by being appended to it.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, late: Callable[[int], None]
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._late = late
        self._groups: deque[tuple[float, Sequence[Waiting]]] = deque()
        self._timer: asyncio.Handle | None = None

    def add(self, group: Sequence[Waiting]) -> None:
        """Let this group wait from now on."""
        at = self._loop.time() + self._seconds
        self._groups.append((at, group))
        if self._timer is None:
            self._timer = self._loop.call_at(at, self._due)

    def close(self) -> None:
        """Forget all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._groups.clear()

    def _due(self) -> None:
        # Answers that came while the process itself was held up are read first.
        self._timer = self._loop.call_soon(self._end)

    def _end(self) -> None:
        now, late, groups = self._loop.time(), 0, self._groups
        while groups:
            at, group = groups[0]
            waiting = [one for one in group if not one.done()]
            if waiting and at > now:
                break
            for one in waiting:
                one.set_result(None)
            late += len(waiting)
            groups.popleft()
        self._timer = self._loop.call_at(groups[0][0], self._due) if groups else None
        if late:
            self._late(late)
