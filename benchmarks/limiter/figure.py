"""A figure with its bound, and how long and thorough a run is."""

from collections.abc import Iterable
from dataclasses import dataclass

OURS = "ours"
_NAME, _COLUMN = 70, 9


@dataclass(frozen=True)
class Form:
    """`libraries` are those that ours is compared with."""

    rounds: int
    seconds: float  # of one measurement
    libraries: tuple[str, ...] = ("limits moving", "limits counter", "throttled-py")


FULL = Form(rounds=7, seconds=1.2)
# For a test: it checks that all is measured, not how fast this machine is at the moment. Its
# library is the one that all scenarios compare with.
SHORT = Form(rounds=1, seconds=0.2, libraries=("limits moving",))


@dataclass(frozen=True)
class Figure:
    """`unit` is written behind both numbers; without a bound the figure is only stated."""

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
    """One line per figure under a heading."""
    heading = f"{'figure':<{_NAME}} {'bound':>{_COLUMN}} {'measured':>{_COLUMN}}"
    return "\n".join([heading, *(figure.line for figure in figures)])
