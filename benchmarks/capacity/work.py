"""Processor time and replication of one decision, by what it decides and how it travels."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.capacity.logs import write
from benchmarks.limiter.form import OURS
from benchmarks.limiter.measured.load import crowd
from benchmarks.limiter.measured.session import USERS
from benchmarks.limiter.server import Server
from benchmarks.limiter.worker import Limit, MeasuredError, Worker, workers
from vibewell_redis import RateLimitItem

TOGETHER, ALONE = 100, 1  # tasks that ask at a time: their decisions share commands, or none does
HELD = 100  # requests of an identity in its window before the nearly full ones are asked
WARM_SECONDS = 0.15
ITEM = RateLimitItem.parse("general", "120,60")

# What is decided: the scenario of the speed trial, and how many requests each key holds before.
CASES = {
    "one limit": ("one", 0),
    "user and IP": ("headers", 0),
    "user and IP, nearly full": ("headers", HELD),
}


@dataclass(frozen=True)
class Decision:
    """Microseconds of processor time at the primary and at one replica; bytes to one replica."""

    user: float
    system: float
    replica: float
    replicated: float

    @property
    def cpu(self) -> float:
        """What EngineCPUUtilization counts: user and system time, TLS among it."""
        return self.user + self.system


def measure(
    server: Server, rounds: int, seconds: float, progress: Callable[[str], None]
) -> Mapping[tuple[str, int], Decision]:
    """By case and tasks: medians of the rounds. Raises MeasuredError."""
    found: dict[tuple[str, int], list[Decision]] = {}
    with workers([OURS], server, Limit(ITEM.requests, ITEM.seconds, deadline=30.0)) as (worker,):
        for number, (case, tasks) in itertools.product(
            range(1, rounds + 1), itertools.product(CASES, (TOGETHER, ALONE))
        ):
            progress(f"round {number} of {rounds}: {case}, {tasks} at a time")
            one = _measure(worker, server, case, tasks, seconds)
            found.setdefault((case, tasks), []).append(one)
    return {key: _medians(decisions) for key, decisions in found.items()}


def _measure(worker: Worker, server: Server, case: str, tasks: int, seconds: float) -> Decision:
    scenario, held = CASES[case]
    server.empty()
    worker.ask("closed", scenario=scenario, seconds=WARM_SECONDS, tasks=tasks)
    if held:
        _hold(worker, server, held)
    else:
        server.empty()
    before = _Figures.of(server)
    result = worker.ask("closed", scenario=scenario, seconds=seconds, tasks=tasks)
    after = _Figures.of(server)
    if result["denied"] or result["unmeasured"]:
        raise MeasuredError(
            f"{case}: {result['denied']} requests were denied and {result['unmeasured']} answered "
            "without Redis: what was measured is not what it was meant to be"
        )
    return after.since(before, int(result["decisions"]))


def _hold(worker: Worker, server: Server, held: int) -> None:
    """Every identity of the crowd has so many requests; the limiter itself must agree."""
    server.empty()
    users, addresses = zip(*sorted(set(itertools.islice(crowd(USERS), 20_000))), strict=True)
    write(server, ITEM, "user", users, held)
    write(server, ITEM, "ip", addresses, held)
    told = worker.ask("tell", user=users[0], ip=addresses[0])
    if [remaining for remaining, _ in told] != [ITEM.requests - held - 1] * 2:
        raise MeasuredError(f"the limiter reads {told} of a key that holds {held} requests")


@dataclass(frozen=True)
class _Figures:
    user: float
    system: float
    replica: float
    offset: int

    @classmethod
    def of(cls, server: Server) -> _Figures:
        cpu = server.process.info("cpu")
        replicas = [replica.info("cpu") for replica in server.replicas]
        busy = [float(one["used_cpu_user"]) + float(one["used_cpu_sys"]) for one in replicas]
        return cls(
            user=float(cpu["used_cpu_user"]),
            system=float(cpu["used_cpu_sys"]),
            replica=sum(busy) / len(busy),
            offset=int(server.process.info("replication")["master_repl_offset"]),
        )

    def since(self, before: _Figures, decisions: int) -> Decision:
        return Decision(
            user=1e6 * (self.user - before.user) / decisions,
            system=1e6 * (self.system - before.system) / decisions,
            replica=1e6 * (self.replica - before.replica) / decisions,
            replicated=(self.offset - before.offset) / decisions,
        )


def _medians(decisions: list[Decision]) -> Decision:
    return Decision(
        user=median(one.user for one in decisions),
        system=median(one.system for one in decisions),
        replica=median(one.replica for one in decisions),
        replicated=median(one.replicated for one in decisions),
    )
