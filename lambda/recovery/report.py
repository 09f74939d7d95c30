"""What the channel reads: a custom notification, which is all that Chatbot shows of our own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from recovery.settings import Run, Settings
from shared.notification import custom

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


@dataclass(frozen=True)
class Outcome:
    """How a test ended. Without ``measured`` nothing was verified, and ``failure`` says why."""

    snapshot: str | None
    measured: Measured | None
    sentinels: int
    keys: int
    failure: str | None
    left: str | None

    @property
    def passed(self) -> bool:
        """The data was verified and nothing is left behind."""
        return self.measured is not None and self.failure is None and self.left is None


def outcome(state: Mapping[str, Any], run: Run) -> Outcome:
    """Read from what the state machine has gathered."""
    chosen, verified = state.get("chosen"), state.get("verified")
    measured = None
    if chosen and verified:
        measured = Measured.of(
            run.started,
            datetime.fromisoformat(chosen["snapshot"]["created"]),
            datetime.fromisoformat(verified["at"]),
        )
    return Outcome(
        snapshot=chosen["snapshot"]["name"] if chosen else None,
        measured=measured,
        sentinels=verified["sentinels"] if verified else 0,
        keys=verified["keys"] if verified else 0,
        failure=_cause(state.get("failure")),
        left=_cause(state.get("stuck")),
    )


def notification(found: Outcome, settings: Settings, run: Run) -> str:
    """The message."""
    passed = "passed" if found.passed else "FAILED"
    sign = ":white_check_mark:" if found.passed else ":rotating_light:"
    section = _section(found, settings)
    return custom(
        f"{sign} Recovery test {passed}: {settings.group_id}",
        "\n".join(_lines(found, settings, run)),
        [f"Runbook: {settings.runbook_url}#{section}"] if section else [],
    )


def _lines(found: Outcome, settings: Settings, run: Run) -> list[str]:
    lines = []
    if found.failure:
        lines.append(f"*Why:* {found.failure}")
    if found.snapshot:
        lines.append(f"*Snapshot:* {found.snapshot}")
    if found.measured:
        point, time = found.measured.point, found.measured.time
        lines += [
            f"*Data lost at worst (RPO):* {point / HOUR:.1f} h old at the start, "
            + _against(point, settings.point_objective, "h", HOUR),
            f"*Time to the first verified read (RTO):* {time / MINUTE:.1f} min, "
            + _against(time, settings.time_objective, "min", MINUTE),
            f"*Verified:* {found.sentinels} sentinels of {found.sentinels}, in {found.keys:,} keys",
        ]
    lines.append(f"*Left behind:* {found.left or 'nothing'}")
    lines.append(f"_execution {run.execution}_")
    return lines


def _against(value: timedelta, objective: timedelta, unit: str, one: timedelta) -> str:
    verdict = "within" if value <= objective else "MISSED:"
    return f"{verdict} {objective / one:g} {unit}"


def _section(found: Outcome, settings: Settings) -> str | None:
    if found.failure or not found.measured:
        return "recovery-failed"
    if found.left:
        return "recovery-leftovers"
    point, time = found.measured.point, found.measured.time
    if point > settings.point_objective or time > settings.time_objective:
        return "recovery-objectives"
    return None


def _cause(error: Mapping[str, str] | None) -> str | None:
    """In words: a function's failure comes as JSON with its message, a time-out as plain text."""
    if error is None:
        return None
    try:
        said = json.loads(error.get("Cause", ""))["errorMessage"]
    except (ValueError, KeyError, TypeError):
        said = error.get("Cause") or "no reason given"
    return f"{error['Error']}: {said}"
