"""When the backups are proven, and what a restore may take: [recovery] (§4.2)."""

from typing import Annotated

from pydantic import Field, PositiveInt

from environments.section import Section


class Recovery(Section):
    """On the first Monday of each month, at ``hour`` UTC, against the plan's two objectives."""

    hour: Annotated[int, Field(ge=0, le=23)]
    point_objective_hours: PositiveInt
    time_objective_minutes: PositiveInt

    @property
    def schedule_expression(self) -> str:
        """EventBridge Scheduler's form of the first Monday of each month."""
        return f"cron(0 {self.hour} ? * MON#1 *)"
