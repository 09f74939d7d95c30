"""Decisions that wait together travel together."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import partial

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, NoScriptError, ReadOnlyError, RedisError

from vibewell_redis import memory, script
from vibewell_redis.asyncio.pool import FairConnectionPool
from vibewell_redis.deciding import DEADLINE, LONGEST_START, Breaker, checked_deadline, log
from vibewell_redis.decision import WindowStats
from vibewell_redis.limits import MOST_REQUESTS

# Commands on their way at a time, and decisions in one of them. Redis decides in one thread and so
# does an event loop: what waits goes in two halves, so that each works on one while the other works
# on the other. More commands cost more and gain nothing, and neither does a half below the least.
MOST_COMMANDS = 2
LEAST_DECISIONS, MOST_DECISIONS = 32, 128
# A decision that joins a batch is due with it: only so much of a deadline may have passed by then.
JOINS = 0.125


# The decision's part of the script's reply; the windows that have become known as full before it
# was sent; or None when there is no answer.
Answer = bytes | tuple[WindowStats, ...] | None
Waiting = asyncio.Future[Answer]


class Batch:
    """Decisions in the order in which they came, laid out as the script takes them.

    ``shapes`` and ``waiting`` have an item a decision, ``policies`` an item too, and ``keys`` as
    many as each shape says. No object is made for a decision: a hundred that wait would set off
    Python's garbage collector each time. ``due`` is when those who still wait are late, in seconds
    of the event loop's clock. A batch that ``is_over`` was given up: no decision may join it.
    ``counted`` has an item when the failure of the batch, or of the other half, has been counted.
    ``timer`` ends the wait.
    """

    __slots__ = ("counted", "due", "is_over", "keys", "policies", "shapes", "timer", "waiting")

    def __init__(self, due: float) -> None:
        self.due = due
        self.is_over = False
        self.counted: list[bool] = []
        self.timer: asyncio.Handle | None = None
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

    def keep_wanted(self, denials: memory.Denials, now: float) -> None:
        """Leave out what no task waits for, and give what is known by now to those that wait."""
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
        """Give None to all that still wait; the batch is over."""
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
        # that no task reads would go through the garbage collector's hands.
        self.keys: list[bytes] = []
        self.policies: list[bytes] = []
        self.shapes = bytearray()
        self.waiting: list[Waiting] = []


class RedisStorage:
    """The windows that Redis keeps, asked by all tasks of one event loop.

    Decisions that wait go in two halves at most, a command each: a hundred waiting tasks cost two
    round trips, which are under way at once. ``deadline`` is how long a decision waits, in seconds;
    one that joins others waits up to an eighth less. ``trial_key`` is what Redis is tried with when
    it was away. ``counts`` says what has happened: commands, decisions, late, opened, and errors by
    their name.
    """

    def __init__(
        self,
        pool: FairConnectionPool,
        *,
        trial_key: bytes,
        deadline: float = DEADLINE,
        owns_pool: bool = False,
    ) -> None:
        """``owns_pool`` says that nothing else uses the pool: it is closed with this."""
        self.counts: Counter[str] = Counter()
        self.denials = memory.Denials()
        self._pool = pool
        self.owns_pool = owns_pool
        self._home = pool.address
        self._sending = script.Sending()
        self._trial_key = trial_key
        self.loop = asyncio.get_running_loop()
        self.deadline = checked_deadline(deadline)
        self._breaker = Breaker()
        # What waits to be sent; decisions join the last one.
        self._batches: deque[Batch] = deque()
        self._commands: set[asyncio.Task[None]] = set()
        self._trial: asyncio.Task[None] | None = None
        self._is_scheduled = False

    @property
    def is_available(self) -> bool:
        """False while Redis is taken to be away: decisions are answered None at once."""
        return not self._breaker.is_open

    def decide(self, keys: Sequence[bytes], policies: bytes, shape: int) -> Waiting | None:
        """The answer to come, or None when Redis is not asked at all.

        The answer is None when there is none in time, and the windows that are full when these have
        become known before the decision was sent.
        """
        if self._breaker.is_open:
            self._try_again()
            return None
        waiting: Waiting = self.loop.create_future()
        due = self.loop.time() + self.deadline
        batch = self._batches[-1] if self._batches else None
        if batch is None or batch.is_over or batch.due < due - self.deadline * JOINS:
            batch = Batch(due)
            self._batches.append(batch)
            self._wait_for(batch)
        batch.add(keys, policies, shape, waiting)
        if not self._is_scheduled and len(self._commands) < MOST_COMMANDS:
            self._is_scheduled = True
            self.loop.call_soon(self._send)
        return waiting

    async def answer(self, keys: Sequence[bytes], policies: bytes, shape: int) -> Answer:
        """The same, awaited."""
        waiting = self.decide(keys, policies, shape)
        return None if waiting is None else await waiting

    async def connect(self) -> None:
        """Log in and load the script, so that the first decision need not. Raises RedisError.

        It writes, however often it is called: a node that only reads does not decide.
        """
        shape = bytes([script.shape(1, asks=False)])
        await self._ask([self._trial_key], shape, script.policy(MOST_REQUESTS, 1))
        if self._breaker.is_open:
            log.info("Redis decides again")
        self._breaker.succeeded()

    async def aclose(self) -> None:
        """End what is on its way; all that wait are answered None."""
        tasks = [*self._commands, *([self._trial] if self._trial else [])]
        self._give_up()
        if self._trial is not None:
            self._trial.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.owns_pool:
            await self._pool.aclose()

    def abandon(self) -> None:
        """Let go of connections whose event loop is closed."""
        if self.owns_pool:
            self._pool.abandon()

    def _send(self) -> None:
        self._is_scheduled = False
        while len(self._commands) < MOST_COMMANDS:
            if not self._batches:
                return
            batch = self._next()
            batch.keep_wanted(self.denials, time.monotonic())
            if batch:
                command = self.loop.create_task(self._carry(batch))
                self._commands.add(command)
                command.add_done_callback(partial(self._is_back, batch))

    def _next(self) -> Batch:
        """What waits longest, shared out over the commands that are free."""
        batch = self._batches[0]
        free = MOST_COMMANDS - len(self._commands)
        size = min(max(-(-len(batch) // free), LEAST_DECISIONS), MOST_DECISIONS)
        if len(batch) <= size:
            return self._batches.popleft()
        head = batch.take(size)
        self._wait_for(head)
        return head

    def _wait_for(self, batch: Batch) -> None:
        """Give the batch up when it is due; no decision joins it later."""
        # In the next turn: answers that came while the process itself was held up are read first.
        batch.timer = self.loop.call_at(batch.due, self.loop.call_soon, self._end, batch)

    def _end(self, batch: Batch) -> None:
        waiting = len(batch.still_waiting())
        batch.give_up()
        if waiting:
            self.counts["late"] += waiting
            self._has_failed(batch, f"{waiting} decisions had no answer in time")

    async def _carry(self, batch: Batch) -> None:
        self.counts["commands"] += 1
        self.counts["decisions"] += len(batch)
        shapes, policies = bytes(batch.shapes), b"".join(batch.policies)
        reply = None
        try:
            reply = await self._ask(batch.keys, shapes, policies)
            self._breaker.succeeded()
        except (RedisError, OSError) as problem:
            self.counts[type(problem).__name__] += 1
            self._has_failed(batch, f"{type(problem).__name__}: {problem}")
        finally:
            if reply is None:
                batch.give_up()
            else:
                batch.answer(reply)

    def _is_back(self, batch: Batch, command: asyncio.Task[None]) -> None:
        batch.give_up()  # a command that is cancelled before its first step has answered none
        if batch.timer is not None:
            batch.timer.cancel()
        self._commands.discard(command)
        self._send()

    def _has_failed(self, batch: Batch, what: str) -> None:
        if batch.counted:
            return  # its other half has failed of the same
        batch.counted.append(True)
        if self._breaker.failed(self.loop.time()):
            self.counts["opened"] += 1
            log.warning("Redis is away, each tier's fallback decides: %s", what)
            self._give_up()

    def _give_up(self) -> None:
        """No task waits any longer; a connection that hangs is not used again."""
        for command in self._commands:
            command.cancel()
        while self._batches:
            self._batches.popleft().give_up()

    def _try_again(self) -> None:
        is_free = self._trial is None or self._trial.done()
        if is_free and self._breaker.trial_is_due(self.loop.time()):
            self._trial = self.loop.create_task(self._try())

    async def _try(self) -> None:
        """One trial; the next is due after a pause."""
        try:
            # The plan's time-out may be minutes: a trial that hangs must not prevent the next one.
            async with asyncio.timeout(LONGEST_START):
                await self.connect()
        except (RedisError, OSError) as problem:  # a TimeoutError is an OSError
            self.counts[type(problem).__name__] += 1

    # --- One command, whatever has happened to Redis since the last one -------------------------

    async def _ask(self, keys: Sequence[bytes], shapes: bytes, policies: bytes) -> bytes:
        """The script's reply. Raises redis.RedisError or OSError when Redis gives none.

        What another attempt can recover is sent again, once for each cause. A batch whose
        connection breaks before the reply too: it may then be counted twice, which is stricter than
        the limit and never laxer.
        """
        source = self._sending.source(time.monotonic())
        words = script.words(source, keys, shapes, policies)
        causes: set[str] = set()
        while True:
            try:
                return await self._once(words)
            except NoScriptError:
                source = self._sending.forgotten(time.monotonic())
                words = script.words(source, keys, shapes, policies)
            except (RedisError, OSError) as problem:
                cause = await self._recover(problem)
                if cause in causes:
                    raise
                causes.add(cause)

    async def _recover(self, problem: Exception) -> str:
        """Make the next attempt go elsewhere, and say why; raises what that cannot recover."""
        if isinstance(problem, RedisConnectionError | OSError):
            # In cluster mode the address at home leads to the nodes that are there now.
            self._pool.address = self._home
            return "connection"
        if isinstance(problem, MovedError):
            self._pool.address = (problem.host or self._home[0], problem.port)
            return "MOVED"
        # Redis 6.2 wraps what a script was refused into a message of its own.
        if isinstance(problem, ReadOnlyError) or "READONLY" in str(problem):
            # The primary's name leads to another node by now: look it up again.
            await self._pool.disconnect(inuse_connections=False)
            return "READONLY"
        raise problem

    async def _once(self, words: tuple[bytes | int, ...]) -> bytes:
        connection = await self._pool.get_connection()
        try:
            packed = hiredis.pack_command(words)  # type: ignore[arg-type] # its stub means any length
            connection.write(packed)
            reply: bytes = await connection.read_response(disable_decoding=True)
        finally:
            await self._pool.release(connection)
        return reply


class MemoryStorage(memory.MemoryStorage):
    """As ``vibewell_redis.memory.MemoryStorage``: for tests and laptops, not for production."""

    owns_pool = True
    deadline = DEADLINE

    def __init__(self, windows: memory.Windows) -> None:
        super().__init__(windows)
        self.loop = asyncio.get_running_loop()

    def decide(  # type: ignore[override]
        self, keys: Sequence[bytes], policies: bytes, shape: int
    ) -> Waiting:
        """The answer, which is there already."""
        waiting: Waiting = self.loop.create_future()
        waiting.set_result(super().decide(keys, policies, shape, 0.0))
        return waiting

    async def answer(self, keys: Sequence[bytes], policies: bytes, shape: int) -> Answer:  # type: ignore[override]
        """The same, awaited."""
        return await self.decide(keys, policies, shape)

    async def connect(self) -> None:  # type: ignore[override]
        """There is nothing to connect to."""

    async def aclose(self) -> None:
        """The windows stay, as those of a server would."""
