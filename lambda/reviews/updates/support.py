"""The end of an engine's standard support, and what it costs to stay, in plain words.

The figures come with the template: environments/ knows engines and prices.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

WARN = timedelta(days=365)


@dataclass(frozen=True)
class Support:
    """``monthly`` is what the group's nodes cost in US dollars now; ``percent`` is on top, by year.

    ``price`` says of where and when the price is.
    """

    engine: str
    ends: date | None
    monthly: float | None
    percent: Sequence[float]
    price: str

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Raises KeyError or TypeError if the template does not fit this code."""
        told = json.loads(variables["SUPPORT"])
        ends = date.fromisoformat(told["ends"]) if told["ends"] else None
        return cls(**{**told, "ends": ends})

    def needs_a_person(self, today: date) -> bool:
        """Whether the end is near or past."""
        return self.ends is not None and self.ends - today <= WARN

    def words(self, today: date) -> str:
        """One paragraph, the price in it."""
        if self.ends is None:
            return f"{self.engine}: AWS has announced no end of its standard support."
        days = (self.ends - today).days
        state = (
            f"{self.engine} leaves standard support on {self.ends}, in {days} days. AWS then bills "
            if days >= 0
            else f"{self.engine} left standard support on {self.ends}, {-days} days ago. AWS bills "
        )
        return f"{state}Extended Support by itself, without asking: {self._prices()}."

    def _prices(self) -> str:
        assert self.ends is not None  # noqa: S101 - for the type checker: words() has looked
        parts = []
        start, before = self.ends + timedelta(days=1), None
        for year, percent in enumerate(self.percent):
            if percent != before:
                begins = _years_later(start, year)
                parts.append(f"from {begins} {self._on_top(percent)}")
            before = percent
        total = "" if self.monthly is None else f" ({self.price})"
        return ", ".join(parts) + total

    def _on_top(self, percent: float) -> str:
        if self.monthly is None:
            return f"{percent:g} % on top of the nodes' price"
        more = self.monthly * percent / 100
        return f"${more:,.0f} per month on top of ${self.monthly:,.0f} (+{percent:g} %)"


def _years_later(start: date, years: int) -> date:
    # A start on 29 February would have no anniversary; support ends with a month or a quarter.
    return start.replace(year=start.year + years)
