"""One run on one server: progress while it lasts, then the tables."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path

from benchmarks.limiter import exactness, figure, others, speed, threads
from benchmarks.limiter.figure import Figure
from benchmarks.limiter.form import OURS, YARDSTICKS, Form
from benchmarks.limiter.server import Server, server
from benchmarks.limiter.worker import Limit, Worker, workers

_WIDTH = 78


def run(form: Form) -> list[Figure]:
    """All trials. Raises MeasuredError if something could not be measured."""
    began = time.monotonic()
    with server() as node:
        names = [*YARDSTICKS, *form.libraries, OURS]
        progress("the candidates connect")
        with workers(names, node, Limit()) as made:
            about = _about(node, made)
            told, speeds = speed.figures(made, node, form, progress)
            told += others.arrivals(made, node, form, progress)
            told += others.memory(made[1:], node)
        for shapes in (threads.figures, threads.processes):
            more, table = shapes(node, form, progress)
            told += more
            speeds += f"\n\n{table}"
        told += others.flood(node, form, progress)
        judged, verdicts = exactness.figures(node, form, progress)
        told += judged
    progress("")
    print(f"{about}\n\n{speeds}\n\n{verdicts}\n\n{figure.table(told)}")
    missed = sum(one.missed for one in told)
    print(f"\n{missed or 'no'} bound{'s' * (missed != 1)} missed, {time.monotonic() - began:.0f} s")
    return told


def progress(text: str) -> None:
    """Say what is going on, on standard error; a terminal shows the last of it alone."""
    if sys.stderr.isatty():
        print(f"\r{text:<{_WIDTH}}\r", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def _about(node: Server, made: list[Worker]) -> str:
    versions = made[-1].about
    lines = [
        f"{os.cpu_count()} cores ({_processor()}), load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, Redis {node.version} over TLS with AUTH, one node",
        ", ".join(f"{name} {versions[name]}" for name in ("redis-py", "hiredis", "uvloop")),
        *(f"{worker.name}: {worker.about['strategy']}" for worker in made),
    ]
    return "\n".join(lines)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
