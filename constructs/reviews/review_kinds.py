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
METRICS = ReviewKind("metrics", "weekly review of metrics", 7, "cron(0 8 ? * MON *)")
CAPACITY = ReviewKind("capacity", "monthly capacity report", 31, "cron(0 8 1 * ? *)")
CONFIGURATION = ReviewKind(
    "configuration", "weekly review of the configuration", 7, "cron(0 8 ? * MON *)"
)
UPDATES = ReviewKind("updates", "monthly review of updates", 31, "cron(0 8 1 * ? *)")
SECURITY_UPDATES = ReviewKind(
    "security-updates", "daily look for security updates", 1, "cron(0 8 * * ? *)"
)

REVIEWS = (METRICS, CAPACITY, CONFIGURATION, UPDATES, SECURITY_UPDATES)
