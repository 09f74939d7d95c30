"""`make bench-limiter`: all figures in one run; the exit status is 1 if a bound is missed."""

import argparse
import sys

from benchmarks.limiter.form import FULL, SHORT
from benchmarks.limiter.run import run
from benchmarks.limiter.worker import MeasuredError


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limiter", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few seconds, to see that it works")
    try:
        figures = run(SHORT if parser.parse_args().short else FULL)
    except MeasuredError as problem:
        print(f"\nbench-limiter: {problem}", file=sys.stderr)
        return 1
    return int(any(figure.missed for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
