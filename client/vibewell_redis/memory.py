"""Windows in this process's memory: what the script answers, without Redis."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from vibewell_redis import script
from vibewell_redis.denials import Denials

MOST_KEYS = 65_536
_POLICY = struct.Struct(">II")
_COARSE = 1 << 31


def _micros() -> int:
    return time.monotonic_ns() // 1000


class Logs:
    """The admitted requests of each key, as ticks of a clock: exact windows, without a lock.

    The semantics are those of scripts/sliding_window.lua. Of too many keys the one longest unused
    is forgotten.
    """

    def __init__(self) -> None:
        self._logs: OrderedDict[bytes, deque[int]] = OrderedDict()

    def decide(
        self, checks: Sequence[tuple[bytes, int, int, int]], *, asks: bool
    ) -> tuple[bool, list[tuple[int, int]]]:
        """One decision over keys, each with its requests, its window and the time now, in ticks.

        Whether all admit it, and of each how many more would be admitted and in how many ticks that
        number grows. A key with no requests is cleared.
        """
        admitted, entries = True, []
        for key, requests, window, now in checks:
            if requests == 0:
                self.forget([key])
            if (log := self._logs.get(key)) is None:
                log = deque()
            else:
                self._logs.move_to_end(key)
            # A clock that went back: time does not move, and the log stays in order.
            stamp = max(now, log[-1]) if log else now
            while log and stamp - log[0] > window:
                log.popleft()
            left = requests - len(log)
            oldest = log[0] if log else None
            if left <= 0 < requests:
                admitted, oldest = False, log[-requests]
            reset = 0 if oldest is None else oldest + window + 1 - now
            entries.append((log, stamp, max(left, 0), reset))
        figures = []
        for (key, requests, window, _), (log, stamp, left, reset) in zip(
            checks, entries, strict=True
        ):
            if admitted and not asks and requests:
                log.append(stamp)
                self._logs[key] = log
                left, reset = left - 1, reset or window
            figures.append((left, reset))
        while len(self._logs) > MOST_KEYS:
            self._logs.popitem(last=False)
        return admitted, figures

    def forget(self, keys: Iterable[bytes]) -> None:
        """Start again for these keys."""
        for key in keys:
            self._logs.pop(key, None)


class Windows:
    """What the script answers. Threads may share it; ``clock`` gives microseconds."""

    def __init__(self, clock: Callable[[], int] = _micros) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._logs = Logs()

    def decide(self, keys: Sequence[bytes], policies: bytes, shape: int) -> bytes:
        """The script's reply to one decision."""
        micros, checks, seconds = self._clock(), [], []
        for key, (requests, window) in zip(keys, _POLICY.iter_unpack(policies), strict=True):
            is_coarse = requests >= _COARSE
            seconds.append(1000 if is_coarse else 1_000_000)
            now = micros // 1000 if is_coarse else micros
            checks.append((key, requests - _COARSE * is_coarse, window, now))
        with self._lock:
            admitted, found = self._logs.decide(checks, asks=script.asks(shape))
        figures: list[float] = []
        for (left, reset), second in zip(found, seconds, strict=True):
            figures += (left, reset / second)
        return script.reply_of(len(keys)).pack(admitted, *figures)


@cache
def _windows(process: int, name: str) -> Windows:
    del process, name
    return Windows()


def windows_named(name: str) -> Windows:
    """The windows of this process under a name, as ``memory://name``: one server of its own.

    A process that was forked begins with empty ones, whatever lock another thread held.
    """
    return _windows(os.getpid(), name)


class MemoryStorage:
    """Windows in memory, for the limiter of threads: for tests and laptops, not for production.

    Each process counts alone. ``counts`` has commands and decisions.
    """

    is_available = True

    def __init__(self, windows: Windows) -> None:
        self.counts: Counter[str] = Counter()
        self.denials = Denials()
        self._windows = windows

    def decide(self, keys: Sequence[bytes], policies: bytes, shape: int, now: float) -> bytes:
        """The reply; ``now`` is not needed: these windows have a clock of their own."""
        del now
        self.counts["commands"] += 1
        self.counts["decisions"] += 1
        return self._windows.decide(keys, policies, shape)

    async def answer(self, keys: Sequence[bytes], policies: bytes, shape: int) -> bytes:
        """The same; it is there at once."""
        return self.decide(keys, policies, shape, 0.0)

    def connect(self) -> bool:
        """There is nothing to connect to."""
        return True

    def close(self) -> None:
        """The windows stay, as those of a server would."""

    def abandon(self) -> None:
        """There is nothing to abandon."""
