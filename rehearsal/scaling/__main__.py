"""`make rehearse-cluster`: an environment in cluster mode, and what makes one without it grow."""

import sys

from rehearsal.common.run import perform
from rehearsal.scaling import plain, sharded

if __name__ == "__main__":
    print("In cluster mode", flush=True)
    status = perform(sharded.steps())
    if status == 0:
        print("\nWithout it", flush=True)
        status = perform(plain.steps())
    sys.exit(status)
