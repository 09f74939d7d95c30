"""`make rehearse-restore`: production deployed, lost in three ways, and brought back."""

import sys

from rehearsal.rehearse import perform
from rehearsal.restore_proof.acts import RestoreProof
from rehearsal.steps import DEPLOYED

if __name__ == "__main__":
    sys.exit(perform((*DEPLOYED, *RestoreProof(keys=10_000).steps)))
