"""When a client asks next, in seconds since the first user came."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random

from rehearsal.load.clients import BURSTS, LATE, THINKING, Client
from rehearsal.load.plan import Plan

Next = Callable[[float], float]

_TIMES_THE_LIMIT = 4  # what steady clients ask for
# A counter that starts a new window at a fixed time, or at a key's first request, admits twice its
# limit to this: one request, then all at the window's end, then all again behind it.
_LATE_BURST, _EARLY_BURST, _CYCLE = 0.8, 1.05, 2.1  # windows
_LOST_AT = 0.85  # windows: between the two bursts
_BURST_OF = 1.2  # limits


def rhythm(client: Client, plan: Plan) -> Next:
    """Tells from the time of the last answer when the next request is due; the past is at once."""
    if client.habit == THINKING or client.tier is None:
        draw = _draw(client.number)
        return lambda now: now + draw.uniform(0.8, 1.2) * plan.think
    if client.habit == LATE:
        times = late(client, plan)
    elif client.habit == BURSTS:
        times = bursts(client, plan)
    else:
        times = steady(client, plan)
    return lambda _now: next(times)


def steady(client: Client, plan: Plan) -> Iterator[float]:
    """Evenly, a little uneven, and much more than the limit."""
    requests, seconds = plan.tiers[client.tier or ""]
    apart = seconds * client.of / (requests * _TIMES_THE_LIMIT)
    draw, due = _draw(client.number), 0.0
    while True:
        due += apart * draw.uniform(0.5, 1.5)
        yield due


def late(client: Client, plan: Plan) -> Iterator[float]:
    """The primary is lost between two bursts: the window is full then, and stays so for a while."""
    requests, seconds = plan.tiers[client.tier or ""]
    many = math.ceil(requests * _BURST_OF / client.of)
    start = (plan.primary_lost - _LOST_AT * seconds) % (_CYCLE * seconds)
    while True:
        yield start
        for burst in (_LATE_BURST, _EARLY_BURST):
            yield from [start + burst * seconds] * many
        start += _CYCLE * seconds


def bursts(client: Client, plan: Plan) -> Iterator[float]:
    """Small and large ones at any time."""
    requests, seconds = plan.tiers[client.tier or ""]
    draw, due = _draw(client.number // client.of), 0.0
    while True:
        due += draw.uniform(0.1, 0.6) * seconds
        many = math.ceil(requests * draw.choice((0.1, 0.25, 0.5, 1.0)) / client.of)
        yield from [due] * many


def _draw(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - a load is no secret
