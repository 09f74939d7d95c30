"""`make rehearse-alarms`: production deployed, and every alarm of it driven there and back."""

import sys

from rehearsal.alarms.steps import AlarmScenario
from rehearsal.common.run import perform
from rehearsal.common.steps import DEPLOYED

if __name__ == "__main__":
    sys.exit(perform([*DEPLOYED, *AlarmScenario().steps]))
