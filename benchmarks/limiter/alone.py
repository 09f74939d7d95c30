"""The figures that ours has alone: arrivals, memory, a flood, and the verdict of an oracle.

Several processes attack the same keys, and the oracle judges what each limiter answered.
"""

import time
from collections.abc import Callable
from typing import Any

from benchmarks.limiter.figure import OURS, Figure, Form
from benchmarks.limiter.server import Server
from benchmarks.limiter.speed import TASKS
from benchmarks.limiter.worker import Limit, MeasuredError, workers
from exactness.windows import Answer, Verdict, judge

RATE, P99_MS = 4000, 10.0
BYTES = 640
PROCESSES = 3
REQUESTS, WINDOW = 60, 2  # the mathematics of a short window are those of a long one
WRONGLY = 0.05  # per cent
LEAD_SECONDS = 0.3  # so that all processes begin together

Progress = Callable[[str], None]


def figures(server: Server, form: Form, progress: Progress) -> tuple[list[Figure], list[str]]:
    """Ours against its bounds, and the table of what the oracle says of all candidates."""
    found = [*arrivals(server, form, progress), *memory(server, form)]
    found += flood(server, form, progress)
    verdicts: dict[str, Verdict] = {}
    for name in (OURS, *form.libraries):
        progress(f"attacking {name} from {PROCESSES} processes")
        verdicts[name] = attack(name, server, form.attack_seconds)
    ours = verdicts[OURS]
    found += [
        Figure("over-admission in any window", 100 * ours.over_admission, " %", at_most=0.0),
        Figure("wrongly denied", 100 * ours.denied_wrongly_share, " %", at_most=WRONGLY),
    ]
    lines = [
        f"{'':16} {'requests':>9} {'admitted':>9} {'over-admitted':>14} {'worst on':>10} "
        f"{'wrongly denied':>15} {'p99 of answers':>15}"
    ]
    lines += [
        f"{name:16} {one.requests:9} {one.admitted:9} {one.over_admission:14.0%} "
        f"{one.worst_key.split()[-1]:>10} {one.denied_wrongly_share:15.3%} "
        f"{one.uncertainty * 1000:12.1f} ms"
        for name, one in verdicts.items()
    ]
    return found, lines


def arrivals(server: Server, form: Form, progress: Progress) -> list[Figure]:
    """4,000 arrivals a second in one process, and what of their latency is the load's own."""
    found: dict[str, list[float]] = {OURS: [], "no-op": []}
    with workers(list(found), server, Limit()) as made:
        for number in range(1, form.rounds + 1):
            for worker in made:
                progress(f"round {number} of {form.rounds}: {RATE} arrivals, {worker.name}")
                server.empty()
                result = worker.ask(
                    "arrivals", scenario="headers", rate=RATE, seconds=form.arrival_seconds
                )
                found[worker.name].append(1000 * result["p99"])
    # What else the machine does can only add to a latency: the least of the rounds has least of it.
    name = f"{RATE} arrivals a second: p99"
    return [
        Figure(name, min(found[OURS]), " ms", at_most=P99_MS),
        Figure(f"{name} of a no-op", min(found["no-op"]), " ms"),
    ]


def memory(server: Server, form: Form) -> list[Figure]:
    """Bytes of one full key of 120 requests in 60 seconds."""
    found = []
    with workers([OURS, *form.libraries], server, Limit()) as made:
        for worker in made:
            server.empty()
            if worker.ask("fill", user="4711", times=121) == 120:
                most = BYTES if worker.name == OURS else None
                name = f"memory of a full 120/60 key: {worker.name}"
                found.append(Figure(name, server.memory(), " B", at_most=most))
    return found


def flood(server: Server, form: Form, progress: Progress) -> list[Figure]:
    """What Redis sees of a flood on a full key, counted at the server."""
    progress(f"a flood from {PROCESSES} processes on a full key")
    limit = Limit(requests=5, seconds=60)
    server.empty()
    with workers([OURS] * PROCESSES, server, limit) as flooders:

        def flooded(first: int, user: str, seconds: float) -> list[dict[str, int]]:
            for flooder in flooders[first:]:
                flooder.start("flood", user=user, seconds=seconds, callers=TASKS)
            return [flooder.finish() for flooder in flooders[first:]]

        flooders[0].ask("fill", user="full", times=limit.requests)
        before = server.work()
        for flooder in flooders:
            flooder.ask("fill", user="full", times=1)
        results = flooded(0, "full", form.flood_seconds)
        known = server.work()
        flooders[0].ask("fill", user="cold", times=limit.requests)
        cold = server.work()
        flooded(1, "cold", 0.1)
        after = server.work()
    denied = sum(result["denied"] for result in results)
    if denied != sum(result["decisions"] for result in results):
        raise MeasuredError("the flood's key was not full: there is nothing to be said of it")
    each, first = PROCESSES, f"flood of {TASKS} tasks before the first denial"
    return [
        Figure(
            "flood on a denied key: decisions a process at Redis",
            (known.lookups - before.lookups) / each,
            at_most=1,
        ),
        Figure("flood on a denied key: denials a second", denied / each / form.flood_seconds),
        Figure(f"{first}: commands", (after.scripts - cold.scripts) / (each - 1)),
        Figure(f"{first}: decisions", (after.lookups - cold.lookups) / (each - 1)),
    ]


def attack(name: str, server: Server, seconds: float) -> Verdict:
    """The verdict on one candidate. Raises MeasuredError if it answered without Redis."""
    server.empty()
    before = _offset()
    # What is judged is what Redis decides: the deadline is long.
    with workers([name] * PROCESSES, server, Limit(REQUESTS, WINDOW, 30.0)) as attackers:
        start = time.monotonic() + LEAD_SECONDS
        plan: dict[str, Any] = {"requests": REQUESTS, "seconds": WINDOW, "processes": PROCESSES}
        plan |= {"start": start, "end": start + seconds}
        for number, attacker in enumerate(attackers):
            attacker.start("attack", process=number, **plan)
        results = [attacker.finish() for attacker in attackers]
    unmeasured = sum(result["unmeasured"] for result in results)
    if unmeasured:
        raise MeasuredError(f"{name} gave {unmeasured} answers without Redis: there is no verdict")
    answers = [
        Answer(tuple(keys), sent, answered, admitted)
        for result in results
        for *keys, sent, answered, admitted in result["records"]
    ]
    # The server reads the wall clock, the oracle the monotonic one.
    return judge(answers, REQUESTS, WINDOW, clock_error=abs(_offset() - before))


def _offset() -> float:
    return time.time() - time.monotonic()
