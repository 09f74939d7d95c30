"""The figures of speed and cost beside the best of the libraries."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import mean
from typing import Any

from benchmarks.limiter import rounds
from benchmarks.limiter.figure import Figure
from benchmarks.limiter.form import OURS, Form
from benchmarks.limiter.rounds import SCENARIOS, Speed, Speeds
from benchmarks.limiter.server import Server
from benchmarks.limiter.worker import Limit, Worker

# Scenario -> at least so many times the throughput of the best library.
THROUGHPUT = {"one": 7.0, "both": 10.0, "headers": 25.0}
CLIENT_CPU = 40.0  # times less than the cheapest library, with what the headers need
P99 = 0.1  # of the quickest library's
UNMEASURED = 1.0  # per cent

_LIMIT = Limit()
_TOLERANCE = 0.3  # seconds


def figures(
    made: Sequence[Worker], server: Server, form: Form, progress: Callable[[str], None]
) -> tuple[list[Figure], str]:
    """The figures, and the table that they come from."""
    progress("which libraries tell the headers the truth")
    truthful = _truthful(made, server, form.libraries)
    found = rounds.measure(made, server, form, progress)
    told: list[Figure] = []
    for scenario, speeds in found.items():
        rivals = truthful if scenario == "headers" else list(form.libraries)
        told += _scenario(scenario, speeds, rivals)
    left_out = [name for name in form.libraries if name not in truthful]
    told += [_beside(name, found["headers"]) for name in left_out]
    told.append(_without_redis(found))
    return told, rounds.table(found)


def _scenario(scenario: str, speeds: Speeds, rivals: Sequence[str]) -> list[Figure]:
    ours, title = speeds[OURS], SCENARIOS[scenario]
    quick = rounds.best(speeds, rivals, _rate)
    cheap = rounds.best(speeds, rivals, lambda speed: -speed.cpu)
    prompt = rounds.best(speeds, rivals, lambda speed: -speed.p99)
    return [
        Figure(
            f"{title}: throughput, to {quick}",
            rounds.ratio(ours, speeds[quick], _rate),
            "x",
            at_least=THROUGHPUT[scenario],
        ),
        Figure(
            f"{title}: less client CPU than {cheap}",
            1 / rounds.ratio(ours, speeds[cheap], lambda speed: speed.cpu),
            "x",
            at_least=CLIENT_CPU if scenario == "headers" else None,
        ),
        Figure(
            f"{title}: less Redis CPU than the least",
            min(_less_server_cpu(ours, speeds[name]) for name in rivals),
            "x",
        ),
        Figure(
            f"{title}: p99 of {rounds.TASKS} tasks, to {prompt}",
            rounds.ratio(ours, speeds[prompt], lambda speed: speed.p99),
            "x",
            at_most=None if scenario == "one" else P99,
        ),
    ]


def _beside(name: str, speeds: Speeds) -> Figure:
    return Figure(
        f"beside {name}, whose reset is not the time until more",
        rounds.ratio(speeds[OURS], speeds[name], _rate),
        "x",
    )


def _without_redis(found: dict[str, Speeds]) -> Figure:
    # They cost nothing: with many of them the other figures would be flattered.
    shares = [one.unmeasured for speeds in found.values() for one in speeds[OURS]]
    return Figure("ours: answers without Redis", 100 * mean(shares), " %", at_most=UNMEASURED)


def _rate(speed: Speed) -> float:
    return speed.rate


def _less_server_cpu(ours: Sequence[Speed], other: Sequence[Speed]) -> float:
    return 1 / rounds.ratio(ours, other, lambda speed: speed.server_cpu)


def _truthful(made: Sequence[Worker], server: Server, names: Sequence[str]) -> list[str]:
    """Those whose remaining and reset are right after two requests a second apart."""
    server.empty()
    asked = [worker for worker in made if worker.name in names]
    first = {worker.name: _told(worker) for worker in asked}
    time.sleep(1.0)
    truthful = []
    for worker in asked:
        (sent, received, _), (again, last, told) = first[worker.name], _told(worker)
        # The first request was counted somewhere between its sending and its answer.
        least, most = (_LIMIT.seconds - apart for apart in (last - sent, again - received))
        if all(
            remaining == _LIMIT.requests - 2 and least - _TOLERANCE < reset < most + _TOLERANCE
            for remaining, reset in told
        ):
            truthful.append(worker.name)
    return truthful


def _told(worker: Worker) -> tuple[float, float, Any]:
    """When it was asked and when it had answered, and what the headers would say."""
    sent = time.monotonic()
    told = worker.ask("tell", user=worker.name, ip=worker.name)
    return sent, time.monotonic(), told
