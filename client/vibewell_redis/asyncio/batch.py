"""Decisions that travel together: what one command asks, and who waits for which part of it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from vibewell_redis import script
from vibewell_redis.decision import WindowStats
from vibewell_redis.denials import Denials

# The decision's part of the script's reply; the windows that have become known as full before it
# was sent; or None when there is no answer.
Answer = bytes | tuple[WindowStats, ...] | None
Waiting = asyncio.Future[Answer]


class Deadlines:
    """Gives batches up when they are due, and calls ``late(batch, how many waited)`` for each.

    One timer serves all. A decision joins a batch that waits already by being appended to it, as
    long as the batch is not over.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, late: Callable[[Batch, int], None]) -> None:
        self._loop = loop
        self._late = late
        self._batches: list[tuple[float, int, Batch]] = []
        self._order = count()
        self._timer: asyncio.Handle | None = None

    def add(self, batch: Batch) -> None:
        """Let this batch wait; no batch that waits is due later than one that comes later.

        A part of a batch that waits is due with it.
        """
        heapq.heappush(self._batches, (batch.due, next(self._order), batch))
        if self._timer is None:
            self._timer = self._loop.call_at(batch.due, self._due)

    def close(self) -> None:
        """Forget all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._batches.clear()

    def _due(self) -> None:
        # Answers that came while the process itself was held up are read first.
        self._timer = self._loop.call_soon(self._end)

    def _end(self) -> None:
        now, batches = self._loop.time(), self._batches
        while batches:
            due, _, batch = batches[0]
            waiting = len(batch.still_waiting())
            if waiting and due > now:
                break
            # Whoever comes later joins another one: nothing would end its wait here.
            batch.give_up()
            heapq.heappop(batches)
            if waiting:
                self._late(batch, waiting)
        self._timer = self._loop.call_at(batches[0][0], self._due) if batches else None


class Batch:
    """Decisions in the order in which they came, laid out as the script takes them.

    ``shapes`` and ``waiting`` have an item a decision, ``policies`` an item too, and ``keys`` as
    many as each shape says. No object is made for a decision: a hundred that wait would set off
    Python's garbage collector each time. ``due`` is when those who still wait are late, in seconds
    of the event loop's clock. A batch that ``is_over`` was given up: no decision may join it.
    ``counted`` has an item when the failure of the batch, or of the other half, has been counted.
    """

    __slots__ = ("counted", "due", "is_over", "keys", "policies", "shapes", "waiting")

    def __init__(self, due: float) -> None:
        self.due = due
        self.is_over = False
        self.counted: list[bool] = []
        self._clear()

    def __len__(self) -> int:
        """How many decisions have been neither answered nor given up."""
        return len(self.waiting)

    def add(self, keys: Sequence[bytes], policies: bytes, shape: int, waiting: Waiting) -> None:
        """One decision more."""
        self.keys += keys
        self.policies.append(policies)
        self.shapes.append(shape)
        self.waiting.append(waiting)

    def still_waiting(self) -> list[Waiting]:
        """Those who have no answer and have not gone."""
        return [waiting for waiting in self.waiting if not waiting.done()]

    def keep_wanted(self, denials: Denials, now: float) -> None:
        """Leave out what nobody waits for, and give what is known by now to those who wait."""
        if not denials and not any(map(asyncio.Future.done, self.waiting)):
            return
        each = list(self._each())
        self._clear()
        for keys, policies, shape, waiting in each:
            if waiting.done():
                continue
            if not script.asks(shape) and (full := denials.find(keys, now)):
                waiting.set_result(full)
            else:
                self.add(keys, policies, shape, waiting)

    def take(self, size: int) -> Batch:
        """The first so many, which leave this batch and are due when it is."""
        head = Batch(self.due)
        head.counted = self.counted
        end = sum(shape & script.KEYS for shape in self.shapes[:size])
        head.keys, head.policies = self.keys[:end], self.policies[:size]
        head.shapes, head.waiting = self.shapes[:size], self.waiting[:size]
        del self.keys[:end], self.policies[:size], self.shapes[:size], self.waiting[:size]
        return head

    def answer(self, reply: bytes) -> None:
        """Give each its part of the reply."""
        start, key_bytes, keys = 0, script.KEY_BYTES, script.KEYS
        for shape, waiting in zip(self.shapes, self.waiting, strict=True):
            end = start + 1 + key_bytes * (shape & keys)
            if not waiting.done():
                waiting.set_result(reply[start:end])
            start = end
        self._clear()

    def give_up(self) -> None:
        """Give None to whoever still waits; the batch is over."""
        self.is_over = True
        for waiting in self.still_waiting():
            waiting.set_result(None)
        self._clear()

    def _each(self) -> Iterator[tuple[list[bytes], bytes, int, Waiting]]:
        start = 0
        for policies, shape, waiting in zip(self.policies, self.shapes, self.waiting, strict=True):
            end = start + (shape & script.KEYS)
            yield self.keys[start:end], policies, shape, waiting
            start = end

    def _clear(self) -> None:
        # A batch is remembered until it is due. What it held must not be: ten thousand answers
        # that nobody reads would go through the garbage collector's hands.
        self.keys: list[bytes] = []
        self.policies: list[bytes] = []
        self.shapes = bytearray()
        self.waiting: list[Waiting] = []
