"""What the channel reads: a custom notification, which is all that Chatbot shows of our own."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from recovery.settings import Run, Settings
from shared.notification import custom

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Outcome:
    """How a test ended. ``measured`` is None where nothing was verified: ``failure`` says why.

    It is how old the snapshot was when the test began, and how long the first verified read took.
    """

    chosen: Mapping[str, Any] | None
    verified: Mapping[str, Any]
    measured: tuple[timedelta, timedelta] | None
    failure: str | None
    left: str | None

    @property
    def passed(self) -> bool:
        """The data was verified and nothing is left behind."""
        return self.measured is not None and self.failure is None and self.left is None


def metrics(point: timedelta, time: timedelta) -> dict[str, float]:
    """What was measured, by metric name."""
    return {
        "RecoveryPointHours": round(point / HOUR, 4),
        "RecoveryTimeMinutes": round(time / MINUTE, 4),
    }


def outcome(state: Mapping[str, Any], run: Run) -> Outcome:
    """Read from what the state machine has gathered."""
    chosen, verified = state.get("chosen"), state.get("verified") or {}
    measured = None
    if chosen and verified:
        created, at = map(datetime.fromisoformat, (chosen["snapshot"]["created"], verified["at"]))
        measured = run.started - created, at - run.started
    failure, left = _cause(state.get("failure")), _cause(state.get("stuck"))
    return Outcome(chosen, verified, measured, failure, left)


def notification(found: Outcome, settings: Settings, run: Run) -> str:
    """The message, with the section of the runbook where one helps."""
    passed = "passed" if found.passed else "FAILED"
    sign = ":white_check_mark:" if found.passed else ":rotating_light:"
    section = None
    if found.failure or found.measured is None:
        section = "failed"
    elif found.left:
        section = "leftovers"
    elif (
        found.measured[0] > settings.point_objective or found.measured[1] > settings.time_objective
    ):
        section = "objectives"
    return custom(
        f"{sign} Recovery test {passed}: {settings.group_id}",
        "\n".join(_lines(found, settings, run)),
        [f"Runbook: {settings.runbook_url}#recovery-{section}"] if section else [],
    )


def _lines(found: Outcome, settings: Settings, run: Run) -> Iterator[str]:
    if found.failure:
        yield f"*Why:* {found.failure}"
    if found.chosen:
        yield f"*Snapshot:* {found.chosen['snapshot']['name']}"
    if found.measured:
        point, time = found.measured
        yield (
            f"*Data lost at worst (RPO):* {point / HOUR:.1f} h old at the start, "
            f"{_against(point, settings.point_objective, 'h', HOUR)}"
        )
        yield (
            f"*Time to the first verified read (RTO):* {time / MINUTE:.1f} min, "
            f"{_against(time, settings.time_objective, 'min', MINUTE)}"
        )
        many, keys = found.verified["sentinels"], found.verified["keys"]
        yield f"*Verified:* {many} sentinels of {many}, in {keys:,} keys"
    yield f"*Left behind:* {found.left or 'nothing'}"
    yield f"_execution {run.execution}_"


def _against(value: timedelta, objective: timedelta, unit: str, one: timedelta) -> str:
    verdict = "within" if value <= objective else "MISSED:"
    return f"{verdict} {objective / one:g} {unit}"


def _cause(error: Mapping[str, str] | None) -> str | None:
    """In words: a function's failure comes as JSON with its message, a time-out as plain text."""
    if error is None:
        return None
    try:
        said = json.loads(error.get("Cause", ""))["errorMessage"]
    except (ValueError, KeyError, TypeError):
        said = error.get("Cause") or "no reason given"
    return f"{error['Error']}: {said}"
