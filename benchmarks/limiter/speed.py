"""Speed and cost of each shape of an application, compared with the best of the libraries."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.limiter.figure import OURS, Figure, Form
from benchmarks.limiter.server import Server
from benchmarks.limiter.worker import Limit, MeasuredError, Worker, workers

TASKS = 100
WARM_SECONDS = 0.2
SCENARIOS = {"one": "one limit", "both": "user and IP", "headers": "user, IP and headers"}
THREADED = " in threads"
_LIMIT = Limit()
_TOLERANCE = 0.3  # seconds


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
    kind: str = "closed"  # or "threads"
    processes: int = 1

    @property
    def title(self) -> str:
        """How the tables call it."""
        what = "thread" if self.kind == "threads" else "task"
        many = f"{self.callers} {what}{'s' * (self.callers > 1)}"
        where = f"{self.processes} processes of " if self.processes > 1 else ""
        return f"{where}{many}: {SCENARIOS[self.scenario]}"


TOGETHER = (
    Shape(TASKS, "one", rate=7.0),
    Shape(TASKS, "both", rate=10.0, p99=0.1),
    Shape(TASKS, "headers", rate=25.0, cpu=40.0, p99=0.1),
)
# With many threads a decision costs 5 us of Python and some 30 of three or four changes of thread,
# which no batch saves: hence the lower bounds of the client's CPU.
THREADS = (
    Shape(1, "one", 1.0, 1.0, 1.0, kind="threads"),
    Shape(1, "both", 1.8, 1.8, 1.5, kind="threads"),
    Shape(8, "one", 2.5, 2.0, 1.8, kind="threads"),
    Shape(8, "both", 5.0, 2.5, 2.0, kind="threads"),
    Shape(32, "one", 4.0, 2.8, 2.8, kind="threads"),
    Shape(32, "both", 8.0, 5.0, 3.5, kind="threads"),
)
PROCESSES = (Shape(1, "one", processes=4), Shape(1, "headers", processes=4))


@dataclass(frozen=True)
class Speed:
    """One measurement; times in seconds, the CPU ones for one decision."""

    rate: float  # decisions a second
    cpu: float
    server_cpu: float
    p99: float
    unmeasured: float  # share of answers that were given without Redis


Speeds = dict[str, list[Speed]]  # by candidate, a measurement a round
Of = Callable[[Speed], float]  # the higher, the better
_MEASURES: dict[str, Of] = {
    "rate": lambda speed: speed.rate,
    "cpu": lambda speed: 1 / speed.cpu,
    "server_cpu": lambda speed: 1 / speed.server_cpu,
    "p99": lambda speed: 1 / speed.p99,
}
_NAMES = {
    "rate": "throughput, to",
    "cpu": "less client CPU than",
    "server_cpu": "less Redis CPU than",
    "p99": "p99, of that of",
}


def figures(
    server: Server, form: Form, progress: Callable[[str], None]
) -> tuple[list[Figure], list[str]]:
    """Ours against its bounds in each shape, and the lines of the table of all candidates."""
    found: list[Figure] = []
    lines = [f"{'':45} {'':15} {'a second':>9} {'client CPU':>11} {'Redis CPU':>10} {'p99':>11}"]
    for shapes in (TOGETHER, THREADS, PROCESSES):
        names = [*form.libraries, OURS]
        behind = THREADED if shapes is THREADS else ""
        many = shapes[0].processes
        spawned = [name + behind for name in names for _ in range(many)]
        with workers(spawned, server, _LIMIT, in_turn=many > 1) as made:
            by_name = {
                name: [worker for worker in made if worker.name == name + behind] for name in names
            }
            if shapes is TOGETHER:
                progress("which libraries tell the headers the truth")
                truthful = _truthful(by_name, server, form.libraries)
            for shape, speeds in _measure_all(shapes, by_name, server, form, progress).items():
                rivals = truthful if shape.scenario == "headers" else form.libraries
                found += _compared(shape, speeds, rivals)
                lines += [_line(shape, name, each) for name, each in speeds.items()]
    return found, lines


def _measure_all(
    shapes: Sequence[Shape],
    by_name: Mapping[str, Sequence[Worker]],
    server: Server,
    form: Form,
    progress: Callable[[str], None],
) -> dict[Shape, Speeds]:
    """The candidates take turns, so that a busy moment of the machine is nobody's alone."""
    found: dict[Shape, Speeds] = {shape: {name: [] for name in by_name} for shape in shapes}
    for number in range(1, form.rounds + 1):
        for shape, speeds in found.items():
            for name, some in by_name.items():
                progress(f"round {number} of {form.rounds}: {shape.title}, {name}")
                server.empty()
                _ask(some, shape, WARM_SECONDS)
                before = server.cpu()
                results = _ask(some, shape, form.seconds)
                speeds[name].append(_speed(name, results, server.cpu() - before))
    return found


def _ask(some: Sequence[Worker], shape: Shape, seconds: float) -> list[dict[str, Any]]:
    for worker in some:
        worker.start(shape.kind, scenario=shape.scenario, seconds=seconds, callers=shape.callers)
    return [worker.finish() for worker in some]


def _speed(name: str, results: Sequence[Mapping[str, float]], server_cpu: float) -> Speed:
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
        p99=max(result["p99"] for result in results),
        unmeasured=sum(result["unmeasured"] for result in results) / count,
    )


def _compared(shape: Shape, speeds: Speeds, rivals: Sequence[str]) -> list[Figure]:
    found = []
    for name, of in _MEASURES.items():
        best = max(rivals, key=lambda rival: median(map(of, speeds[rival])))
        pairs = zip(speeds[OURS], speeds[best], strict=True)
        value = median(of(ours) / of(other) for ours, other in pairs)
        title, bound = f"{shape.title}: {_NAMES[name]} {best}", getattr(shape, name)
        if name == "p99":
            found.append(Figure(title, 1 / value, "x", at_most=bound))
        else:
            found.append(Figure(title, value, "x", at_least=bound))
    # Answers without Redis cost nothing: with many of them the other figures would be flattered.
    share = 100 * median(one.unmeasured for one in speeds[OURS])
    return [*found, Figure(f"{shape.title}: answers without Redis", share, " %", at_most=1.0)]


def _line(shape: Shape, name: str, speeds: Sequence[Speed]) -> str:
    rate, cpu, server_cpu, p99 = (
        median(getattr(one, each) for one in speeds)
        for each in ("rate", "cpu", "server_cpu", "p99")
    )
    return (
        f"{shape.title:45} {name:15} {rate:9.0f} {cpu * 1e6:8.1f} us {server_cpu * 1e6:7.1f} us "
        f"{p99 * 1e3:8.1f} ms"
    )


def _truthful(
    by_name: Mapping[str, Sequence[Worker]], server: Server, libraries: Sequence[str]
) -> list[str]:
    """Those whose remaining and reset are right after two requests a second apart."""
    server.empty()
    first = {name: _told(by_name[name][0]) for name in libraries}
    time.sleep(1.0)
    truthful = []
    for name, (sent, received, _) in first.items():
        again, last, told = _told(by_name[name][0])
        # The first request was counted somewhere between its sending and its answer.
        least, most = (_LIMIT.seconds - apart for apart in (last - sent, again - received))
        if all(
            remaining == _LIMIT.requests - 2 and least - _TOLERANCE < reset < most + _TOLERANCE
            for remaining, reset in told
        ):
            truthful.append(name)
    return truthful


def _told(worker: Worker) -> tuple[float, float, Any]:
    """When it was asked and when it had answered, and what the headers would say."""
    sent = time.monotonic()
    told = worker.ask("tell", user=worker.name, ip=worker.name)
    return sent, time.monotonic(), told
