"""One line of a document of checks: the health check's, a review's."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from shared.errors import StoppedError


@dataclass(frozen=True)
class Line:
    """One check; ``found`` and ``wanted`` are for people and never hold a secret or an address.

    ``section`` is the runbook's, which says what to do.
    """

    name: str
    passed: bool
    found: str
    wanted: str
    section: str

    @classmethod
    def equal(cls, name: str, found: object, wanted: object, section: str) -> Self:
        """Passed if both are the same."""
        return cls(name, found == wanted, str(found), str(wanted), section)


def lines_of(name: str, section: str, check: Callable[[], Iterable[Line]]) -> Iterator[Line]:
    """The lines of a check; where it cannot be finished, a failed one says why instead.

    A check without an answer never passes.
    """
    try:
        yield from check()
    except StoppedError as reason:
        yield Line(name, False, str(reason), "an answer", section)
    except KeyError as field:
        yield Line(name, False, f"AWS's answer has no {field}", "an answer", section)
