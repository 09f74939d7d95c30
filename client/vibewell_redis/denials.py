"""What is known to be full, until it can change."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from vibewell_redis import script
from vibewell_redis.decision import WindowStats

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
