"""What of a decision does not depend on who asks: worked out once a combination."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from vibewell_redis import keys, script
from vibewell_redis.decision import WindowStats
from vibewell_redis.keys import tail
from vibewell_redis.limits import RateLimitItem

# Of the script's reply: whether it is admitted, then remaining and seconds for each limit.
Figures = tuple[int | float, ...]


class Limit(NamedTuple):
    """One tier's for one kind of identifier, and where the figures say what."""

    item: RateLimitItem
    kind: str
    remaining: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The limits of a decision: each window of each tier, for each kind of identifier.

    ``tiers`` are the tier of each limit. ``figures`` takes the script's reply apart. ``stems`` are
    what the keys begin with, and the kind of identifier that each ends with. ``outcomes`` counts
    what Redis said: denied, admitted.
    """

    names: tuple[str, ...]
    tiers: tuple[str, ...]
    limits: tuple[Limit, ...]
    stems: tuple[tuple[bytes, str], ...]
    policies: bytes
    figures: Callable[[bytes], Figures]
    outcomes: list[int] = field(default_factory=lambda: [0, 0])

    def where(self, identifiers: Mapping[str, str]) -> list[bytes]:
        """The key of each limit."""
        # A loop, since a comprehension is a function that is made and called, twice a decision.
        found = []
        for stem, kind in self.stems:
            found.append(stem + tail(identifiers[kind]))
        return found

    def windows(self, figures: Figures) -> tuple[WindowStats, ...]:
        """What the figures say of each limit."""
        # A named tuple's own constructor is a function in Python and costs twice the tuple's.
        new, found = tuple.__new__, []
        for item, kind, remaining, seconds in self.limits:
            found.append(new(WindowStats, (item, kind, figures[remaining], figures[seconds])))
        return tuple(found)


def plan_of(
    tiers: Mapping[str, RateLimitItem], prefix: str, names: Sequence[str], kinds: Sequence[str]
) -> Plan:
    """The plan of these tiers for these kinds. Raises ValueError, which says what is wrong."""
    if not names:
        raise ValueError("name at least one tier, for example hit('auth', user=…)")
    if not kinds:
        raise ValueError("give at least one identifier, for example hit('auth', user=…, ip=…)")
    if len(set(names)) < len(names):
        raise ValueError(f"a tier is named twice: {', '.join(names)}")
    for name in names:
        if name not in tiers:
            raise ValueError(f"there is no tier {name!r}: write one of {', '.join(tiers)}")
    each = [
        (name, item, kind) for name, kind in product(names, kinds) for item in tiers[name].windows
    ]
    if len(each) > script.MOST_KEYS:
        raise ValueError(f"one decision takes {script.MOST_KEYS} limits at most")
    limits = [
        Limit(item, kind, 2 * place + 1, 2 * place + 2)
        for place, (_, item, kind) in enumerate(each)
    ]
    return Plan(
        names=tuple(names),
        tiers=tuple(name for name, _, _ in each),
        limits=tuple(limits),
        stems=tuple((keys.stem(prefix, one.item, one.kind).encode(), one.kind) for one in limits),
        policies=b"".join(script.policy(one.item.requests, one.item.seconds) for one in limits),
        figures=script.reply_of(len(limits)).unpack,
    )
