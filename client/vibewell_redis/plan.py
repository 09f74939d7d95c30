"""What of a decision does not depend on who asks: worked out once a combination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vibewell_redis import keys, script
from vibewell_redis.limits import RateLimitItem


class Plan(NamedTuple):
    """The limits of a decision: each tier's, for each kind of identifier."""

    names: tuple[str, ...]
    items: tuple[RateLimitItem, ...]
    kinds: tuple[str, ...]  # one for each item
    stems: tuple[bytes, ...]  # what each key begins with
    policies: bytes


def plan(
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
    pairs = [(tiers[name], kind) for name in names for kind in kinds]
    return Plan(
        names=tuple(names),
        items=tuple(item for item, _ in pairs),
        kinds=tuple(kind for _, kind in pairs),
        stems=tuple(keys.stem(prefix, item.name, kind).encode() for item, kind in pairs),
        policies=b"".join(script.policy(item.requests, item.seconds * 1000) for item, _ in pairs),
    )
