"""`make rotate-proof`: production deployed, and its token rotated under clients in constant use."""

import sys

from rehearsal.rehearse import perform
from rehearsal.rotation_proof import interruptions
from rehearsal.rotation_proof.acts import LONG, RotationProof
from rehearsal.steps import DEPLOYED

if __name__ == "__main__":
    with RotationProof(LONG) as proof:
        tried = ("rotation: interrupted everywhere, in tests", interruptions.tried)
        sys.exit(perform([*DEPLOYED, *proof.steps, tried]))
