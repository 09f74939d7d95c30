"""Both limiters against an exact model, while each step to Redis may hang, fail or be refused."""

import asyncio
import random
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, NoScriptError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from benchmarks.hangs import OwnLateness
from emulator.nodes.waiting import until
from vibewell_redis import Decision, RateLimiter, RateLimitItem, Source, script, storage
from vibewell_redis.asyncio import RateLimiter as TaskLimiter
from vibewell_redis.asyncio.storage import RedisStorage
from vibewell_redis.deciding import Breaker
from vibewell_redis.memory import Windows
from vibewell_redis.storage import LateError, ThreadStorage

DEADLINE = 0.3  # seconds
# Seconds beyond the deadline, less the caller's own lateness, that a busy machine may take. Whoever
# waits for what hangs is later by far; make bench-hangs measures the milliseconds.
LATE = 1.0
HOME, SHARD = ("home", 1), ("shard", 2)
ADDRESSES = 29
TIERS = {"tier": RateLimitItem("tier", 40, 3600)}
FAULTS = ["slow", "hang", "lost", "lost after", "NOSCRIPT", "READONLY", "MOVED", "OOM", "ended"]
ERRORS: dict[str, Callable[[], Exception]] = {
    "NOSCRIPT": lambda: NoScriptError("NOSCRIPT none"),
    "READONLY": lambda: ReadOnlyError("READONLY replica"),
    "MOVED": lambda: MovedError("1 shard:2"),
    "OOM": lambda: ResponseError("OOM command not allowed"),
}


class Ended(BaseException):
    """A caller has to end, as a greenlet or a cancelled task is."""


@dataclass
class Server:
    """The exact windows; who was answered when; and what goes wrong with which probability."""

    harm: float
    choose: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    answered: dict[int, float] = field(default_factory=dict)
    windows: Windows = field(default_factory=Windows)

    def fault(self, words: Sequence[Any]) -> str:
        """What goes wrong with this command; raises when the connection is lost."""
        if self.choose.random() > self.harm or words[3] == b"trial":
            return ""
        fault = self.choose.choice(FAULTS)
        if fault.startswith("lost"):
            if fault == "lost after":
                self.answer(words, arrives=False)
            raise RedisConnectionError(fault)
        return "" if fault == "NOSCRIPT" and words[0] == b"EVAL" else fault

    def answer(self, words: Sequence[Any], *, arrives: bool = True) -> bytes:
        """The script's reply; what remains for a user is the user's own number."""
        keys, (shapes, policies) = words[3 : 3 + words[2]], words[3 + words[2] :]
        reply, start, numbers = b"", 0, []
        for shape in shapes:
            end = start + (shape & script.KEYS)
            each = self.windows.decide(keys[start:end], policies[8 * start : 8 * end], shape)
            user = keys[start].rpartition(b":user:")[2]
            if user.isdigit():
                numbers.append(int(user))
                each = each[:1] + struct.pack(">I", int(user)) + each[5:]
            reply, start = reply + each, end
        if arrives:
            self.answered |= dict.fromkeys(numbers, time.monotonic())
        return reply


class Wire:
    """A connection of threads."""

    server: Server

    def __init__(self, connection: None, address: tuple[str, int]) -> None:
        del connection
        self.address, self.is_open, self.busy = address, True, threading.Lock()

    def ask(self, words: Sequence[Any], due: float) -> bytes:
        assert self.is_open, "a wire that was closed is used"
        assert self.busy.acquire(blocking=False), "two threads use one wire"
        try:
            fault = self.server.fault(words)
            if fault == "slow":
                time.sleep(0.02)
            elif fault == "hang":
                time.sleep(max(due - time.monotonic(), 0))
                raise LateError
            elif fault == "ended":
                raise Ended
            elif fault:
                # As hiredis makes it, with the first word in the text.
                text = f"MOVED {ERRORS[fault]()}" if fault == "MOVED" else str(ERRORS[fault]())
                raise ResponseError(text)
            return self.server.answer(words)
        finally:
            self.busy.release()

    def is_alive(self) -> bool:
        return self.is_open and self.server.choose.random() > self.server.harm / 3

    def close(self) -> None:
        self.is_open = False

    def interrupt(self) -> None:
        """Its own thread closes it."""


class Pool:
    """What of a pool the transport of tasks uses beside its connections."""

    def __init__(self) -> None:
        self.address = HOME

    async def disconnect(self, **_: object) -> None: ...

    async def aclose(self) -> None: ...


async def once(self: RedisStorage, words: Sequence[Any]) -> bytes:
    """One command of tasks, in the place of the one that a connection carries."""
    del self
    fault = Wire.server.fault(words)
    if fault == "slow":
        await asyncio.sleep(0.02)
    elif fault == "hang":
        await asyncio.sleep(10 * DEADLINE)
        raise RedisTimeoutError(fault)
    elif fault in ERRORS:
        raise ERRORS[fault]()
    return Wire.server.answer(words)


class Judge:
    """A caller's decisions, judged by what the server knows."""

    def __init__(self, server: Server) -> None:
        self.server, self.numbers = server, count(1)
        self.sources, self.admitted = Counter[Source](), Counter[str]()
        self.own = OwnLateness()
        self.times: list[tuple[float, float, float]] = []  # due, answered, ended
        self.until = time.monotonic() + 3.0

    def has_enough(self) -> bool:
        """Whether Redis has made as many decisions as the judgement needs."""
        harm, admitted = self.server.harm, sum(self.admitted.values())
        least = 100 if harm < 0.5 else 10
        return self.sources[Source.REDIS] > least and (bool(harm) or admitted == ADDRESSES * 40)

    def asks(self) -> Iterator[tuple[int, dict[str, str]]]:
        longest = self.until + 120.0  # on a busy machine
        while (now := time.monotonic()) < self.until or (now < longest and not self.has_enough()):
            number = next(self.numbers)
            yield number, {"user": str(number), "ip": f"192.0.2.{number % ADDRESSES}"}

    def hear(self, number: int, ip: str, began: float, decision: Decision) -> None:
        ended, source = time.monotonic(), decision.source
        self.sources[source] += 1
        answered = float("inf")
        if source is Source.REDIS:
            assert decision.windows[0].remaining == number, "another one's answer"
            self.admitted[ip] += decision.allowed
        else:
            assert not decision.allowed, "nobody is admitted while Redis gives no answer"
            if source is Source.FALLBACK:
                answered = self.server.answered.get(number, answered)
        if ended > (due := began + DEADLINE) or answered < due:
            self.times.append((due, answered, ended))


def judged(judge: Judge, counts: Counter[str]) -> None:
    for due, answered, ended in judge.times:
        assert ended - due - judge.own.during(due, ended) < LATE
        # No answer that came in time was replaced. Tasks that join others are due earlier.
        read = answered + judge.own.during(min(answered, ended), ended)
        assert read > due - 0.2 * DEADLINE - 0.1
    assert judge.has_enough()
    assert not judge.sources[Source.FALLBACK] or judge.server.harm
    assert max(judge.admitted.values()) <= TIERS["tier"].requests
    assert counts["decisions"] >= judge.sources[Source.REDIS]


@pytest.fixture(autouse=True)
def _helper_has_ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: ARG001
    """A limiter that is closed does not wait for its helper, which may still use what is here."""
    yield
    until(
        lambda: all(thread.name != "vibewell-redis" for thread in threading.enumerate()),
        *(60, "the helper has ended"),
    )


def by_threads(server: Server) -> None:
    def connect(address: tuple[str, int]) -> Any:
        if server.choose.random() < server.harm / 2:
            raise RedisConnectionError("refused")
        return address

    made = ThreadStorage(connect, HOME, trial_key=b"trial", deadline=DEADLINE)
    limiter, judge = RateLimiter(TIERS, lambda: made, fallback="closed"), Judge(server)
    limiter.connect()

    def work() -> None:
        for number, about in judge.asks():
            began = time.monotonic()
            try:
                judge.hear(number, about["ip"], began, limiter.hit("tier", **about))
            except Ended:
                continue

    with judge.own.watch_threads(), ThreadPoolExecutor(12) as threads:
        for one in [threads.submit(work) for _ in range(12)]:
            one.result(timeout=200)
    judged(judge, made.counts)
    limiter.close()


def by_tasks(server: Server) -> None:
    async def run() -> None:
        made = RedisStorage(Pool(), trial_key=b"trial", deadline=DEADLINE)  # type: ignore[arg-type]
        limiter, judge = TaskLimiter(TIERS, made, fallback="closed"), Judge(server)
        watch = asyncio.create_task(judge.own.watch_loop())

        async def work() -> None:
            for number, about in judge.asks():
                began = time.monotonic()
                asked = asyncio.ensure_future(limiter.hit("tier", **about))
                if server.choose.random() < server.harm / 9:  # which has to end at any step
                    asyncio.get_running_loop().call_later(server.choose.random() / 9, asked.cancel)
                await asyncio.wait([asked], timeout=20)
                if not asked.cancelled():
                    judge.hear(number, about["ip"], began, asked.result())

        await asyncio.gather(*(work() for _ in range(60)))
        watch.cancel()
        judged(judge, made.counts)
        await limiter.aclose()

    asyncio.run(run())


@pytest.mark.plan("5.5")
@pytest.mark.parametrize("harm", [0.0, 0.05, 0.3, 0.9])
@pytest.mark.parametrize("run", [by_threads, by_tasks])
def test_every_decision_is_the_models_or_the_policys_and_none_is_late(
    run: Callable[[Server], None], harm: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wire, "server", Server(harm), raising=False)
    monkeypatch.setattr(storage, "Wire", Wire)
    monkeypatch.setattr(RedisStorage, "_once", once)
    run(Wire.server)


def test_outages_of_error_replies_leave_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "Wire", Wire)
    monkeypatch.setattr(Wire, "server", Server(0.0), raising=False)
    made = ThreadStorage(lambda _: None, HOME, trial_key=b"trial", deadline=DEADLINE)  # type: ignore[arg-type, return-value]
    limiter, until = RateLimiter(TIERS, lambda: made, fallback="closed"), time.monotonic() + 60
    for episode in range(3):
        for fault in ("OOM", ""):
            answers = {True: "", False: fault}
            monkeypatch.setattr(Wire.server, "fault", lambda words: answers[words[3] == b"trial"])  # noqa: B023
            while made.is_available is bool(fault) and time.monotonic() < until:
                limiter.hit("tier", user=f"{episode}:{time.monotonic()}")
        assert (made.counts["opened"], len(made._wires)) == (episode + 1, 1)  # noqa: SLF001
    limiter.close()


def test_a_helper_that_starts_slowly_delays_no_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, started = threading.Event(), threading.Event()
    bootstrap = threading.Thread._bootstrap  # type: ignore[attr-defined] # noqa: SLF001

    def late(self: threading.Thread) -> None:
        go_on.wait(2)
        started.set()
        bootstrap(self)

    def connect(_: tuple[str, int]) -> Any:
        raise RedisConnectionError("refused")

    monkeypatch.setattr(threading.Thread, "_bootstrap", late)
    made = ThreadStorage(connect, HOME, trial_key=b"trial", deadline=0.01)
    assert made.decide([b"key"], script.policy(1, 1), 1, time.monotonic()) is None
    assert not started.is_set()
    go_on.set()
    made.close()


def test_without_a_helper_no_caller_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Any:
        raise RuntimeError("daemon threads are disabled in this (sub)interpreter")

    made = ThreadStorage(lambda _: refuse(), HOME, trial_key=b"trial", deadline=0.01)
    monkeypatch.setattr("vibewell_redis.storage.threading.Thread", refuse)
    for _ in range(2):
        assert made.decide([b"key"], script.policy(1, 1), 1, time.monotonic()) is None
    assert made.connect(60) is False


async def test_who_asks_what_was_cleared_has_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = 1.5  # so much that a busy machine does not make the first decision late

    async def slow(self: RedisStorage, words: Sequence[Any]) -> bytes:
        del self
        await asyncio.sleep(0.7 * deadline)
        cleared = words[3].endswith(b":cleared")
        return script.reply_of(1).pack(cleared, 0, 60.0)

    monkeypatch.setattr(RedisStorage, "_once", slow)
    made = RedisStorage(Pool(), trial_key=b"trial", deadline=deadline)  # type: ignore[arg-type]
    limiter = TaskLimiter(TIERS, made, fallback="closed")
    assert (await limiter.hit("tier", user="1")).source is Source.REDIS
    made.denials.ask_at = 0.0
    assert (await limiter.hit("tier", user="1")).source is Source.FALLBACK
    # A storage that was given stays the one that decides when the limiter was closed.
    await limiter.aclose()
    assert (await limiter.hit("tier", user="2")).source is Source.REDIS


async def test_a_trial_that_hangs_does_not_stop_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = most = under_way = 0

    async def hang(self: RedisStorage, words: Sequence[Any]) -> bytes:
        del self
        nonlocal trials, most, under_way
        is_trial = words[3] == b"trial"
        trials, under_way = trials + is_trial, under_way + is_trial
        most = max(most, under_way)
        try:
            await asyncio.sleep(60)
        finally:
            under_way -= is_trial
        return b""

    monkeypatch.setattr(RedisStorage, "_once", hang)
    monkeypatch.setattr("vibewell_redis.asyncio.storage.LONGEST_START", 0.05)
    monkeypatch.setattr(Breaker, "trial_is_due", lambda _, now: now > 0)
    made = RedisStorage(Pool(), trial_key=b"trial", deadline=0.02)  # type: ignore[arg-type]
    limiter = TaskLimiter(TIERS, made)
    async with asyncio.timeout(10):
        while trials < 2:
            await limiter.hit("tier", user="1")
            await asyncio.sleep(0.01)
    assert most == 1
    await limiter.aclose()
