"""Decisions that travel together: what one command asks, and who waits for which part of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from vibewell_redis import script
from vibewell_redis.denials import Denials

# The decision's part of the script's reply, or None when there is no answer.
Waiting = asyncio.Future[bytes | None]


class Batch:
    """Decisions in the order in which they came, laid out as the script takes them.

    ``shapes`` and ``waiting`` have an item a decision, ``policies`` an item too, and ``keys`` as
    many as each shape says. No object is made for a decision: a hundred that wait would set off
    Python's garbage collector each time.
    """

    __slots__ = ("keys", "policies", "shapes", "waiting")

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.policies: list[bytes] = []
        self.shapes = bytearray()
        self.waiting: list[Waiting] = []

    def __len__(self) -> int:
        """How many decisions."""
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

    def still_wanted(self, denials: Denials, now: float) -> Batch:
        """What is still to be asked: nobody waits for the rest, or its answer is known by now.

        Whoever waits for what is known gets None.
        """
        if not denials and not any(map(asyncio.Future.done, self.waiting)):
            return self
        wanted = Batch()
        for keys, policies, shape, waiting in self._each():
            if waiting.done():
                continue
            if not script.asks(shape) and denials.find(keys, now):
                waiting.set_result(None)
            else:
                wanted.add(keys, policies, shape, waiting)
        return wanted

    def split(self, size: int) -> tuple[Batch, Batch]:
        """The first so many, and the rest."""
        if size >= len(self):
            return self, Batch()
        parts = Batch(), Batch()
        for place, decision in enumerate(self._each()):
            parts[place >= size].add(*decision)
        return parts

    def answer(self, reply: bytes) -> None:
        """Give each its part of the reply."""
        start, key_bytes, keys = 0, script.KEY_BYTES, script.KEYS
        for shape, waiting in zip(self.shapes, self.waiting, strict=True):
            end = start + 1 + key_bytes * (shape & keys)
            if not waiting.done():
                waiting.set_result(reply[start:end])
            start = end

    def give_up(self) -> None:
        """Give None to whoever still waits."""
        for waiting in self.still_waiting():
            waiting.set_result(None)

    def _each(self) -> Iterator[tuple[list[bytes], bytes, int, Waiting]]:
        start = 0
        for policies, shape, waiting in zip(self.policies, self.shapes, self.waiting, strict=True):
            end = start + (shape & script.KEYS)
            yield self.keys[start:end], policies, shape, waiting
            start = end
