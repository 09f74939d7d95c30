"""Who the users are: most ask now and then, a few want more of a tier than it admits.

A client is one connection. Two clients of one user, or four behind one address, are connected to
different instances of the application: what the tier admits, it admits to them together.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from rehearsal.load.plan import Plan

# What an ordinary user asks for, of a hundred requests.
SHARES = {"general": 70, "auth": 8, "sensitive": 5, "admin": 12, "mfa": 2, "financial": 3}

STEADY, LATE, BURSTS, OFFICE, THINKING = "steady", "late", "bursts", "office", "thinking"
_PAIR = 2
_AT_THE_OFFICE = 4


class Client(NamedTuple):
    """`tier` is the only one that it asks for, None for an ordinary user; `of` share its demand."""

    number: int
    user: str
    ip: str
    habit: str
    tier: str | None = None
    of: int = 1


def clients(plan: Plan) -> list[Client]:
    """All of them, the greedy ones first. Raises ValueError if there is no place for those."""
    numbers = count()
    found = [client for tier in plan.tiers for client in _greedy(tier, numbers)]
    if len(found) > plan.users:
        raise ValueError(f"{plan.users} users are too few: {len(found)} are greedy alone")
    while len(found) < plan.users:
        number = next(numbers)
        found.append(Client(number, f"user-{number}", address(number), THINKING))
    return found


def address(number: int) -> str:
    """An address of the block that is set aside for load tests (RFC 2544)."""
    return f"198.18.{number >> 8}.{number & 255}"


def _greedy(tier: str, numbers: Iterator[int]) -> Iterator[Client]:
    for habit in (STEADY, LATE, BURSTS):
        for _ in range(_PAIR):
            number = next(numbers)
            yield Client(number, f"{habit}-{tier}", address(number), habit, tier, _PAIR)
    door = None
    for _ in range(_AT_THE_OFFICE):
        number = next(numbers)
        door = door or address(number)
        yield Client(number, f"{OFFICE}-{tier}-{number}", door, OFFICE, tier, _AT_THE_OFFICE)
