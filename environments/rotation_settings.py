"""When the AUTH token is rotated, and how long the old one lives: [rotation] (§2.3, 7.3)."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from environments.section import EACH_ONCE, SECURITY_GROUP_ID, Problems, Section, at_most, rule
from environments.windows import DAY, Window

MONTHS = "1/3"  # January, April, July, October
DAYS_OF_EVERY_MONTH = 28
SECONDS_AN_HOUR = 3600
HOURS_A_DAY = 24
# The shortest quarter has 90 days, and a rotation begins anywhere in its window: a day at most.
HOURS_TO_THE_NEXT = 89 * HOURS_A_DAY
SERVICES = ("secretsmanager", "elasticache")  # what the function calls


class Rotation(Section):
    """Quarterly, in hours when ElastiCache does nothing else. All times are UTC."""

    day_of_month: Annotated[int, Field(ge=1, le=DAYS_OF_EVERY_MONTH)]
    start_hour: Annotated[int, Field(ge=0, le=23)]
    hours: Annotated[int, Field(ge=1, le=24)]
    client_cache_seconds: Annotated[
        PositiveInt,
        at_most(86_400, "A day is long: seconds are meant, and a client has the old token so long"),
    ]
    retire_after_hours: Annotated[
        PositiveInt,
        at_most(
            HOURS_TO_THE_NEXT - 1,
            "It would last beyond the next rotation: a user has two passwords and no third, so it "
            "could not begin, and until the old one is retired no deployment may change the user",
        ),
    ]
    reconcile_minutes: Annotated[int, Field(ge=1, le=15)]
    endpoints: Annotated[
        tuple[Literal["secretsmanager", "elasticache"], ...], Field(strict=False), EACH_ONCE
    ]
    # The zones that have the services; without it, every zone that the group's subnets are in.
    endpoint_zones: Annotated[tuple[str, ...], Field(strict=False), EACH_ONCE] | None = None
    endpoint_security_group_id: Annotated[str, SECURITY_GROUP_ID] | None = None

    @property
    def window(self) -> Window:
        """The hours of any day on which a rotation may fall."""
        text = f"{self.start_hour:02}:00 for {self.hours} h"
        return Window(text, self.start_hour * 60, self.hours * 60, DAY)

    @property
    def schedule_expression(self) -> str:
        """Secrets Manager's form; its minutes are always 0."""
        return f"cron(0 {self.start_hour} {self.day_of_month} {MONTHS} ? *)"

    @rule
    def _zones_are_those_of_endpoints(self) -> Problems:
        if self.endpoint_zones == ():
            yield (
                "endpoint_zones: it is empty. An endpoint is in one zone at least. Write at least "
                "one, or leave it out."
            )
        if self.endpoint_zones and not self.endpoints:
            yield (
                "endpoint_zones: it is set, and endpoints is empty. Only endpoints that the "
                "deployment makes are put into zones. Leave it out."
            )

    @rule
    def _window_ends_within_its_day(self) -> Problems:
        if self.start_hour + self.hours > HOURS_A_DAY:
            yield (
                f"hours: {self.hours} hours from {self.start_hour}:00 end on the next day. Secrets "
                "Manager refuses a rotation window that extends into the next UTC day. Write at "
                f"most hours = {HOURS_A_DAY - self.start_hour}."
            )

    @rule
    def _old_token_outlives_what_clients_cache(self) -> Problems:
        if self.retire_after_hours * SECONDS_AN_HOUR <= self.client_cache_seconds:
            yield (
                f"retire_after_hours: {self.retire_after_hours} hours are not longer than clients "
                f"cache the secret ({self.client_cache_seconds} s). A client that still has the "
                "old token would be locked out when it is retired. Write at least "
                f"{self.client_cache_seconds // SECONDS_AN_HOUR + 1}."
            )
