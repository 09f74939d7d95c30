"""`make rehearse-states`: a first creation that fails, and a way on from every state."""

import sys

from rehearsal.common.run import perform
from rehearsal.stack_states.every_type import EveryType
from rehearsal.stack_states.ways_on import FirstCreation, WaysOn

if __name__ == "__main__":
    sys.exit(perform((*FirstCreation().steps, *WaysOn().steps, *EveryType().steps)))
