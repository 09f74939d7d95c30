"""What the limiters for threads and for event loops share: plans, counts, and who decides."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from vibewell_redis import keys, script
from vibewell_redis.decision import Decision, Source, WindowStats
from vibewell_redis.fallback import Fallbacks, Policies
from vibewell_redis.keys import Plan, plan_of
from vibewell_redis.limits import RateLimitItem
from vibewell_redis.memory import Denials

# So many failures, with no answer in between, and no caller waits for Redis any more.
FAILURES = 3
# The pause before the first trial, and the longest between two (seconds).
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0


class Breaker:
    """Closed while Redis answers. It knows no clock: ``now`` is seconds of the caller's."""

    def __init__(self) -> None:
        self.is_open = False
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._next_trial = 0.0

    def succeeded(self) -> None:
        """Redis has answered."""
        self.is_open = False
        self._failures = 0
        self._pause = FIRST_PAUSE

    def failed(self, now: float) -> bool:
        """Redis has not answered, or with an error: whether this has opened the breaker."""
        self._failures += 1
        if self.is_open or self._failures < FAILURES:
            return False
        self.is_open = True
        self._next_trial = now + self._pause
        return True

    def trial_is_due(self, now: float) -> bool:
        """Whether somebody should try Redis now; the next trial is due after a longer pause."""
        if not self.is_open or now < self._next_trial:
            return False
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._next_trial = now + self._pause
        return True


log = logging.getLogger("vibewell_redis")

DEADLINE = 0.05  # seconds
# The longest that a limiter waits for Redis where it starts, and no decision waits (seconds).
LONGEST_START = 5.0

# A denial that is remembered while it is being cleared answers the clear: it is sent again.
CLEARS = 3

# What is done for each decision is worth a name: a named tuple's own constructor is a function in
# Python and costs twice as much as the tuple's, and an enumeration's member is looked up each time.
_decision: Callable[[tuple[bool, tuple[WindowStats, ...], Source]], Decision]
_decision = partial(tuple.__new__, Decision)
_REDIS = Source.REDIS
_DISABLED = Decision(True, (), Source.DISABLED)


T = TypeVar("T")


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing. Raises RuntimeError if it does wait."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    work.close()
    raise RuntimeError(
        "a limit on a plain function outside an event loop cannot wait: give plain functions for "
        "user, address and identifiers, and vibewell_redis.RateLimiter as the limiter"
    )


def checked_deadline(seconds: float) -> float:
    """The deadline. Raises ValueError for one that no decision can keep."""
    if not 0 < seconds <= 60:
        raise ValueError(f"a deadline of {seconds} s: write more than 0 and 60 at most, as 0.05")
    return seconds


class Deciding:
    """A limiter without the way to Redis."""

    def __init__(
        self, tiers: Mapping[str, RateLimitItem], *, fallback: Policies, instances: int, prefix: str
    ) -> None:
        if instances < 1:
            raise ValueError(f"{instances} instances: write how many processes share a limit")
        keys.trial(prefix)
        self.tiers = dict(tiers)
        self._counts: Counter[tuple[str, str]] = Counter()
        # For what the policy admits: event loops too may be in several threads.
        self._locks: dict[int, threading.Lock] = {}
        self._fallbacks = Fallbacks(self.tiers, fallback, instances)
        self._prefix = prefix
        self._cleared = [keys.cleared(prefix)]
        self._plans: dict[tuple[tuple[str, ...] | str, ...], Plan] = {}

    @property
    def _lock(self) -> threading.Lock:
        """The process's own: a fork may leave its parent's held permanently."""
        return self._locks.setdefault(os.getpid(), threading.Lock())

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How often each (tier, outcome) has happened; any thread may read it.

        Outcomes are allowed, denied, denied_from_memory, fallback_allowed, fallback_denied and
        disabled.
        """
        found = Counter(dict(self._counts))
        for plan in list(self._plans.values()):
            for name in plan.names:
                for outcome, number in zip(("denied", "allowed"), plan.outcomes, strict=True):
                    if number:
                        found[name, outcome] += number
        return found

    def _plan(self, names: tuple[str, ...], kinds: Iterable[str]) -> Plan:
        found = self._plans.get((names, *kinds))
        if found is None:
            found = plan_of(self.tiers, self._prefix, names, tuple(kinds))
            self._plans[(names, *kinds)] = found
        return found

    def _count(self, plan: Plan, outcome: str) -> None:
        for name in plan.names:
            self._counts[name, outcome] += 1

    def _forget(self, where: Sequence[bytes], denials: Denials) -> None:
        denials.forget(where)
        with self._lock:
            self._fallbacks.forget(where)

    def _disabled(self, plan: Plan) -> Decision:
        self._count(plan, "disabled")
        return _DISABLED

    def _redis_decides(
        self, plan: Plan, where: Sequence[bytes], reply: bytes, denials: Denials, asked_at: float
    ) -> Decision:
        figures = plan.figures(reply)
        windows = plan.windows(figures)
        if 0 in figures:
            denials.remember(where, windows, asked_at)
        allowed = figures[0] == 1
        plan.outcomes[allowed] += 1
        return _decision((allowed, windows, _REDIS))

    def _memory_decides(self, plan: Plan, full: tuple[WindowStats, ...]) -> Decision:
        self._count(plan, "denied_from_memory")
        return Decision(False, full, Source.MEMORY)

    def _fallback_decides(self, plan: Plan, where: Sequence[bytes]) -> Decision:
        with self._lock:
            allowed, windows = self._fallbacks.decide(plan, where, time.monotonic(), asks=False)
        self._count(plan, "fallback_allowed" if allowed else "fallback_denied")
        return Decision(allowed, windows, Source.FALLBACK)

    # What threads and tasks do alike, with a storage whose answers may have to be waited for.

    async def _clear(
        self, storage: Any, tiers: tuple[str, ...], identifiers: Mapping[str, str]
    ) -> bool:
        plan = self._plan(tiers, identifiers)
        if storage is None:
            return True
        where = plan.where(identifiers)
        if len(where) >= script.MOST_KEYS:
            raise ValueError(f"{script.MOST_KEYS - 1} limits at most are cleared at a time")
        nothing = b"".join(script.policy(0, one.item.seconds) for one in plan.limits)
        # The last key lets other processes know of it.
        about, policies = where + self._cleared, nothing + script.CLEARED
        for _ in range(CLEARS):
            self._forget(where, storage.denials)
            reply = await storage.answer(about, policies, len(about))
            if not isinstance(reply, tuple):
                break
        self._forget(where, storage.denials)
        return isinstance(reply, bytes)

    async def _test(
        self, storage: Any, tiers: tuple[str, ...], identifiers: Mapping[str, str]
    ) -> Decision:
        plan = self._plan(tiers, identifiers)
        if storage is None:
            return _DISABLED
        where = plan.where(identifiers)
        shape = script.shape(len(where), asks=True)
        reply = await storage.answer(where, plan.policies, shape)
        if isinstance(reply, bytes):
            figures = plan.figures(reply)
            return Decision(figures[0] == 1, plan.windows(figures), Source.REDIS)
        with self._lock:
            allowed, windows = self._fallbacks.decide(plan, where, time.monotonic(), asks=True)
        return Decision(allowed, windows, Source.FALLBACK)
