"""The figures of speed and cost beside the best of the libraries."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from trials.speed import rounds
from trials.speed.figure import Figure
from trials.speed.form import OURS, Form
from trials.speed.rounds import SCENARIOS, Speed, Speeds
from trials.speed.server import Server
from trials.speed.worker import Limit, Worker, workers

# Scenario -> at least so many times the throughput of the best library.
THROUGHPUT = {"one": 7.0, "both": 10.0, "headers": 25.0}
CLIENT_CPU = 40.0  # times less than the cheapest library, with what the headers need
P99 = 0.1  # of the quickest library's
UNMEASURED = 0.001

_PROBE = Limit(requests=10, seconds=2)
_TOLERANCE = 0.15  # seconds


def figures(
    made: Sequence[Worker], server: Server, form: Form, progress: Callable[[str], None]
) -> tuple[list[Figure], str]:
    """The figures, and the table that they come from."""
    progress("which libraries tell the headers the truth")
    truthful = [name for name in form.libraries if _tells_the_truth(name, server)]
    found = rounds.measure(made, server, form, progress)
    told: list[Figure] = []
    for scenario, speeds in found.items():
        rivals = truthful if scenario == "headers" else list(form.libraries)
        told += _scenario(scenario, speeds, rivals)
    left_out = [name for name in form.libraries if name not in truthful]
    told += [_beside(name, found["headers"]) for name in left_out]
    shares = [one.unmeasured for speeds in found.values() for one in speeds[OURS]]
    told.append(
        Figure("ours: answers without Redis", 100 * max(shares), " %", at_most=100 * UNMEASURED)
    )
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


def _rate(speed: Speed) -> float:
    return speed.rate


def _less_server_cpu(ours: Sequence[Speed], other: Sequence[Speed]) -> float:
    return 1 / rounds.ratio(ours, other, lambda speed: speed.server_cpu)


def _tells_the_truth(name: str, server: Server) -> bool:
    """Whether remaining and reset are right when two of ten requests came a second apart."""
    with workers([name], server, _PROBE) as (worker,):
        server.empty()
        began = time.monotonic()
        worker.ask("tell", user="truth", ip="198.51.100.1")
        time.sleep(_PROBE.seconds / 2)
        told = worker.ask("tell", user="truth", ip="198.51.100.1")
        right = _PROBE.seconds - (time.monotonic() - began)
    return [remaining for remaining, _ in told] == [_PROBE.requests - 2] * 2 and all(
        abs(reset - right) < _TOLERANCE for _, reset in told
    )


