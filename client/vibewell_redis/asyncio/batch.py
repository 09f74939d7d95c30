"""Decisions that travel together: what one command asks, and who waits for which part of it."""

from __future__ import annotations

from collections.abc import Sequence

from vibewell_redis import script
from vibewell_redis.asyncio.deadlines import Waiting
from vibewell_redis.denials import Denials


class Batch:
    """Parallel lists, an entry a decision: no object of its own for each."""

    __slots__ = ("keys", "policies", "shapes", "waiting")

    def __init__(self) -> None:
        self.keys: list[Sequence[bytes]] = []
        self.policies: list[bytes] = []
        self.shapes = bytearray()
        self.waiting: list[Waiting] = []

    def __len__(self) -> int:
        """How many decisions."""
        return len(self.waiting)

    def add(self, keys: Sequence[bytes], policies: bytes, shape: int, waiting: Waiting) -> None:
        """One more decision."""
        self.keys.append(keys)
        self.policies.append(policies)
        self.shapes.append(shape)
        self.waiting.append(waiting)

    def still_wanted(self, denials: Denials, now: float) -> Batch:
        """What is still to be asked: nobody waits for the rest, or its answer is known by now.

        Whoever waits for what is known gets None.
        """
        if not denials and not any(one.done() for one in self.waiting):
            return self
        wanted = Batch()
        for keys, policies, shape, waiting in zip(
            self.keys, self.policies, self.shapes, self.waiting, strict=True
        ):
            if waiting.done():
                continue
            if not script.asks(shape) and denials.find(keys, now):
                waiting.set_result(None)
            else:
                wanted.add(keys, policies, shape, waiting)
        return wanted

    def answer(self, reply: bytes, sent_at: float) -> None:
        """Give each the reply, where its own part begins, and when the question was sent."""
        start = 0
        for keys, waiting in zip(self.keys, self.waiting, strict=True):
            if not waiting.done():
                waiting.set_result((reply, start, sent_at))
            start += script.reply_bytes(len(keys))

    def give_up(self) -> None:
        """Give None to whoever still waits."""
        for waiting in self.waiting:
            if not waiting.done():
                waiting.set_result(None)
