"""What is known to be full, until it can change."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from vibewell_redis.decision import WindowStats

# Each takes about 300 bytes; a flood from more addresses than this asks Redis again.
MOST = 65_536


class Denials:
    """Keys whose window is full, and until when (seconds of the monotonic clock).

    Nothing but time makes room in an exact window, so what is remembered here is what Redis would
    say: a flood on a full key costs Redis nothing. (A window that Redis has lost, by eviction or
    with an unreplicated write, stays full here until its reset.)
    """

    def __init__(self) -> None:
        # Read by who asks for each decision: most of the time it is empty.
        self.full: dict[bytes, tuple[float, WindowStats]] = {}

    def __len__(self) -> int:
        """How many are known, some of them perhaps not full any more."""
        return len(self.full)

    def remember(
        self, keys: Sequence[bytes], windows: Sequence[WindowStats], asked_at: float
    ) -> None:
        """Keep those of the windows that are full; Redis was asked not before ``asked_at``."""
        for key, window in zip(keys, windows, strict=True):
            if not window.remaining:
                self._keep(key, asked_at + window.reset_after, window)

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
