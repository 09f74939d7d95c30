"""`make rehearse-alarms`: production deployed, and every alarm of it driven there and back."""

import sys

from rehearsal.drill.acts import Drill
from rehearsal.rehearse import perform
from rehearsal.steps import DEPLOYED

if __name__ == "__main__":
    sys.exit(perform([*DEPLOYED, *Drill().steps]))
