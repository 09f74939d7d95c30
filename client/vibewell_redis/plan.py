"""What of a decision does not depend on who asks: worked out once a combination."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from vibewell_redis import keys, script
from vibewell_redis.decision import WindowStats
from vibewell_redis.limits import RateLimitItem

Figures = tuple[int | float, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The limits of a decision: each tier's, for each kind of identifier.

    ``figures`` takes the script's reply apart, at an offset: whether it is admitted, then remaining
    and seconds for each limit. ``outcomes`` counts what Redis said: denied, admitted.
    """

    names: tuple[str, ...]
    items: tuple[RateLimitItem, ...]
    kinds: tuple[str, ...]
    stems: tuple[bytes, ...]
    policies: bytes
    figures: Callable[[bytes, int], Figures]
    outcomes: list[int] = field(default_factory=lambda: [0, 0])

    def where(self, values: Iterable[str]) -> list[bytes]:
        """The key of each limit for these values, one for each kind of identifier."""
        tails = [keys.tail(value) for value in values] * len(self.names)
        return [stem + tail for stem, tail in zip(self.stems, tails, strict=True)]

    def windows(self, figures: Figures) -> tuple[WindowStats, ...]:
        """What the figures say of each limit."""
        # A named tuple's own constructor is a function in Python and costs twice as much.
        return tuple(
            [
                tuple.__new__(WindowStats, window)
                for window in zip(self.items, self.kinds, figures[1::2], figures[2::2], strict=True)
            ]
        )


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
    if len(names) * len(kinds) > script.MOST_KEYS:
        raise ValueError(f"one decision takes {script.MOST_KEYS} limits at most")
    limits = [(tiers[name], kind) for name in names for kind in kinds]
    return Plan(
        names=tuple(names),
        items=tuple(item for item, _ in limits),
        kinds=tuple(kind for _, kind in limits),
        stems=tuple(keys.stem(prefix, item, kind).encode() for item, kind in limits),
        policies=b"".join(script.policy(item.requests, item.seconds) for item, _ in limits),
        figures=script.reply_of(len(limits)).unpack_from,
    )
