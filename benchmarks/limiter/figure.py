"""A figure, its bound, and whether it was kept."""

from collections.abc import Iterable
from dataclasses import dataclass

_NAME, _COLUMN = 58, 12


@dataclass(frozen=True)
class Figure:
    """`unit` is written behind both numbers; without a bound the figure is only printed."""

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def missed(self) -> bool:
        """Whether the bound was not kept; a value that is no number keeps none."""
        if self.at_least is not None:
            return not self.value >= self.at_least
        return self.at_most is not None and not self.value <= self.at_most

    @property
    def line(self) -> str:
        """Name, bound, what was measured, and the outcome."""
        bound, outcome = "", ""
        if self.at_least is not None:
            bound = f">= {self._shown(self.at_least)}"
        elif self.at_most is not None:
            bound = f"<= {self._shown(self.at_most)}"
        if bound:
            outcome = "MISSED" if self.missed else "pass"
        measured = self._shown(self.value)
        return f"{self.name:<{_NAME}} {bound:>{_COLUMN}} {measured:>{_COLUMN}}  {outcome}".rstrip()

    def _shown(self, value: float) -> str:
        return f"{value:.4g}{self.unit}"


def table(figures: Iterable[Figure]) -> str:
    """One line a figure under a heading."""
    heading = f"{'figure':<{_NAME}} {'bound':>{_COLUMN}} {'measured':>{_COLUMN}}"
    return "\n".join([heading, *(figure.line for figure in figures)])
