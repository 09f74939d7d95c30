"""Windows in this process's memory, for the limiter of an event loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from vibewell_redis.asyncio.batch import Waiting
from vibewell_redis.deciding import DEADLINE
from vibewell_redis.denials import Denials
from vibewell_redis.memory import Windows


class MemoryStorage:
    """As ``vibewell_redis.memory.MemoryStorage``: for tests and laptops, not for production."""

    is_available = True
    owns_pool = True
    deadline = DEADLINE

    def __init__(self, windows: Windows) -> None:
        self.counts: Counter[str] = Counter()
        self.denials = Denials()
        self.loop = asyncio.get_running_loop()
        self._windows = windows

    def decide(self, keys: Sequence[bytes], policies: bytes, shape: int) -> Waiting:
        """The answer, which is there already."""
        self.counts["commands"] += 1
        self.counts["decisions"] += 1
        waiting: Waiting = self.loop.create_future()
        waiting.set_result(self._windows.decide(keys, policies, shape))
        return waiting

    async def connect(self) -> None:
        """There is nothing to connect to."""

    async def aclose(self) -> None:
        """The windows stay, as those of a server would."""

    def abandon(self) -> None:
        """There is nothing to abandon."""
