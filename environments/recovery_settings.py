"""When the backups are proven, and what a restore may take: [recovery] (§4.2)."""

from typing import Annotated

from pydantic import Field, PositiveInt

from environments.section import Section, at_least, at_most

LONGEST_OBJECTIVE_MINUTES = 120


class Recovery(Section):
    """On the first Monday of each month, at ``hour`` UTC, against the plan's two objectives."""

    hour: Annotated[int, Field(ge=0, le=23)]
    # Backups are daily: a week without one is no objective, and an alarm on it comes too late.
    point_objective_hours: Annotated[
        PositiveInt, at_most(168, "The backup is daily (§4.1), and a week of data would be lost")
    ]
    time_objective_minutes: Annotated[
        PositiveInt,
        at_least(5, "ElastiCache creates a group in some minutes, so the alarm would always fire"),
        at_most(
            LONGEST_OBJECTIVE_MINUTES,
            "The recovery test gives up soon after, and no time is measured: the alarm would never "
            "fire",
        ),
    ]

    @property
    def schedule_expression(self) -> str:
        """EventBridge Scheduler's form of the first Monday of each month."""
        return f"cron(0 {self.hour} ? * MON#1 *)"
