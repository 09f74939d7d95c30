"""Clients that ask all the time, the oracle that judges them, and the lines that are deployed."""

import asyncio
import random
import secrets
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Self

from emulator.nodes.waiting import until
from exactness import Answer, judge
from rehearsal.common.deployed import application, described
from rehearsal.common.errors import RehearsalError, expect, expect_that
from rehearsal.common.rehearsal import Rehearsal, resources
from rehearsal.common.steps import deploy as deploy_stacks
from vibewell_redis import Decision, RateLimiter, Settings, Source
from vibewell_redis.asyncio import RateLimiter as AsyncRateLimiter
from vibewell_redis.keys import PREFIX

TIER = "financial"
USERS, ADDRESSES = 2, 4
LONGEST_PAUSE = 0.1  # seconds between two requests of one task or thread
# What is judged is what Redis decides; the deadline has tests of its own.
DEADLINE = 30.0
FEWEST = 2  # limits' worth of decisions of Redis on each prefix, or the window has hardly moved
_PATIENCE = 120.0  # seconds until enough has been decided


class Clients:
    """Asks as long as the context lasts; then `answers` and `sources` are what it was answered.

    The context lasts until that is enough to judge: decisions on each prefix, and a denial. Each
    prefix has a limiter for tasks and one for threads: two applications' servers, that is.
    """

    def __init__(self, settings: Settings, prefixes: Iterable[str]) -> None:
        self.answers: dict[str, list[Answer]] = {prefix: [] for prefix in prefixes}
        self.sources: dict[str, Counter[Source]] = {prefix: Counter() for prefix in self.answers}
        self._settings = settings
        self._limit = settings.tiers[TIER]
        # Those of an earlier context may still have requests in the window.
        self._name = secrets.token_hex(2)
        self._choose = random.Random(0)  # noqa: S311 - traffic, no secret
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._denied = False
        self._threads = ThreadPoolExecutor(1 + len(self.answers))
        self._running: list[Future[None]] = []

    def __enter__(self) -> Self:
        """Begin."""
        works = [lambda: asyncio.run(self._tasks())]
        works += [partial(self._thread, prefix) for prefix in self.answers]
        self._running = [self._threads.submit(work) for work in works]
        return self

    def __exit__(self, *raised: object) -> None:
        """End; what broke off a task or a thread is raised here."""
        try:
            if raised[0] is None:
                until(self._enough, _PATIENCE, "decisions on every prefix, and a denial")
        finally:
            self._over.set()
            self._threads.shutdown()
        if raised[0] is None:
            for one in self._running:
                one.result()

    def _enough(self) -> bool:
        """Whether there is enough to judge, or already a failure."""
        fallen = any(counts[Source.FALLBACK] for counts in self.sources.values())
        if fallen or any(one.done() for one in self._running):
            return True
        counts = self.sources.values()
        return self._denied and all(one[Source.REDIS] >= self._fewest for one in counts)

    @property
    def _fewest(self) -> int:
        return FEWEST * self._limit.requests

    async def _tasks(self) -> None:
        limiters = {
            prefix: AsyncRateLimiter.from_settings(self._settings, deadline=DEADLINE, prefix=prefix)
            for prefix in self.answers
        }
        async with asyncio.TaskGroup() as group:
            for prefix, limiter in limiters.items():
                group.create_task(self._task(prefix, limiter))
        for limiter in limiters.values():
            await limiter.aclose()

    async def _task(self, prefix: str, limiter: AsyncRateLimiter) -> None:
        while not self._over.is_set():
            user, ip = self._pair()
            sent = time.monotonic()
            self._note(prefix, user, ip, sent, await limiter.hit(TIER, user=user, ip=ip))
            await asyncio.sleep(self._choose.uniform(0, LONGEST_PAUSE))

    def _thread(self, prefix: str) -> None:
        limiter = RateLimiter.from_settings(self._settings, deadline=DEADLINE, prefix=prefix)
        while not self._over.wait(self._choose.uniform(0, LONGEST_PAUSE)):
            user, ip = self._pair()
            sent = time.monotonic()
            self._note(prefix, user, ip, sent, limiter.hit(TIER, user=user, ip=ip))
        limiter.close()

    def _pair(self) -> tuple[str, str]:
        user, address = self._choose.randrange(USERS), self._choose.randrange(ADDRESSES)
        return f"user-{self._name}-{user}", f"2001:db8:{self._name}::{address}"

    def _note(self, prefix: str, user: str, ip: str, sent: float, decision: Decision) -> None:
        answer = Answer((f"user {user}", f"ip {ip}"), sent, time.monotonic(), decision.allowed)
        with self._lock:
            self.sources[prefix][decision.source] += 1
            self._denied |= decision.source is Source.REDIS and not decision.allowed
            if decision.source in (Source.REDIS, Source.MEMORY):
                self.answers[prefix].append(answer)

    def exact(self, *, without_fallback: Collection[str] | None = None) -> str:
        """RehearsalError unless every decision of Redis was right; says how many there were.

        No decision may have been the fallback's on the prefixes of `without_fallback`: all, if it
        is left out.
        """
        requests, seconds = self._limit.requests, self._limit.seconds
        decided = denied = 0
        for prefix, answers in self.answers.items():
            sources = self.sources[prefix]
            fallen = sources[Source.FALLBACK]
            if fallen and (without_fallback is None or prefix in without_fallback):
                raise RehearsalError(f"{prefix}: {fallen} decisions were the fallback's")
            by_redis = sources[Source.REDIS]
            expect_that(
                by_redis >= self._fewest, f"{prefix}: Redis decided only {by_redis} requests"
            )
            verdict = judge(answers, requests, seconds)
            expect_that(
                not verdict.over_admission,
                f"{prefix}: {verdict.worst_key} was admitted {verdict.worst_limit} times in a "
                f"window that holds {requests}",
            )
            wrongly = verdict.denied_wrongly
            expect_that(not wrongly, f"{prefix}: {wrongly} requests were denied wrongly")
            decided += verdict.requests
            denied += verdict.requests - verdict.admitted
        expect_that(denied > 0, "no request was denied: no limit was reached, so none was tried")
        return f"{decided:,} decisions, {denied:,} of them denials, none wrong"


@contextmanager
def deciding(rehearsal: Rehearsal, prefixes: Iterable[str] = (PREFIX,)) -> Iterator[Clients]:
    """Clients in use with the published settings, as long as this lasts."""
    with application(rehearsal) as settings, Clients(settings, prefixes) as clients:
        yield clients


_STAYS = ("ReplicationGroupCreateTime", "ARN", "ReplicationGroupId")


def write(rehearsal: Rehearsal, line: str) -> None:
    """Put this line in the place of the one that sets its key."""
    ((key, value),) = tomllib.loads(line).items()
    rehearsal.checkout.set(f"redis.{key}", value)


def deploy(rehearsal: Rehearsal, line: str) -> None:
    """Write the line and deploy; RehearsalError if the group is another one afterwards."""
    before = described(rehearsal)
    write(rehearsal, line)
    rehearsal.cdk.synth(rehearsal.checkout.name)
    deploy_stacks(rehearsal)
    after = described(rehearsal)
    for name in _STAYS:
        expect(f"{line}: {name}", after[name], before[name])
    stayed = set(before["MemberClusters"]) <= set(after["MemberClusters"])
    expect_that(stayed, f"{line}: nodes went away: {before['MemberClusters']}")


def every_node_is_watched(rehearsal: Rehearsal) -> str:
    """RehearsalError unless the alarm on memory is on every node that there is."""
    nodes = set(described(rehearsal)["MemberClusters"])
    watched = {
        dimension["Value"]
        for alarm in resources(rehearsal, "AWS::CloudWatch::Alarm")
        if "-memory-critical" in alarm.physical_id
        for query in alarm.properties["Metrics"]
        for dimension in query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
        if dimension["Name"] == "CacheClusterId"
    }
    expect("nodes whose memory is alarmed", watched, nodes)
    return f"{len(nodes)} nodes, each alarmed"
