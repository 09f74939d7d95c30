"""Speed and cost: the candidates take turns, and only what one round measured is compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.limiter.form import OURS, YARDSTICKS, Form
from benchmarks.limiter.server import Server
from benchmarks.limiter.worker import MeasuredError, Worker

TASKS = 100
WARM_SECONDS = 0.2
SCENARIOS = {"one": "one limit", "both": "user and IP", "headers": "user, IP and headers"}


@dataclass(frozen=True)
class Speed:
    """One measurement; times in seconds, the CPU ones for one decision."""

    rate: float  # decisions a second
    cpu: float
    server_cpu: float
    p50: float
    p99: float
    unmeasured: float  # share of answers that were given without Redis


Speeds = dict[str, list[Speed]]  # by candidate, a measurement a round


def measure(
    workers: Sequence[Worker], server: Server, form: Form, progress: Callable[[str], None]
) -> dict[str, Speeds]:
    """All rounds of all scenarios."""
    found: dict[str, Speeds] = {scenario: {} for scenario in SCENARIOS}
    for number in range(1, form.rounds + 1):
        for scenario, speeds in found.items():
            for worker in workers:
                if worker.name in YARDSTICKS and scenario != "one":
                    continue
                progress(f"round {number} of {form.rounds}: {SCENARIOS[scenario]}, {worker.name}")
                speed = _measure(worker, server, scenario, form.seconds)
                speeds.setdefault(worker.name, []).append(speed)
    return found


def ratio(ours: Sequence[Speed], other: Sequence[Speed], of: Callable[[Speed], float]) -> float:
    """Ours to the other, the median over the rounds."""
    return median(of(one) / of(two) for one, two in zip(ours, other, strict=True))


def best(speeds: Speeds, names: Sequence[str], of: Callable[[Speed], float]) -> str:
    """The one of these candidates whose median is the highest."""
    return max(names, key=lambda name: median(map(of, speeds[name])))


def table(found: dict[str, Speeds]) -> str:
    """Medians over the rounds, a line a candidate and scenario."""
    lines = [
        f"{'':22} {'':16} {'a second':>9} {'x ours':>7} {'client CPU':>11} {'Redis CPU':>10} "
        f"{'p50':>8} {'p99':>8}"
    ]
    for scenario, speeds in found.items():
        for name, rounds in speeds.items():
            rate, cpu, server_cpu, p50, p99 = (
                median(values)
                for values in zip(
                    *((s.rate, s.cpu, s.server_cpu, s.p50, s.p99) for s in rounds), strict=True
                )
            )
            share = ratio(speeds[OURS], rounds, lambda speed: speed.rate)
            lines.append(
                f"{SCENARIOS[scenario]:22} {name:16} {rate:9.0f} {share:6.1f}x {cpu * 1e6:8.1f} us "
                f"{server_cpu * 1e6:7.1f} us {p50 * 1e3:5.1f} ms {p99 * 1e3:5.1f} ms"
            )
    return "\n".join(lines)


def _measure(worker: Worker, server: Server, scenario: str, seconds: float) -> Speed:
    server.empty()
    worker.ask("closed", scenario=scenario, seconds=WARM_SECONDS, tasks=TASKS)
    before = server.work()
    result = worker.ask("closed", scenario=scenario, seconds=seconds, tasks=TASKS)
    after = server.work()
    return speed_of(worker.name, [result], after.cpu - before.cpu)


def speed_of(name: str, results: Sequence[Mapping[str, float]], server_cpu: float) -> Speed:
    """What processes that ran together have measured. Raises MeasuredError."""
    denied = sum(result["denied"] for result in results)
    if denied:
        raise MeasuredError(
            f"{name} denied {denied} requests that no limit forbids: what was "
            "measured is not what it was meant to be"
        )
    count = sum(result["decisions"] for result in results)
    return Speed(
        rate=count / max(result["seconds"] for result in results),
        cpu=sum(result["cpu"] for result in results) / count,
        server_cpu=server_cpu / count,
        p50=max(result["p50"] for result in results),
        p99=max(result["p99"] for result in results),
        unmeasured=sum(result["unmeasured"] for result in results) / count,
    )
