"""`make rehearse-adoption`: a hand-made group in use is attached, rotated, released, attached."""

import sys

from rehearsal.adoption.steps import Adoption
from rehearsal.common.run import perform

if __name__ == "__main__":
    sys.exit(perform(Adoption().steps))
