"""Windows in this process's memory: what the script answers, without Redis."""

from __future__ import annotations

import os
import struct
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from vibewell_redis import script
from vibewell_redis.denials import Denials

_POLICY = struct.Struct(">II")
_COARSE = 1 << 31
_FEWEST_SWEPT = 1024  # keys


def _micros() -> int:
    return time.monotonic_ns() // 1000


class Windows:
    """The admitted requests of each key, as ticks of a clock. Threads may share it.

    ``clock`` gives microseconds. The semantics are those of scripts/sliding_window.lua.
    """

    def __init__(self, clock: Callable[[], int] = _micros) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._logs: dict[bytes, list[int]] = {}
        self._ends: dict[bytes, int] = {}  # when nothing of a key is left, in microseconds
        self._sweep_at = _FEWEST_SWEPT

    def decide(self, keys: Sequence[bytes], policies: bytes, shape: int) -> bytes:
        """The script's reply to one decision."""
        micros = self._clock()
        with self._lock:
            return self._decide(keys, policies, script.asks(shape), micros)

    def _decide(self, keys: Sequence[bytes], policies: bytes, asks: bool, micros: int) -> bytes:
        admitted, entries = True, []
        for key, (requests, window) in zip(keys, _POLICY.iter_unpack(policies), strict=True):
            now, second = micros, 1_000_000
            if requests >= _COARSE:
                requests, now, second = requests - _COARSE, micros // 1000, 1000
            if requests == 0:  # it is cleared
                self._logs.pop(key, None)
                self._ends.pop(key, None)
            log = self._logs.get(key, [])
            # A clock that went back: time stands still, and the log stays in order.
            stamp = max(now, log[-1]) if log else now
            first = bisect_left(log, stamp - window)
            held = len(log) - first
            oldest = log[first] if held else None
            if held >= requests > 0:
                admitted, oldest = False, log[len(log) - requests]
            reset = 0 if oldest is None else oldest + window + 1 - now
            # What is cleared counts nothing.
            entries.append(
                (
                    key,
                    log if requests else None,
                    first,
                    stamp,
                    window,
                    second,
                    requests - held,
                    reset,
                )
            )
        figures: list[float] = []
        for key, kept, first, stamp, window, second, left, reset in entries:
            if admitted and not asks and kept is not None:
                del kept[:first]
                kept.append(stamp)
                self._logs[key] = kept
                self._ends[key] = (stamp + window + 1) * (1_000_000 // second)
                left, reset = left - 1, reset or window
            figures += (max(left, 0), reset / second)
        if len(self._logs) >= self._sweep_at:
            self._sweep(micros)
        return script.reply_of(len(keys)).pack(admitted, *figures)

    def _sweep(self, micros: int) -> None:
        for key in [key for key, end in self._ends.items() if end < micros]:
            del self._logs[key], self._ends[key]
        self._sweep_at = max(2 * len(self._logs), _FEWEST_SWEPT)


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

    def connect(self) -> bool:
        """There is nothing to connect to."""
        return True

    def close(self) -> None:
        """The windows stay, as those of a server would."""

    def abandon(self) -> None:
        """There is nothing to abandon."""
