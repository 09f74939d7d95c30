"""The model's time: it moves when it is told to, and what is due happens on the way."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Time:
    """A clock with a diary; ``after_each`` runs after everything that happened."""

    def __init__(self, after_each: Callable[[], None]) -> None:
        self.now = datetime(2026, 1, 4, tzinfo=UTC)
        self._after_each = after_each
        self._diary: list[tuple[datetime, int, Callable[[], None]]] = []
        self._entries = 0

    def after(self, seconds: float, happens: Callable[[], None]) -> None:
        """Enter what happens later."""
        self._entries += 1
        entry = (self.now + timedelta(seconds=seconds), self._entries, happens)
        heapq.heappush(self._diary, entry)

    def pass_by(self, seconds: float) -> None:
        """Let this much time go by."""
        end = self.now + timedelta(seconds=seconds)
        while self._diary and self._diary[0][0] <= end:
            self.now, _, happens = heapq.heappop(self._diary)
            happens()
            self._after_each()
        self.now = end
