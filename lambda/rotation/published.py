"""The state that alarms look at: one line a pass in CloudWatch's embedded metric format.

Ages of states, never counts of errors: a step that is not ready raises by design.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rotation.convergence import View
from shared.emf import emitted
from shared.versions import CURRENT, Versions

HOUR = timedelta(hours=1)


@dataclass
class State:
    """What one pass has found so far; ``figures`` is by metric name, without what is not known.

    ``confirmed``: every node has the passwords that the user must have. ``settled``: there is
    nothing else to do either, but wait for the old token's time.
    """

    time: datetime
    found: Versions | None = None
    confirmed: bool = False
    settled: bool = False
    words: str = ""
    figures: dict[str, float] = field(default_factory=dict)

    def see(self, view: View, retire_after: timedelta) -> None:
        """Take over what the nodes said.

        Where nobody could write down when AWSCURRENT moved, it is as old as its version: a time
        that is not known would else be none, permanently.
        """
        current, found = view.values[CURRENT], view.found
        accepted = view.taken(current)
        if accepted or not view.wanted:
            self.figures["TokenDisagreement"] = float(not (view.wanted and all(accepted)))
        if view.open:
            self.figures["LoginWithoutPassword"] = float(any(view.open))
        if current is None:
            return
        age = self.time - current.created
        due = (found.current_since(self.time) or current.created) + retire_after
        late = max(self.time - due, timedelta())
        old = view.taken(view.retired)
        if view.retired is None:
            old = [not found.retired(self.time, retire_after)]
        if old:
            self.figures["OldTokenUnretiredHours"] = round(any(old) * late / HOUR, 3)
        self.figures["TokenAgeDays"] = round(age / HOUR / 24, 3)

    def line(self, group_id: str) -> str:
        """The line of log that CloudWatch makes metrics of."""
        return emitted(group_id, self.time, self.figures, {"rotation": self.words})
