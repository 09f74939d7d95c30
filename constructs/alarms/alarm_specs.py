"""What an alarm is (§3.1)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from constructs.alarms.metrics import (
    Figure,
    PublishedFigure,
    PublishedRatios,
    ServiceFigure,
    UndeliveredTest,
)

MissingData = Literal["missing", "notBreaching", "breaching"]


class Severity(StrEnum):
    """Warnings are in Slack only; critical alarms also page the engineer on call (§3.3)."""

    WARNING = "warning"
    CRITICAL = "critical"


class Panel(StrEnum):
    """The graph of the dashboard on which an alarm's threshold is drawn (§3.2)."""

    MEMORY = "Memory"
    CPU = "CPU"
    NETWORK = "Network bandwidth"
    CONNECTIONS = "Connections"
    HITS = "Hits and misses"
    LAG = "Replication lag"
    EVICTIONS = "Evictions"
    CREDITS = "CPU credits"
    LOGINS = "Refused logins"
    SWAP = "Swap"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSpec:
    """One alarm on one figure: ``threshold`` in the metric's own unit, ``period`` in seconds.

    It fires when ``periods`` in a row are beyond the threshold, or as many of the last ``among``
    where that is given. ``runbook`` is its section, where that has not the alarm's own name.
    ``clears`` is false where OK says only that the event is over: PagerDuty would resolve an
    incident that nobody has worked on. ``when_new`` says why and how long it fires in a new
    deployment; where missing data is breaching it always does.
    """

    name: str
    severity: Severity = Severity.WARNING
    figure: Figure | PublishedFigure | PublishedRatios | ServiceFigure | UndeliveredTest
    beyond: Literal["above", "below"] = "above"
    threshold: float = 0
    period: int = 60
    periods: int = 3
    among: int | None = None
    missing: MissingData
    panel: Panel | None = None
    drawn: bool = True
    means: str
    first: str
    runbook: str = ""
    clears: bool = True
    when_new: str = ""

    @property
    def description(self) -> str:
        """The first part of AlarmDescription: the meaning, and when the alarm is expected."""
        new = self.when_new or (_UNTIL_PUBLISHED if self.missing == "breaching" else "")
        return f"{self.means} {new}".rstrip()


_UNTIL_PUBLISHED = "In a new deployment it can fire for an hour, until the first data point exists."
