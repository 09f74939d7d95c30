"""What a test measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Measured:
    """How old the snapshot was when the test began, and how long the first verified read took."""

    point: timedelta
    time: timedelta

    @classmethod
    def of(cls, started: datetime, snapshot: datetime, verified: datetime) -> Self:
        """From the three moments: the test's beginning, the snapshot's, and the read's."""
        return cls(point=started - snapshot, time=verified - started)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """What ``document`` wrote."""
        return cls(
            point=timedelta(seconds=document["point_seconds"]),
            time=timedelta(seconds=document["time_seconds"]),
        )

    def document(self) -> dict[str, float]:
        """As JSON takes it, in seconds."""
        return {
            "point_seconds": round(self.point.total_seconds(), 3),
            "time_seconds": round(self.time.total_seconds(), 3),
        }

    def metrics(self) -> dict[str, float]:
        """By metric name."""
        return {
            "RecoveryPointHours": round(self.point / HOUR, 4),
            "RecoveryTimeMinutes": round(self.time / MINUTE, 4),
        }
