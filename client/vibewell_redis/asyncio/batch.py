"""Decisions that travel together: what one command asks, and who waits for which part of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from vibewell_redis import script
from vibewell_redis.denials import Denials

# The decision's part of the script's reply, or None when there is no answer.
Waiting = asyncio.Future[bytes | None]

# Keys, policies, shape and who waits: a plain tuple, since one is made for each decision.
Asked = tuple[Sequence[bytes], bytes, int, Waiting]


class Batch(list[Asked]):
    """Decisions in the order in which they came."""

    def still_waiting(self) -> list[Waiting]:
        """Those who have no answer and have not gone."""
        return [waiting for _, _, _, waiting in self if not waiting.done()]

    def still_wanted(self, denials: Denials, now: float) -> Batch:
        """What is still to be asked: nobody waits for the rest, or its answer is known by now.

        Whoever waits for what is known gets None.
        """
        if not denials and len(self.still_waiting()) == len(self):
            return self
        wanted = Batch()
        for asked in self:
            keys, _, shape, waiting = asked
            if waiting.done():
                continue
            if not script.asks(shape) and denials.find(keys, now):
                waiting.set_result(None)
            else:
                wanted.append(asked)
        return wanted

    def answer(self, reply: bytes) -> None:
        """Give each its part of the reply."""
        start = 0
        for keys, _, _, waiting in self:
            end = start + 1 + script.KEY_BYTES * len(keys)
            if not waiting.done():
                waiting.set_result(reply[start:end])
            start = end

    def give_up(self) -> None:
        """Give None to whoever still waits."""
        for waiting in self.still_waiting():
            waiting.set_result(None)
