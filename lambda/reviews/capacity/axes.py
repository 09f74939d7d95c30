"""Where a day and a value lie on a chart, and which of them are named beside it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

_TICKS = 4
_MOST_NAMES = 7
_MONTHS = (1, 2, 3, 6)


@dataclass(frozen=True)
class DateAxis:
    """From ``first`` to ``last``, drawn from ``left`` to ``right``."""

    first: date
    last: date
    left: float
    right: float

    def x(self, day: date) -> float:
        """Where a day is; what lies outside is put on the edge."""
        share = (day - self.first).days / max(1, (self.last - self.first).days)
        return self.left + min(1.0, max(0.0, share)) * (self.right - self.left)

    def ticks(self) -> Iterator[tuple[date, str]]:
        """The first days of months with their names, not more than fit."""
        months = list(self._months())
        step = next((one for one in _MONTHS if len(months) / one <= _MOST_NAMES), 12)
        for number, month in enumerate(months):
            if number % step == 0:
                yield month, f"{month:%b %Y}" if month.month == 1 else f"{month:%b}"

    def _months(self) -> Iterator[date]:
        year, month = self.first.year, self.first.month
        if self.first.day > 1:
            year, month = year + month // 12, month % 12 + 1
        while (day := date(year, month, 1)) <= self.last:
            yield day
            year, month = year + month // 12, month % 12 + 1


@dataclass(frozen=True)
class ValueAxis:
    """From 0 to the last of ``ticks``, drawn from ``bottom`` to ``top``."""

    ticks: Sequence[float]
    bottom: float
    top: float

    @classmethod
    def up_to(cls, highest: float, bottom: float, top: float) -> Self:
        """Round values that reach ``highest``."""
        highest = max(highest, 1e-9)
        rough = highest / _TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(
            power * n for n in (1, 2, 2.5, 3, 4, 5, 10) if power * n >= rough - 1e-9 * power
        )
        many = math.ceil(highest / step - 1e-9)
        return cls([step * number for number in range(max(1, many) + 1)], bottom, top)

    def y(self, value: float) -> float:
        """Where a value is; what lies outside is put on the edge."""
        return min(self.bottom, max(self.top, self.free_y(value)))

    def free_y(self, value: float) -> float:
        """Where a value would be, outside too."""
        return self.bottom - value / self.ticks[-1] * (self.bottom - self.top)
