"""An event loop in a thread of its own, for callers that have none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# What runs there has deadlines of its own: these only end a wait that nothing else ended (seconds).
_LONGEST = 60.0
_END = 5.0


class LoopThread:
    """Runs coroutines for other threads until ``stop``; ends with the process at the latest."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="vibewell-redis", daemon=True
        )
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Its result, or what it raises. Raises TimeoutError when it never ends."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_LONGEST)

    def stop(self) -> None:
        """End the loop and the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_END)
        self._loop.close()
