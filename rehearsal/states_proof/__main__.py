"""`make rehearse-states`: a first creation that fails, and a way on from every state."""

import sys

from rehearsal.rehearse import perform
from rehearsal.states_proof.creation import FirstCreation

if __name__ == "__main__":
    sys.exit(perform(FirstCreation().steps))
