"""`make rehearse-states`: a first creation that fails, and a way on from every state."""

import sys

from rehearsal.rehearse import perform
from rehearsal.states_proof.creation import FirstCreation
from rehearsal.states_proof.every_type import EveryType
from rehearsal.states_proof.ways_on import WaysOn

if __name__ == "__main__":
    sys.exit(perform((*FirstCreation().steps, *WaysOn().steps, *EveryType().steps)))
