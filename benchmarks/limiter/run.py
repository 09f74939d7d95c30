"""`make bench-limiter`: speed and cost of each shape of an application, beside the best library.

The exit status is 1 if a bound is missed.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median
from typing import Any

from benchmarks.limiter import THREADED
from benchmarks.limiter.server import MeasuredError, Server, Worker, cpu_of, server, show, workers
from emulator.engines import processor

OURS = "ours"
LIBRARIES = ("limits moving", "limits counter", "throttled-py")
# Those whose headers are right: what remains of each limit, and when there is more. throttled-py's
# say that a window ends in its whole length, whenever it began.
TRUTHFUL = ("limits moving", "limits counter")
WARM_SECONDS = 0.2
SCENARIOS = {"one": "one limit", "both": "user and IP", "headers": "user, IP and headers"}


FULL: dict[str, Any] = {"rounds": 7, "seconds": 1.2, "libraries": LIBRARIES}
# For a test: it checks that all is measured, not how fast this machine is at the moment.
SHORT: dict[str, Any] = {"rounds": 1, "seconds": 0.2, "libraries": TRUTHFUL[:1]}


@dataclass(frozen=True)
class Shape:
    """So many callers in each of so many processes.

    `rate`, `cpu` and `server_cpu` are how many times the best library's throughput is wanted at
    least, and how many times less client and Redis CPU per decision than the cheapest's; `p99` is
    the most of the quickest library's. Without a bound the figure is only stated.
    """

    callers: int
    scenario: str
    rate: float | None = None
    cpu: float | None = None
    server_cpu: float | None = None
    p99: float | None = None
    threads: bool = False
    processes: int = 1

    @property
    def title(self) -> str:
        """How the tables call it."""
        many = f"{self.callers} {'thread' if self.threads else 'task'}{'s' * (self.callers > 1)}"
        where = f"{self.processes} processes of " if self.processes > 1 else ""
        return f"{where}{many}: {SCENARIOS[self.scenario]}"


SHAPES = (
    (
        Shape(100, "one", rate=7.0),
        Shape(100, "both", rate=10.0, p99=0.1),
        Shape(100, "headers", rate=25.0, cpu=40.0, p99=0.1),
    ),
    # By throughput, the client's CPU and Redis'. Redis executes as much for one decision as for one
    # of limits' counter, and callers save it only what they share: eight callers share five, hence
    # its lower bounds. With 32 the gain in throughput was 4.0 and 7.0 times, in the client's CPU
    # 5.7 and 9.9, in Redis' 5.6 and 6.5 (two cores, another program on them at low priority).
    (
        Shape(1, "one", 1.0, 1.0, 1.0, threads=True),
        Shape(1, "both", 1.8, 1.8, 1.8, threads=True),
        Shape(8, "one", 2.5, 2.5, 2.5, threads=True),
        Shape(8, "both", 4.5, 5.0, 4.0, threads=True),
        Shape(32, "one", 3.5, 4.0, 4.0, threads=True),
        Shape(32, "both", 6.0, 8.0, 6.0, threads=True),
    ),
    (Shape(1, "one", processes=4), Shape(1, "headers", processes=4)),
)

NAMES = {
    "rate": "throughput, to",
    "cpu": "less client CPU than",
    "server_cpu": "less Redis CPU than",
    "p99": "p99, of that of",
}
# By candidate, one measurement per round: each of NAMES, and the share of answers that were given
# without Redis (`unmeasured`). Times are in seconds, the CPU's for one decision.
Speeds = dict[str, list[dict[str, float]]]


@dataclass(frozen=True)
class Figure:
    """A ratio, or per cent; without a bound it is only stated."""

    name: str
    value: float
    bound: float | None = None
    at_most: bool = False

    @property
    def missed(self) -> bool:
        """Whether the bound was not kept; a value that is no number keeps none."""
        if self.bound is None:
            return False
        return not (self.value <= self.bound if self.at_most else self.value >= self.bound)

    @property
    def line(self) -> str:
        """Name, bound, what was measured, and the outcome."""
        bound = outcome = ""
        if self.bound is not None:
            bound = f"{'<=' if self.at_most else '>='} {self.bound:.4g}"
            outcome = "MISSED" if self.missed else "pass"
        return f"{self.name:<70} {bound:>9} {self.value:9.4g}  {outcome}".rstrip()


def run(rounds: int, seconds: float, libraries: Sequence[str]) -> list[Figure]:
    """All figures, printed too; ``seconds`` are of one measurement. Raises MeasuredError."""
    began, found = time.monotonic(), list[Figure]()
    lines = [f"{'':45} {'':15} {'a second':>9} {'client CPU':>11} {'Redis CPU':>10} {'p99':>11}"]
    with server() as node:
        for shapes in SHAPES:
            measured = _measure_all(shapes, node, rounds, seconds, libraries)
            for shape, speeds in measured.items():
                found += _compared(shape, speeds)
                lines += [_line(shape, name, each) for name, each in speeds.items()]
        about = f"Redis {node.version} over TLS with AUTH, one node"
    show("")
    load = f"load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
    print(f"{os.cpu_count()} cores ({processor()}), {load}, {about}", "", *lines, "", sep="\n")
    print(f"{'figure':<70} {'bound':>9} {'measured':>9}", *(one.line for one in found), sep="\n")
    missed = sum(one.missed for one in found)
    print(f"\n{missed or 'no'} bound{'s' * (missed != 1)} missed, {time.monotonic() - began:.0f} s")
    return found


def _measure_all(
    shapes: Sequence[Shape], node: Server, rounds: int, seconds: float, libraries: Sequence[str]
) -> dict[Shape, Speeds]:
    """The candidates take turns, so that a busy moment of the machine affects them all."""
    names, many = [*libraries, OURS], shapes[0].processes
    behind = THREADED if shapes[0].threads else ""
    found: dict[Shape, Speeds] = {
        shape: {
            name: [] for name in names if shape.scenario != "headers" or name in (*TRUTHFUL, OURS)
        }
        for shape in shapes
    }
    with workers([name + behind for name in names for _ in range(many)], node) as made:
        for number, (shape, speeds) in product(range(rounds), found.items()):
            for name in speeds:
                show(f"round {number + 1} of {rounds}: {shape.title}, {name}")
                some = [worker for worker in made if worker.name == name + behind]
                node.empty()
                _ask(some, shape, WARM_SECONDS)
                before = cpu_of(node.process)
                results = _ask(some, shape, seconds)
                speeds[name].append(_speed(name, results, cpu_of(node.process) - before))
    return found


def _ask(some: Sequence[Worker], shape: Shape, seconds: float) -> list[dict[str, Any]]:
    for worker in some:
        worker.start("closed", scenario=shape.scenario, seconds=seconds, callers=shape.callers)
    return [worker.finish() for worker in some]


def _speed(name: str, results: Sequence[Mapping[str, float]], spent: float) -> dict[str, float]:
    """What processes that ran together have measured. Raises MeasuredError."""
    if denied := sum(result["denied"] for result in results):
        raise MeasuredError(f"{name} denied {denied} requests that no limit forbids")
    count = sum(result["decisions"] for result in results)
    return {
        "rate": count / max(result["seconds"] for result in results),
        "cpu": sum(result["cpu"] for result in results) / count,
        "server_cpu": spent / count,
        "p99": max(result["p99"] for result in results),
        "unmeasured": sum(result["unmeasured"] for result in results) / count,
    }


def _compared(shape: Shape, speeds: Speeds) -> list[Figure]:
    found, rivals = [], [name for name in speeds if name != OURS]
    for name, words in NAMES.items():
        better = 1 if name == "rate" else -1
        best = max(rivals, key=lambda one: better * median(speed[name] for speed in speeds[one]))
        pairs = zip(speeds[OURS], speeds[best], strict=True)
        ratio = median(ours[name] / other[name] for ours, other in pairs)
        at_most = name == "p99"
        value = ratio if at_most or better > 0 else 1 / ratio
        title = f"{shape.title}: {words} {best}"
        found.append(Figure(title, value, getattr(shape, name), at_most))
    # Answers without Redis cost nothing: with many of them the other figures would be flattered.
    share = 100 * median(one["unmeasured"] for one in speeds[OURS])
    return [*found, Figure(f"{shape.title}: % of answers without Redis", share, 1.0, at_most=True)]


def _line(shape: Shape, name: str, speeds: Sequence[Mapping[str, float]]) -> str:
    rate, cpu, server_cpu, p99 = (median(speed[each] for speed in speeds) for each in NAMES)
    return (
        f"{shape.title:45} {name:15} {rate:9.0f} {cpu * 1e6:8.1f} us {server_cpu * 1e6:7.1f} us "
        f"{p99 * 1e3:8.1f} ms"
    )


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limiter.run", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few seconds, to see that it works")
    try:
        figures = run(**(SHORT if parser.parse_args().short else FULL))
    except MeasuredError as problem:
        print(f"\nbench-limiter: {problem}", file=sys.stderr)
        return 1
    return int(any(one.missed for one in figures))


if __name__ == "__main__":
    sys.exit(main())
