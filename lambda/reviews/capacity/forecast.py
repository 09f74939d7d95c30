"""One measure with its history and outlook, and what it says in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from reviews.capacity.measures import Line, Measure
from reviews.capacity.outlook import FEWEST_DAYS, Kind, Outlook
from reviews.format import amount, long_date

SOON_DAYS = 60  # a purchase, a test and a maintenance window take weeks


@dataclass(frozen=True)
class Forecast:
    """What the report says of one measure, on the day ``today``."""

    measure: Measure
    line: Line
    peaks: Mapping[date, float]
    outlook: Outlook
    today: date

    @property
    def urgent(self) -> bool:
        """Whether somebody must act: it is beyond its line, or will be within SOON_DAYS."""
        if self.outlook.kind is Kind.ABOVE:
            return True
        on = self.outlook.on
        return self.outlook.kind is Kind.CROSSES and on is not None and self._soon(on)

    @property
    def blind(self) -> bool:
        """Whether CloudWatch had nothing at all: then the report has no data at all."""
        return not self.peaks

    @property
    def days_left(self) -> int | None:
        """Until it crosses its line; 0 beyond it, None where no date can be given."""
        if self.outlook.kind is Kind.ABOVE:
            return 0
        on = self.outlook.on
        return (on - self.today).days if on else None

    @property
    def newest(self) -> float | None:
        """The highest peak of the last seven days that have one."""
        last = sorted(self.peaks)[-7:]
        return max((self.peaks[day] for day in last), default=None)

    def _soon(self, day: date) -> bool:
        return day <= self.today + timedelta(days=SOON_DAYS)


def verdict(forecast: Forecast) -> str:
    """One sentence without the measure's name."""
    found, line = forecast.outlook, amount(forecast.line.warning, forecast.measure.unit)
    if forecast.blind:
        return "has no data in CloudWatch"
    if found.kind is Kind.TOO_LITTLE:
        since = f" since the level changed on {_said(found.since)}" if found.changed else ""
        return f"not enough data{since}: {found.days} days, and {FEWEST_DAYS} are needed"
    if found.kind is Kind.ABOVE:
        return f"is above its warning line of {line} since {_said(found.on)}"
    if found.kind is Kind.CROSSES:
        return f"crosses {line} about {_said(found.on)}{_range(found)}"
    if found.kind is Kind.MAY_CROSS:
        return f"no clear trend; {line} not before {_said(found.earliest)}"
    return f"stays below {line} until {_said(found.horizon)} at least"


def _range(found: Outlook) -> str:
    if found.earliest == found.latest:
        return ""
    earliest = f"earliest {_said(found.earliest)}"
    if found.latest is None:
        return f" ({earliest}, perhaps not before {_said(found.horizon)})"
    return f" ({earliest}, latest {_said(found.latest)})"


def _said(day: date | None) -> str:
    # Each kind of outlook has its days: one without is a fault of ours, and is seen as such.
    return long_date(day) if day else "an unknown day"
