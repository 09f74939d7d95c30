"""`make rehearse-restore`: production deployed, lost in three ways, and brought back."""

import sys

from rehearsal.common.run import perform
from rehearsal.common.steps import DEPLOYED
from rehearsal.restore.steps import RestoreProof

if __name__ == "__main__":
    sys.exit(perform((*DEPLOYED, *RestoreProof(keys=10_000).steps)))
