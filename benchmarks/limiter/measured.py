"""What runs in a measured process: one candidate, and the load that is put on it.

It does what the parent writes on standard input, one JSON object a line, and answers likewise.
Each limiter is used as its own documentation says. All of the others have a pool that serves the
longest waiting task, or redis-py's for threads. redis.asyncio's BlockingConnectionPool hands a
freed connection to the next task that asks, and the task that freed it asks first: of 100 busy
tasks 20 are served and 80 starve.
"""

import asyncio
import gc
import itertools
import json
import os
import random
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import limits
import redis
import throttled
import throttled.asyncio
import uvloop
from limits.aio.storage import RedisStorage as AsyncStorage
from limits.aio.strategies import MovingWindowRateLimiter as AsyncMoving
from limits.aio.strategies import SlidingWindowCounterRateLimiter as AsyncCounter
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from redis.asyncio.connection import SSLConnection

import vibewell_redis
import vibewell_redis.asyncio
from benchmarks.limiter import THREADED, USERS, user_and_address
from vibewell_redis.settings import Settings

POOL_SIZE = 20  # §5.4, for every candidate alike
PATIENCE = 60  # seconds to connect: it is no part of the speed, on however busy a machine
TIER = "general"
NOT_REDIS = {"fallback_allowed", "fallback_denied", "disabled"}

# Remaining and seconds until more, of user and address.
WindowsLeft = Sequence[tuple[int, float]] | None


class FairPool(vibewell_redis.asyncio.FairConnectionPool):
    """Ours, for any library."""

    def __init__(self, **options: Any) -> None:
        patient = {"wait_seconds": PATIENCE, "socket_connect_timeout": PATIENCE}
        most = {"idle_seconds": 10 * PATIENCE, "max_connections": POOL_SIZE}
        super().__init__(**patient | options | most)


class Candidate:
    """A limiter for tasks. `hit` decides over one key, `windows_left` has its headers' figures."""

    def __init__(
        self,
        hit: Callable[[str], Awaitable[bool]],
        windows_left: Callable[[str], Awaitable[tuple[int, float]]] | None = None,
        pool: FairPool | None = None,
    ) -> None:
        self.hit, self.windows_left, self.pool = hit, windows_left, pool

    async def connect(self) -> None:
        """Open all connections, one after the other: each makes a TLS context of its own.

        At once they need more than redis-py's five seconds on a busy machine.
        """
        if self.pool is None:  # throttled-py makes its own
            await asyncio.gather(*(self.hit(f"warm:{number}") for number in range(2 * POOL_SIZE)))
            return
        opened = [await self.pool.get_connection() for _ in range(POOL_SIZE)]
        for connection in opened:
            await self.pool.release(connection)

    async def one(self, user: str, ip: str) -> bool:  # noqa: ARG002 - the load's signature
        """Decide over the user alone."""
        return await self.hit(f"user:{user}")

    async def both(self, user: str, ip: str) -> bool:
        """Decide over both, the second only if the first admits."""
        return await self.hit(f"user:{user}") and await self.hit(f"ip:{ip}")

    async def headers(self, user: str, ip: str) -> WindowsLeft:
        """Decide over both, and say of each what headers need; None when it is denied."""
        assert self.windows_left is not None  # noqa: S101 - each library has it
        if not await self.both(user, ip):
            return None
        return [await self.windows_left(f"user:{user}"), await self.windows_left(f"ip:{ip}")]


class Threaded:
    """A library for threads, which call `one` and `both`."""

    def __init__(self, hit: Callable[[str], Any]) -> None:
        self.hit = hit

    async def connect(self) -> None:
        """Decide once; warming up opens the other connections."""
        self.hit("warm")

    def one(self, user: str, ip: str) -> bool:  # noqa: ARG002 - the load's signature
        """Decide over the user alone."""
        return bool(self.hit(f"user:{user}"))

    def both(self, user: str, ip: str) -> bool:
        """Decide over both, the second only if the first admits."""
        return bool(self.hit(f"user:{user}") and self.hit(f"ip:{ip}"))


class Ours:
    """User and address are one decision, which says what the headers need."""

    def __init__(self, limiter: Any) -> None:
        self._limiter = limiter

    async def connect(self) -> None:
        """Log in. Raises ConnectionError if it cannot."""
        connected = self._limiter.connect()
        if not (connected if isinstance(connected, bool) else await connected):
            raise ConnectionError("the limiter cannot reach Redis")

    # Of tasks, whose answers are awaited; threads are given them at once.
    def one(self, user: str, ip: str) -> Any:  # noqa: ARG002 - the load's signature
        """Decide over the user alone."""
        return self._limiter.hit(TIER, user=user)

    def both(self, user: str, ip: str) -> Any:
        """Decide over both."""
        return self._limiter.hit(TIER, user=user, ip=ip)

    async def headers(self, user: str, ip: str) -> WindowsLeft:
        """The same, and what it says."""
        decision = await self._limiter.hit(TIER, user=user, ip=ip)
        if not decision:
            return None
        return [(window.remaining, window.reset_after) for window in decision.windows]

    def unmeasured(self) -> int:
        """Answers that were given without Redis."""
        counts = self._limiter.counts.items()
        return sum(times for (_, outcome), times in counts if outcome in NOT_REDIS)


def make(name: str, variables: Mapping[str, str], deadline: float) -> Any:
    """The candidate of this name, within a running event loop; ``deadline`` is ours in seconds.

    ``variables`` are the plan's, with SSL_CERT_FILE. Raises KeyError.
    """
    in_threads = name.endswith(THREADED)
    if name.startswith("ours"):
        os.environ["SSL_CERT_FILE"] = variables["SSL_CERT_FILE"]
        kind = (vibewell_redis.asyncio, vibewell_redis)[in_threads].RateLimiter
        return Ours(kind.from_settings(Settings.from_environment(variables), deadline=deadline))
    url, token = variables["REDIS_URL"], variables["REDIS_PASSWORD"]
    trust = {"ssl_ca_certs": variables["SSL_CERT_FILE"]}
    requests, seconds = map(int, variables["RATE_LIMIT_GENERAL"].split(","))
    item = limits.RateLimitItemPerSecond(requests, seconds)
    if name.startswith("throttled"):
        kind = (throttled.asyncio, throttled)[in_threads]
        options: dict[str, Any] = {"CONNECTION_POOL_KWARGS": trust, "PASSWORD": token}
        if not in_threads:
            options["CONNECTION_POOL_CLASS"] = f"{FairPool.__module__}.{FairPool.__name__}"
        limit = kind.Throttled(
            using=kind.RateLimiterType.SLIDING_WINDOW.value,  # the only one of its that slides
            quota=kind.per_duration(timedelta(seconds=seconds), requests),
            store=kind.RedisStore(server=url, options=options),
        ).limit
        if in_threads:
            return Threaded(lambda key: not limit(key).limited)

        async def hit(key: str) -> bool:
            return not (await limit(key)).limited

        return Candidate(hit)
    address = {"host": url.split("/")[2].split(":")[0], "port": int(url.rpartition(":")[2])}
    login: dict[str, Any] = {"password": token, **address, **trust}
    if in_threads:
        # A thread may always have a connection: no library is measured waiting for the pool.
        client = redis.Redis(ssl=True, max_connections=4 * POOL_SIZE, **login)
        storage = RedisStorage(url, connection_pool=client.connection_pool)
        moving = name.startswith("limits moving")
        strategy = (MovingWindowRateLimiter if moving else SlidingWindowCounterRateLimiter)(storage)
        return Threaded(lambda key: strategy.hit(item, key))
    of_tasks = FairPool(connection_class=SSLConnection, **login)
    async_storage = AsyncStorage(f"async+{url}", implementation="redispy", connection_pool=of_tasks)
    windows = {"limits moving": AsyncMoving, "limits counter": AsyncCounter}[name](async_storage)

    async def windows_left(key: str) -> tuple[int, float]:
        found = await windows.get_window_stats(item, key)
        return found.remaining, found.reset_time - time.time()

    return Candidate(lambda key: windows.hit(item, key), windows_left, of_tasks)


# Each user equally often, four times before the order repeats: drawn at random, some would come
# three times as often and reach their limit. Made once, before anything is measured.
PAIRS = [user_and_address(number) for number in range(USERS)] * 4
random.Random(0).shuffle(PAIRS)  # noqa: S311 - traffic, no secret


# A caller in a closed loop, which asks again as soon as it is answered. What a decision costs
# beside the limiter is the same few lines for every candidate, in a task and in a thread.
Loop = tuple[Callable[[str, str], Any], Iterator[tuple[str, str]], float, list[float], list[str]]


async def task(*loop: *Loop) -> None:
    """Ask until the end, once at least."""
    ask, pairs, end, latencies, denied = loop
    clock = time.perf_counter
    began = clock()
    while True:
        user, ip = next(pairs)
        if not await ask(user, ip):
            denied.append(user)
        ended = clock()
        latencies.append(ended - began)
        if ended >= end:
            return
        began = ended


def thread(*loop: *Loop) -> None:
    """The same."""
    ask, pairs, end, latencies, denied = loop
    clock = time.perf_counter
    began = clock()
    while True:
        user, ip = next(pairs)
        if not ask(user, ip):
            denied.append(user)
        ended = clock()
        latencies.append(ended - began)
        if ended >= end:
            return
        began = ended


class Session:
    """One candidate; every method is a command and returns what JSON can carry."""

    def __init__(self) -> None:
        self._candidate: Any = None
        self._in_threads = False

    async def open(self, candidate: str, variables: dict[str, str], deadline: float) -> None:
        """Make the candidate and let it connect."""
        self._in_threads = candidate.endswith(THREADED)
        self._candidate = make(candidate, variables, deadline)
        await self._candidate.connect()

    async def look(self, user: str, ip: str) -> list[Any]:
        """Decide once; what the headers would say of each."""
        answer = await self._candidate.headers(user, ip)
        return [] if answer is None else [list(one) for one in answer]

    async def closed(self, scenario: str, seconds: float, callers: int) -> dict[str, Any]:
        """So many tasks, or threads of a candidate for these, for which the event loop waits."""
        ask, clock = getattr(self._candidate, scenario), time.perf_counter
        # itertools.cycle keeps a copy, which the garbage collector would search.
        pairs = itertools.chain.from_iterable(itertools.repeat(PAIRS))
        latencies, denied = list[float](), list[str]()  # to which any thread may append
        # A library answers from Redis or raises.
        unmeasured = getattr(self._candidate, "unmeasured", int)
        before, cpu, start = unmeasured(), time.process_time(), clock()
        loop = ask, pairs, start + seconds, latencies, denied
        if self._in_threads:
            started = [threading.Thread(target=thread, args=loop) for _ in range(callers)]
            for one in started:
                one.start()
            for one in started:
                one.join()
        else:
            await asyncio.gather(*(task(*loop) for _ in range(callers)))
        taken, cpu = clock() - start, time.process_time() - cpu
        return {
            "denied": len(denied),
            "seconds": taken,
            "cpu": cpu,
            "decisions": len(latencies),
            "p99": sorted(latencies)[len(latencies) * 99 // 100],
            "unmeasured": unmeasured() - before,
        }


def main() -> None:
    """Until the parent closes standard input."""
    # A library that prints must not break the protocol: its words go to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        session = Session()
        # As a server does once it is set up: the libraries that stay are not searched for garbage
        # again and again, whichever is measured.
        gc.freeze()
        for line in sys.stdin:
            command: dict[str, Any] = json.loads(line)
            act = getattr(session, command.pop("do"))
            answers.write(json.dumps(runner.run(act(**command))) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
