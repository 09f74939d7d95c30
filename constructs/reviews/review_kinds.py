"""Which reviews there are, and when each runs (§7)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReviewKind:
    """One review: it is due every ``days`` days, by ``schedule`` in UTC.

    ``name`` begins its objects in the store and ends the function's name. ``what`` completes "The
    ... has not run".
    """

    name: str
    what: str
    days: int
    schedule: str

    @property
    def function_name(self) -> str:
        """What follows the environment's prefix."""
        return f"review-{self.name}"

    @property
    def age_metric(self) -> str:
        """Days since it last ran, as the watch publishes them."""
        return f"{self.metric_prefix}AgeDays"

    @property
    def metric_prefix(self) -> str:
        """What the names of its own metrics begin with."""
        return "Review" + self.name.title().replace("-", "")

    @property
    def late_days(self) -> int:
        """The age at which it has been missed: a day of grace."""
        return self.days + 1


# A day for all of them that is neither the backup's nor the maintenance's hour, when people work.
METRICS = ReviewKind(
    name="metrics", what="weekly review of metrics", days=7, schedule="cron(0 8 ? * MON *)"
)
CAPACITY = ReviewKind(
    name="capacity", what="monthly capacity report", days=31, schedule="cron(0 8 1 * ? *)"
)
CONFIGURATION = ReviewKind(
    name="configuration",
    what="weekly review of the configuration",
    days=7,
    schedule="cron(0 8 ? * MON *)",
)
UPDATES = ReviewKind(
    name="updates", what="monthly review of updates", days=31, schedule="cron(0 8 1 * ? *)"
)
SECURITY_UPDATES = ReviewKind(
    name="security-updates",
    what="daily look for security updates",
    days=1,
    schedule="cron(0 8 * * ? *)",
)

REVIEWS = (METRICS, CAPACITY, CONFIGURATION, UPDATES, SECURITY_UPDATES)
