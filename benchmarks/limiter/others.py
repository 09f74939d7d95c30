"""The figures that ours has alone: open arrivals, a flood on a full key, the memory of a key."""

from collections.abc import Callable, Sequence

from benchmarks.limiter.figure import Figure
from benchmarks.limiter.form import OURS, Form
from benchmarks.limiter.rounds import TASKS
from benchmarks.limiter.server import Server
from benchmarks.limiter.worker import Limit, MeasuredError, Worker, workers

RATE, P99_SECONDS = 4000, 0.010
FLOODING = 3  # processes
BYTES = 640


def arrivals(
    made: Sequence[Worker], server: Server, form: Form, progress: Callable[[str], None]
) -> list[Figure]:
    """4,000 arrivals a second in one process, and what of their latency is the load's own."""
    found: dict[str, list[float]] = {"no-op": [], OURS: []}
    for number in range(1, form.rounds + 1):
        for worker in (worker for worker in made if worker.name in found):
            progress(f"round {number} of {form.rounds}: {RATE} arrivals a second, {worker.name}")
            server.empty()
            result = worker.ask(
                "arrivals", scenario="headers", rate=RATE, seconds=form.arrival_seconds
            )
            found[worker.name].append(1000 * result["p99"])
    # What else the machine does can only add to a latency: the least of the rounds has least of it.
    of_nothing, of_ours = min(found["no-op"]), min(found[OURS])
    name = f"{RATE} arrivals a second: p99"
    return [
        Figure(name, of_ours, " ms", at_most=1000 * P99_SECONDS),
        Figure(f"{name} of a no-op", of_nothing, " ms"),
    ]


def flood(server: Server, form: Form, progress: Callable[[str], None]) -> list[Figure]:
    """What Redis sees of a flood on a full key, counted at the server."""
    progress(f"a flood from {FLOODING} processes on a full key")
    limit = Limit(requests=5, seconds=60)
    server.empty()
    with workers([OURS] * FLOODING, server, limit) as flooders:
        flooders[0].ask("fill", user="full", times=limit.requests)
        before = server.work()
        for flooder in flooders:
            flooder.ask("fill", user="full", times=1)
        results = _flood(flooders, "full", form.flood_seconds)
        known = server.work()
        flooders[0].ask("fill", user="cold", times=limit.requests)
        cold = server.work()
        _flood(flooders[1:], "cold", 0.1)
        after = server.work()
    denied = sum(result["denied"] for result in results)
    if denied != sum(result["decisions"] for result in results):
        raise MeasuredError("the flood's key was not full: there is nothing to measure")
    return [
        Figure(
            "flood on a denied key: decisions a process at Redis",
            (known.lookups - before.lookups) / FLOODING,
            at_most=1,
        ),
        Figure(
            "flood on a denied key: denials a second and process",
            denied / FLOODING / form.flood_seconds,
        ),
        Figure(
            f"flood of {TASKS} tasks before the first denial: commands",
            (after.scripts - cold.scripts) / (FLOODING - 1),
        ),
        Figure(
            f"flood of {TASKS} tasks before the first denial: decisions",
            (after.lookups - cold.lookups) / (FLOODING - 1),
        ),
    ]


def memory(made: Sequence[Worker], server: Server) -> list[Figure]:
    """Bytes of one full key of 120 requests in 60 seconds."""
    told = []
    for worker in made:
        server.empty()
        if worker.ask("fill", user="4711", times=121) == 120:
            most = BYTES if worker.name == OURS else None
            name = f"memory of a full 120/60 key: {worker.name}"
            told.append(Figure(name, server.memory(), " B", at_most=most))
    return told


def _flood(flooders: Sequence[Worker], user: str, seconds: float) -> list[dict[str, int]]:
    for flooder in flooders:
        flooder.start("flood", user=user, seconds=seconds, tasks=TASKS)
    return [flooder.finish() for flooder in flooders]
