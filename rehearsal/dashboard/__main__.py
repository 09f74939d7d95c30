"""Record the dashboard of an environment: ``python -m rehearsal.dashboard production FILE``."""

import sys
from pathlib import Path

from rehearsal.common.run import perform
from rehearsal.common.steps import DEPLOYED
from rehearsal.dashboard.recorder import Recorder


def main(arguments: list[str]) -> int:
    """0 when it is recorded; the file is written as the last step, or not at all."""
    if len(arguments) != 2:
        sys.exit("usage: python -m rehearsal.dashboard ENVIRONMENT FILE")
    environment, file = arguments
    steps = Recorder(Path(file)).steps
    return perform([*DEPLOYED, *steps], environment=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
