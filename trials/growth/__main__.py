"""`make rehearse-cluster`: an environment in cluster mode, and what makes one without it grow."""

import sys

from rehearsal.rehearse import perform
from trials.growth import sharded

if __name__ == "__main__":
    sys.exit(perform(sharded.steps()))
