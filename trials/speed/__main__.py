"""`make bench-limiter`: all figures in one run; the exit status is 1 if a bound is missed."""

import argparse
import sys

from trials.speed.form import FULL, SHORT
from trials.speed.run import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m trials.speed", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few seconds, to see that it works")
    figures = run(SHORT if parser.parse_args().short else FULL)
    sys.exit(int(any(figure.missed for figure in figures)))
