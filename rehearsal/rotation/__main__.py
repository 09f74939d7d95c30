"""`make rehearse-rotation`: production deployed, its token rotated under clients in use."""

import sys
from contextlib import ExitStack

from rehearsal.common.run import perform
from rehearsal.common.steps import DEPLOYED
from rehearsal.rotation import steps
from rehearsal.rotation.steps import LONG, RotationScenario

if __name__ == "__main__":
    with ExitStack() as context:
        scenario = RotationScenario(LONG, context)
        tried = ("rotation: interrupted everywhere, in tests", steps.tried)
        sys.exit(perform([*DEPLOYED, *scenario.steps, tried]))
