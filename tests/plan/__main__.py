"""A command of the checkout on the plan's settings: ``python -m tests.plan MODULE ARGUMENT…``."""

import runpy
import sys

from environments import load
from tests.support import PLAN

if __name__ == "__main__":
    load.FOLDER = PLAN / "environments"
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
