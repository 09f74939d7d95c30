"""`make bench-limiter`: all figures in one run; the exit status is 1 if a bound is missed."""

import argparse
import os
import platform
import sys
import time

from benchmarks.limiter import figure, speed
from benchmarks.limiter.figure import FULL, OURS, SHORT, Figure, Form
from benchmarks.limiter.server import Server, server
from benchmarks.limiter.worker import Limit, MeasuredError, workers
from emulator.engines import processor

_WIDTH = 78


def run(form: Form) -> list[Figure]:
    """All figures. Raises MeasuredError if something could not be measured."""
    began = time.monotonic()
    with server() as node:
        about = _about(node)
        found, speeds = speed.figures(node, form, progress)
    progress("")
    print(about, "", *speeds, "", figure.table(found), sep="\n")
    missed = sum(one.missed for one in found)
    print(f"\n{missed or 'no'} bound{'s' * (missed != 1)} missed, {time.monotonic() - began:.0f} s")
    return found


def progress(text: str) -> None:
    """Say what is going on, on standard error; a terminal shows the last of it alone."""
    if sys.stderr.isatty():
        print(f"\r{text:<{_WIDTH}}\r", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def _about(node: Server) -> str:
    with workers([OURS], node, Limit()) as (worker,):
        versions = ", ".join(f"{name} {number}" for name, number in worker.about.items())
    return (
        f"{os.cpu_count()} cores ({processor()}), load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, Redis {node.version} over TLS with AUTH, one node\n"
        f"{versions}"
    )


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limiter.run", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few seconds, to see that it works")
    try:
        figures = run(SHORT if parser.parse_args().short else FULL)
    except MeasuredError as problem:
        print(f"\nbench-limiter: {problem}", file=sys.stderr)
        return 1
    return int(any(one.missed for one in figures))


if __name__ == "__main__":
    sys.exit(main())
