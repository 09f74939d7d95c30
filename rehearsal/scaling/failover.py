"""Prefixes by the shard that has their slots, and a shard's primary killed under the limiter."""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

from redis.crc import key_slot
from redis.exceptions import RedisError

from emulator.nodes.waiting import wait_until
from rehearsal.common.deployed import Deployed, Endpoint, Shard, application, described
from rehearsal.common.errors import expect, expect_that
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.scaling.clients import DEADLINE, Clients, exact
from vibewell_redis import RateLimiter, Settings, Source
from vibewell_redis.keys import PREFIX, trial


def shards(rehearsal: Rehearsal) -> list[Shard]:
    """The shards as they are now."""
    return Deployed.of(rehearsal).shards()


def home(prefix: str, found: Sequence[Shard]) -> int:
    """The number of the shard that has all keys of this prefix."""
    slot = key_slot(trial(prefix))
    return next(number for number, shard in enumerate(found) if slot in shard.slots)


def on_every_shard(found: Sequence[Shard]) -> Mapping[str, int]:
    """The prefix that a limiter has by itself, and two more on each shard, with their shards.

    Of a shard's two, one lies among its first slots and one among its last: when slots move to a
    new shard, they do not both go.
    """
    chosen = {PREFIX: home(PREFIX, found)}
    for number, shard in enumerate(found):
        ordered = sorted(shard.slots)
        for part in (ordered[: len(ordered) // 2], ordered[-len(ordered) // 8 :]):
            chosen[_in(frozenset(part))] = number
    return chosen


def _in(slots: frozenset[int]) -> str:
    number = 0
    while key_slot(f"app{number}".encode()) not in slots:
        number += 1
    return f"app{number}"


_RECOVERS = 120.0  # seconds
_BACK = 60.0


def a_shard_loses_its_primary(rehearsal: Rehearsal) -> str:
    """Its replica takes over without losing a count; the other shards are not disturbed."""
    deployed = Deployed.of(rehearsal)
    found = deployed.shards()
    prefixes = on_every_shard(found)
    lost = found[-1]
    there, elsewhere = (
        [prefix for prefix, number in prefixes.items() if (found[number] is lost) is wanted]
        for wanted in (True, False)
    )
    with application(rehearsal) as settings:
        full = _fill(settings, there[0])
        pid = _replicated(deployed, lost)
        with Clients(settings, elsewhere) as asking:
            os.kill(pid, signal.SIGKILL)
            took_over = wait_until(
                lambda: _promoted(deployed, lost.primary), seconds=_RECOVERS, what="a failover"
            )
            _expect_full(settings, there[0], full)
            wait_until(
                lambda: _whole(rehearsal, deployed, len(found)) or None,
                seconds=_RECOVERS,
                what="a new replica",
            )
        undisturbed = exact(asking, settings)
        with Clients(settings, there) as asking:
            pass
        exact(asking, settings)
    expect_that(took_over in lost.replicas, "another node than the shard's replica took over")
    return f"no count lost; meanwhile on the other shards {undisturbed}"


def _fill(settings: Settings, prefix: str) -> list[str]:
    """Users at their limit in a window that outlasts the failover."""
    limiter = RateLimiter.from_settings(settings, prefix=prefix, deadline=DEADLINE)
    users = [f"full-{number}" for number in range(20)]
    for user in users:
        admitted = sum(bool(limiter.hit("mfa", user=user)) for _ in range(6))
        expect(f"admitted of 6 requests of {user}", admitted, settings.tiers["mfa"].requests)
    limiter.close()
    return users


def _expect_full(settings: Settings, prefix: str, users: Sequence[str]) -> None:
    """A client that remembers nothing finds all of them at their limit."""
    limiter = RateLimiter.from_settings(settings, prefix=prefix, deadline=5.0)
    try:
        wait_until(
            lambda: limiter.test("mfa", user="somebody").source is Source.REDIS or None,
            seconds=_BACK,
            what="Redis' decisions from the new primary",
        )
        for user in users:
            decision = limiter.test("mfa", user=user)
            expect(f"who says it of {user}", decision.source, Source.REDIS)
            expect(f"{user} after the failover: admitted", decision.allowed, False)
    finally:
        limiter.close()


def _replicated(deployed: Deployed, shard: Shard) -> int:
    """The primary's process, once its replica has all that was written."""
    with deployed.connect(shard.primary) as redis:
        redis.set(shard.key("growth:probe"), "1", ex=60)
        expect("replicas that have everything", redis.wait(1, 20_000), 1)
        return int(redis.info("server")["process_id"])


def _promoted(deployed: Deployed, lost: Endpoint) -> Endpoint | None:
    """Who has the slots of the lost primary, once it is another node."""
    with suppress(OSError, RedisError):
        found = deployed.shards()
        if lost not in [shard.primary for shard in found]:
            return found[-1].primary
    return None


def _whole(rehearsal: Rehearsal, deployed: Deployed, number: int) -> bool:
    found = deployed.shards()
    at_rest = described(rehearsal)["Status"] == "available"
    return at_rest and len(found) == number and all(shard.replicas for shard in found)
