"""The applications of the scenario: instances of the client package that decide all the time.

usage: python -m rehearsal.upgrade.deciding PATH INSTANCES, the SSM path of the settings and how
many instances there are. It spends part of some users' limits, prints `ready` when every instance
decides by Redis, and when standard input closes, what it counted and what those users have left,
as one line of JSON.

It takes only the client's public names: the client of an older release must do, too.
"""

import asyncio
import json
import logging
import sys
import time
import uuid
from dataclasses import asdict, dataclass, field, replace
from itertools import count

from vibewell_redis import RateLimitItem, Settings, Source
from vibewell_redis.asyncio import RateLimiter

REQUESTS = 5  # of each user whose limit must be kept
USERS = 3 * (REQUESTS + 1)


@dataclass
class Counted:
    """Of all instances; `longest_gap` is the seconds that one had no decision of Redis'."""

    decisions: int = 0
    fallbacks: int = 0
    longest_gap: float = 0.0
    raised: str | None = None
    left: dict[str, int] = field(default_factory=dict)


def spent_by(user: int) -> int:
    """How much of its limit a user has spent before the upgrade: from nothing to all of it."""
    return user % (REQUESTS + 1)


LIMIT = RateLimitItem.of("kept", REQUESTS, 3600)
STEADY = RateLimitItem.of("steady", 100, 60)
PREFIX = "upgrade_proof"
_RUN = uuid.uuid4().hex  # of this process: an earlier one has spent what its users had
_PAUSE = 0.05  # seconds between an instance's decisions
_DEADLINE = 1.0  # seconds, of those that decide all the time
_CERTAIN = 30.0  # seconds, of what Redis must decide: a busy machine may be slow
_PATIENCE = 120  # seconds until the first decision by Redis, and until the last


async def decide(
    limiter: RateLimiter, number: int, counted: Counted, began: asyncio.Event, stop: asyncio.Event
) -> None:
    """One instance: decide over a new user each time, until `stop`; nothing must be raised."""
    last = 0.0  # when Redis decided
    for user in count():
        if stop.is_set():
            return
        try:
            decision = await limiter.hit("steady", user=f"{number}.{user}")
        except Exception as error:  # noqa: BLE001 - whatever reaches the application is counted
            counted.raised = f"{type(error).__name__}: {error}"
            return
        counted.decisions += 1
        counted.fallbacks += decision.source.value == "fallback"
        if decision.source is Source.REDIS:
            now = time.monotonic()
            if began.is_set():
                counted.longest_gap = max(counted.longest_gap, now - last)
            last = now
            began.set()
        await asyncio.sleep(_PAUSE)


async def spend(settings: Settings) -> None:
    """Spend what each user is to have spent. Raises RuntimeError if Redis did not count it."""
    limiter = RateLimiter.from_settings(settings, deadline=_CERTAIN, prefix=PREFIX)
    for user in range(USERS):
        for _ in range(spent_by(user)):
            if (await limiter.hit("kept", user=_name(user))).source is not Source.REDIS:
                raise RuntimeError("a request was not counted in Redis")
    await limiter.aclose()


async def left(settings: Settings) -> dict[str, int]:
    """What each user has left, asked by a client that remembers nothing."""
    limiter = RateLimiter.from_settings(settings, deadline=_CERTAIN, prefix=PREFIX)
    found: dict[str, int] = {}
    for user in range(USERS):
        decision = await limiter.test("kept", user=_name(user))
        if decision.source is not Source.REDIS:
            raise RuntimeError("Redis is away after the upgrade")
        found[str(user)] = decision.windows[0].remaining
    await limiter.aclose()
    return found


def _name(user: int) -> str:
    return f"{_RUN}.{user}"


async def run(path: str, instances: int) -> Counted:
    """Everything, until standard input closes."""
    settings = replace(Settings.from_parameter_store(path), tiers={"kept": LIMIT, "steady": STEADY})
    await spend(settings)
    counted, stop = Counted(), asyncio.Event()
    limiters = [
        RateLimiter.from_settings(settings, deadline=_DEADLINE, prefix=PREFIX)
        for _ in range(instances)
    ]
    begun = [asyncio.Event() for _ in limiters]
    running = [
        asyncio.create_task(decide(limiter, number, counted, began, stop))
        for number, (limiter, began) in enumerate(zip(limiters, begun, strict=True))
    ]
    for began in begun:
        await asyncio.wait_for(began.wait(), _PATIENCE)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    stop.set()
    await asyncio.wait_for(asyncio.gather(*running), _PATIENCE)
    for limiter in limiters:
        await limiter.aclose()
    counted.left = await left(settings)
    return counted


if __name__ == "__main__":
    # Why the client took Redis to be away is in the rehearsal's folder.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    print(json.dumps(asdict(asyncio.run(run(sys.argv[1], int(sys.argv[2]))))))
