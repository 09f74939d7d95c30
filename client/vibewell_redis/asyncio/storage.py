"""Decisions that wait together travel together."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from redis.exceptions import RedisError

from vibewell_redis import script
from vibewell_redis.asyncio.deadlines import Deadlines, Waiting
from vibewell_redis.asyncio.pool import FairConnectionPool
from vibewell_redis.asyncio.transport import Transport
from vibewell_redis.breaker import Breaker
from vibewell_redis.denials import Denials

_log = logging.getLogger("vibewell_redis")

# Decisions in one command, and commands on their way at a time.
MOST_DECISIONS, MOST_COMMANDS = 128, 4
DEADLINE = 0.05  # seconds


class _Asked(NamedTuple):
    keys: Sequence[bytes]
    policies: bytes
    shape: int
    waiting: Waiting


class RedisStorage:
    """The windows that Redis keeps, asked by all tasks of one event loop.

    All decisions that wait when a command is sent go with it, so that a hundred waiting tasks cost
    one round trip. ``deadline`` is how long a decision waits, in seconds; ``trial_key`` is what
    Redis is tried with when it was away. ``counts`` says what has happened: commands, decisions,
    late, opened, and errors by their name.
    """

    def __init__(
        self, pool: FairConnectionPool, *, trial_key: bytes, deadline: float = DEADLINE
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.denials = Denials()
        self._pool = pool
        self._transport = Transport(pool)
        self._trial_key = trial_key
        self._loop = asyncio.get_running_loop()
        self._deadlines = Deadlines(self._loop, deadline, self._are_late)
        self._breaker = Breaker()
        self._queue: list[_Asked] = []
        self._commands: set[asyncio.Task[None]] = set()
        self._trial: asyncio.Task[None] | None = None
        self._is_scheduled = False

    @property
    def is_available(self) -> bool:
        """False while Redis is taken to be away: decisions are answered None at once."""
        return not self._breaker.is_open

    def decide(self, keys: Sequence[bytes], policies: bytes, shape: int) -> Waiting | None:
        """What the script replies to this decision; None, now or later, when there is no reply.

        None comes too when one of the keys has become known as full before the decision was sent.
        """
        if self._breaker.is_open:
            self._try_again()
            return None
        waiting: Waiting = self._loop.create_future()
        self._queue.append(_Asked(keys, policies, shape, waiting))
        self._deadlines.add(waiting)
        if not self._is_scheduled and len(self._commands) < MOST_COMMANDS:
            self._is_scheduled = True
            self._loop.call_soon(self._send)
        return waiting

    async def connect(self) -> None:
        """Log in and load the script, so that the first decision need not. Raises RedisError."""
        window = script.policy(requests=1, milliseconds=1)
        await self._transport.ask([self._trial_key], bytes([script.shape(1, asks=False)]), window)
        if self._breaker.is_open:
            _log.info("Redis decides again")
        self._breaker.succeeded()

    async def aclose(self) -> None:
        """End what is on its way and close the pool; whoever waits is answered None."""
        tasks = [*self._commands, *([self._trial] if self._trial else [])]
        self._give_up()
        if self._trial is not None:
            self._trial.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._deadlines.close()
        await self._pool.aclose()

    def _send(self) -> None:
        self._is_scheduled = False
        now = self._loop.time()
        while self._queue and len(self._commands) < MOST_COMMANDS:
            batch, self._queue = self._queue[:MOST_DECISIONS], self._queue[MOST_DECISIONS:]
            wanted = [asked for asked in batch if self._is_wanted(asked, now)]
            if wanted:
                command = self._loop.create_task(self._carry(wanted))
                self._commands.add(command)
                command.add_done_callback(self._is_back)

    def _is_wanted(self, asked: _Asked, now: float) -> bool:
        """Not when whoever asked has gone: what nobody waits for must not be counted."""
        if asked.waiting.done():
            return False
        if self.denials.find(asked.keys, now):
            asked.waiting.set_result(None)
            return False
        return True

    async def _carry(self, batch: list[_Asked]) -> None:
        keys = [key for asked in batch for key in asked.keys]
        shapes = bytes([asked.shape for asked in batch])
        policies = b"".join([asked.policies for asked in batch])
        self.counts["commands"] += 1
        self.counts["decisions"] += len(batch)
        reply = None
        try:
            reply = await self._transport.ask(keys, shapes, policies)
            self._breaker.succeeded()
        except (RedisError, OSError) as problem:
            self._has_failed(problem)
        finally:
            start = 0
            for asked in batch:
                end = start + script.reply_bytes(len(asked.keys))
                if not asked.waiting.done():
                    asked.waiting.set_result(reply[start:end] if reply is not None else None)
                start = end

    def _is_back(self, command: asyncio.Task[None]) -> None:
        self._commands.discard(command)
        self._send()

    def _are_late(self, decisions: int) -> None:
        self.counts["late"] += decisions
        self._count_failure(f"{decisions} decisions had no answer in time")

    def _has_failed(self, problem: Exception) -> None:
        self.counts[type(problem).__name__] += 1
        self._count_failure(f"{type(problem).__name__}: {problem}")

    def _count_failure(self, what: str) -> None:
        if self._breaker.failed(self._loop.time()):
            self.counts["opened"] += 1
            _log.warning("Redis is away, each tier's fallback decides: %s", what)
            self._give_up()

    def _give_up(self) -> None:
        """Nobody waits any longer; a connection that hangs is not used again."""
        for command in self._commands:
            command.cancel()
        for asked in self._queue:
            if not asked.waiting.done():
                asked.waiting.set_result(None)
        self._queue.clear()

    def _try_again(self) -> None:
        if self._trial is None and self._breaker.trial_is_due(self._loop.time()):
            self._trial = self._loop.create_task(self._try())

    async def _try(self) -> None:
        """One trial, as long as the plan lets a command take; the next is due after a pause."""
        try:
            await self.connect()
        except (RedisError, OSError) as problem:
            self.counts[type(problem).__name__] += 1
        finally:
            self._trial = None
