"""Several processes attack the same keys, and an oracle judges what each limiter answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.limiter.figure import Figure
from benchmarks.limiter.form import OURS, Form
from benchmarks.limiter.oracle import Answer, Verdict, judge
from benchmarks.limiter.server import Server
from benchmarks.limiter.worker import Limit, MeasuredError, Worker, workers

PROCESSES = 3
REQUESTS, WINDOW = 60, 2  # the mathematics of a short window are those of a long one
WRONGLY = 0.0005
LEAD_SECONDS = 0.3  # so that all processes begin together
# What is judged is what Redis decides. The deadline has trials of its own.
_LIMIT = Limit(requests=REQUESTS, seconds=WINDOW, deadline=30.0)


def figures(
    server: Server, form: Form, progress: Callable[[str], None]
) -> tuple[list[Figure], str]:
    """Ours against its bounds, and the table of all."""
    verdicts: dict[str, Verdict] = {}
    for name in (OURS, *form.attacked):
        progress(f"attacking {name} from {PROCESSES} processes")
        verdicts[name] = attack(name, server, form.attack_seconds)
    ours = verdicts[OURS]
    told = [
        Figure("over-admission in any window", 100 * ours.over_admission, " %", at_most=0.0),
        Figure("wrongly denied", 100 * ours.denied_wrongly_share, " %", at_most=100 * WRONGLY),
    ]
    return told, table(verdicts)


def attack(name: str, server: Server, seconds: float) -> Verdict:
    """The verdict on one candidate. Raises MeasuredError if it answered without Redis."""
    server.empty()
    before = _offset()
    with workers([name] * PROCESSES, server, _LIMIT) as attackers:
        results = _run(attackers, seconds)
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


def table(verdicts: dict[str, Verdict]) -> str:
    """A line a candidate."""
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
    return "\n".join(lines)


def _run(attackers: Sequence[Worker], seconds: float) -> list[dict[str, Any]]:
    start = time.monotonic() + LEAD_SECONDS
    for number, attacker in enumerate(attackers):
        attacker.start(
            "attack",
            requests=REQUESTS,
            seconds=WINDOW,
            process=number,
            processes=len(attackers),
            start=start,
            end=start + seconds,
        )
    return [attacker.finish() for attacker in attackers]


def _offset() -> float:
    return time.time() - time.monotonic()
