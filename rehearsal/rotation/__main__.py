"""`make rotate-proof`: production deployed, and its token rotated under clients in constant use."""

import sys

from rehearsal.common.run import perform
from rehearsal.common.steps import DEPLOYED
from rehearsal.rotation import interruptions
from rehearsal.rotation.steps import LONG, RotationProof

if __name__ == "__main__":
    with RotationProof(LONG) as proof:
        tried = ("rotation: interrupted everywhere, in tests", interruptions.tried)
        sys.exit(perform([*DEPLOYED, *proof.steps, tried]))
