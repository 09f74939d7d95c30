"""What an environment costs a month before and after, by tools/prices.py."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tools.assembly import Stack
from tools.prices import monthly
from tools.review.estate import Estate


@dataclass(frozen=True)
class Cost:
    """US dollars a month by stack, before and after; None where there is no price.

    ``unpriced`` are types that come with this change and cost nothing in the list of prices.
    """

    stacks: Mapping[str, tuple[float | None, float | None]]
    unpriced: tuple[str, ...]

    @property
    def before(self) -> float | None:
        """All stacks before the change."""
        return _sum(before for before, _ in self.stacks.values())

    @property
    def after(self) -> float | None:
        """All stacks after it."""
        return _sum(after for _, after in self.stacks.values())


def compared(base: Estate, head: Estate) -> Cost:
    """The cost of each stack on either side; a stack that is not there costs nothing."""
    names = sorted(base.stacks.keys() | head.stacks.keys())
    present = {resource.kind for resource in base.resources.values()}
    new = {
        resource.kind
        for address, resource in head.resources.items()
        if resource.kind not in present and _price(_alone(head, address.stack, address.name)) == 0
    }
    return Cost({name: (_of(base, name), _of(head, name)) for name in names}, tuple(sorted(new)))


def _of(estate: Estate, name: str) -> float | None:
    return _price(estate.stacks[name]) if name in estate.stacks else 0.0


def _alone(estate: Estate, stack: str, name: str) -> Stack:
    body = {"Resources": {name: estate.stacks[stack].resources[name]}}
    return Stack(stack, body, {}, [])


def _price(stack: Stack) -> float | None:
    try:
        return monthly(stack)
    except (KeyError, TypeError, ValueError):
        return None  # a node type or a number of nodes that the list of prices does not know


def _sum(parts: Iterable[float | None]) -> float | None:
    known = list(parts)
    return None if None in known else sum(part for part in known if part is not None)
