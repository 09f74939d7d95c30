"""What this process knows by itself: windows without Redis, and which of Redis' are full."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache

from vibewell_redis import script
from vibewell_redis.decision import WindowStats

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


# How often a process asks whether anything was cleared, while it denies from memory (seconds).
ASK_SECONDS = 0.5
# Each takes about 300 bytes; a flood from more addresses than this asks Redis again.
MOST = 65_536


class Denials:
    """Keys whose window is full, and until when (seconds of the monotonic clock).

    Nothing but time makes room in an exact window, so what is remembered here is what Redis would
    say: a flood on a full key costs Redis nothing. (A window that Redis has lost, by eviction or
    with an unreplicated write, stays full here until its reset.) The one exception is what somebody
    clears: from ``ask_at`` on a caller that is denied from memory asks Redis about it first.
    """

    def __init__(self) -> None:
        # Read by who asks for each decision: most of the time it is empty.
        self.full: dict[bytes, tuple[float, WindowStats]] = {}
        # When Redis was asked last whether anything was cleared, and when it is to be asked.
        self._asked_at = self.ask_at = 0.0

    def __len__(self) -> int:
        """How many are known, some of them perhaps not full any more."""
        return len(self.full)

    def remember(self, keys: Sequence[bytes], windows: Sequence[WindowStats], asked: float) -> None:
        """Keep those of the windows that are full; Redis was asked not before ``asked``."""
        if not self.full:
            self._asked_at, self.ask_at = asked, asked + ASK_SECONDS
        for key, window in zip(keys, windows, strict=True):
            if not window.remaining:
                self._keep(key, asked + window.reset_after, window)

    def will_ask(self, now: float) -> bool:
        """Whether the caller is to ask whether anything was cleared: one at a time."""
        if not self.full or now < self.ask_at:
            return False
        self.ask_at = now + ASK_SECONDS
        return True

    def learn(self, reply: object, now: float) -> None:
        """Take the answer about the key of clears, asked for at ``now``; None has no answer."""
        if not isinstance(reply, bytes):
            return  # Redis is away: what is known stays
        _, left, _ = script.reply_of(1).unpack(reply)
        # Something was cleared, or may have been: it was not asked for too long.
        if left < script.MOST_CLEARS or now - self._asked_at > script.CLEAR_SECONDS / 2:
            self.full.clear()
        self._asked_at = now

    def forget(self, keys: Sequence[bytes]) -> None:
        """These were cleared."""
        for key in keys:
            self.full.pop(key, None)

    def find(self, keys: Sequence[bytes], now: float) -> tuple[WindowStats, ...]:
        """The windows of these keys that are still full."""
        full = self.full
        if not full:
            return ()
        found: tuple[WindowStats, ...] = ()
        for key in keys:
            known = full.get(key)
            if known is not None:
                until, window = known
                if now < until:
                    found += (window._replace(remaining=0, reset_after=until - now),)
                else:
                    full.pop(key, None)
        return found

    def _keep(self, key: bytes, until: float, window: WindowStats) -> None:
        full = self.full
        full.pop(key, None)
        if len(full) >= MOST:
            with suppress(StopIteration, RuntimeError):  # another thread has just changed it
                full.pop(next(iter(full)), None)
        full[key] = (until, window)


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
