"""The state that alarms look at: one line a pass in CloudWatch's embedded metric format.

Ages of states, never counts of errors: a step that is not ready raises by design.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from shared.auth_token import AuthToken
from shared.emitted import emitted
from shared.versions import Versions

_HOUR = timedelta(hours=1)
_NONE = timedelta(0)


@dataclass(frozen=True)
class State:
    """What one pass found. ``disagreement`` is None if Redis could not be asked."""

    time: datetime
    unfinished: timedelta
    unretired: timedelta
    token_age: timedelta
    disagreement: bool | None
    words: str

    @classmethod
    def of(
        cls,
        found: Versions,
        current: AuthToken,
        now: datetime,
        retire_after: timedelta,
        *,
        disagreement: bool | None,
        words: str,
    ) -> Self:
        """The state at ``now``; ``unretired`` counts from when the old token was due.

        Where nobody could write down when AWSCURRENT moved, it is as old as its version: a time
        that is not known would else be none, for ever.
        """
        since = found.current_since or current.created
        begun = (found.unfinished and found.unfinished_since) or now
        due = (since if found.unretired else now) + retire_after
        return cls(
            time=now,
            unfinished=now - begun,
            unretired=max(now - due, _NONE),
            token_age=now - since,
            disagreement=disagreement,
            words=words,
        )

    def metrics(self) -> dict[str, float]:
        """By metric name. Without an answer of Redis nothing is said about agreement."""
        figures = {
            "RotationUnfinishedHours": round(self.unfinished / _HOUR, 3),
            "OldTokenUnretiredHours": round(self.unretired / _HOUR, 3),
            "TokenAgeDays": round(self.token_age / timedelta(days=1), 3),
        }
        if self.disagreement is not None:
            figures["TokenDisagreement"] = float(self.disagreement)
        return figures

    def line(self, group_id: str) -> str:
        """The line of log that CloudWatch makes metrics of."""
        return emitted(group_id, self.time, self.metrics(), {"rotation": self.words})
