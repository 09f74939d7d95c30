"""The figures for threads, and for several processes of one task: where most applications are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.limiter.figure import Figure
from benchmarks.limiter.form import OURS, Form
from benchmarks.limiter.rounds import SCENARIOS, WARM_SECONDS, Speed, ratio, speed_of
from benchmarks.limiter.server import Server
from benchmarks.limiter.worker import Limit, Worker, workers

THREADED = " in threads"
# Threads -> scenario -> at least so many times the best library's throughput, and so many times
# less client CPU and Redis CPU than the cheapest. With many threads a decision costs 5 us of Python
# and some 30 of three or four changes of thread, which no batch saves: hence the client CPU.
BOUNDS = {
    1: {"one": (1.0, 1.0, 1.0), "both": (1.8, 1.8, 1.5)},
    8: {"one": (2.5, 2.0, 1.8), "both": (5.0, 2.5, 2.0)},
    32: {"one": (4.0, 2.8, 2.8), "both": (8.0, 5.0, 3.5)},
}
PROCESSES = 4


def figures(
    server: Server, form: Form, progress: Callable[[str], None]
) -> tuple[list[Figure], str]:
    """The figures of threads, and the table that they come from."""
    libraries = [name + THREADED for name in _rivals(form)]
    with workers([*libraries, OURS + THREADED], server, Limit()) as made:
        told, lines = [], []
        for threads, scenarios in BOUNDS.items():
            for scenario, bounds in scenarios.items():
                title = f"{threads} thread{'s' * (threads > 1)}: {SCENARIOS[scenario]}"
                found: dict[str, list[Speed]] = {worker.name: [] for worker in made}
                for number in range(form.thread_rounds):
                    for worker in made:
                        progress(
                            f"round {number + 1} of {form.thread_rounds}: {title}, {worker.name}"
                        )
                        found[worker.name].append(
                            _measure([worker], server, "threads", scenario, threads, form)
                        )
                told += _compared(title, found, libraries, OURS + THREADED, bounds)
                lines += [_line(title, name, speeds) for name, speeds in found.items()]
    return told, "\n".join(lines)


def processes(
    server: Server, form: Form, progress: Callable[[str], None]
) -> tuple[list[Figure], str]:
    """Several processes of one task each."""
    told, lines = [], []
    rivals = _rivals(form)
    names = [*rivals, OURS]
    with workers(
        [name for name in names for _ in range(PROCESSES)], server, Limit(), in_turn=True
    ) as made:
        for scenario in ("one", "headers"):
            title = f"{PROCESSES} processes of 1 task: {SCENARIOS[scenario]}"
            found: dict[str, list[Speed]] = {name: [] for name in names}
            for number in range(form.thread_rounds):
                for name in names:
                    progress(f"round {number + 1} of {form.thread_rounds}: {title}, {name}")
                    four = [worker for worker in made if worker.name == name]
                    found[name].append(_measure(four, server, "closed", scenario, 1, form))
            told += _compared(title, found, rivals, OURS, (None, None, None))
            lines += [_line(title, name, speeds) for name, speeds in found.items()]
    return told, "\n".join(lines)


def _rivals(form: Form) -> list[str]:
    """Not the one that lets one thread at a time wait for Redis."""
    return [name for name in form.libraries if name != "pyrate-limiter"]


def _compared(
    title: str,
    found: dict[str, list[Speed]],
    libraries: Sequence[str],
    ours: str,
    bounds: tuple[float | None, ...],
) -> list[Figure]:
    told = []
    measures: list[tuple[str, Callable[[Speed], float]]] = [
        ("throughput", lambda speed: speed.rate),
        ("less client CPU", lambda speed: 1 / speed.cpu),
        ("less Redis CPU", lambda speed: 1 / speed.server_cpu),
    ]
    for (what, of), bound in zip(measures, bounds, strict=True):
        best = max(libraries, key=lambda name: median(map(of, found[name])))
        value = ratio(found[ours], found[best], of)
        told.append(Figure(f"{title}: {what}, to {best.removesuffix(THREADED)}", value, "x", bound))
    return told


def _measure(
    some: Sequence[Worker], server: Server, command: str, scenario: str, tasks: int, form: Form
) -> Speed:
    server.empty()

    def ask(seconds: float) -> list[dict[str, float]]:
        for worker in some:
            worker.start(command, scenario=scenario, seconds=seconds, tasks=tasks)
        return [worker.finish() for worker in some]

    ask(WARM_SECONDS)
    before = server.work()
    results = ask(form.thread_seconds)
    return speed_of(some[0].name, results, server.work().cpu - before.cpu)


def _line(title: str, name: str, speeds: Sequence[Speed]) -> str:
    rate, cpu, server_cpu = (
        median(values)
        for values in zip(*((s.rate, s.cpu, s.server_cpu) for s in speeds), strict=True)
    )
    name = name.removesuffix(THREADED)
    return f"{title:45} {name:16} {rate:9.0f}/s {cpu * 1e6:8.1f} us {server_cpu * 1e6:7.1f} us"
