"""A shard's primary is killed under the limiter."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress

from emulator.aws.waiting import wait_until
from emulator.resp import Redis
from rehearsal.common.checks.endpoints import Endpoint
from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.checks.logins import token
from rehearsal.common.checks.replication_group import described
from rehearsal.common.checks.shards import Shard
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.scaling.application import application
from rehearsal.scaling.clients import DEADLINE, Crowd
from rehearsal.scaling.exactness import exact
from rehearsal.scaling.prefixes import on_every_shard, shards
from vibewell_redis import RateLimiter, Settings, Source

_RECOVERS = 120.0  # seconds
_BACK = 60.0


def a_shard_loses_its_primary(rehearsal: Rehearsal) -> str:
    """Its replica takes over without losing a count; on the other shards nobody notices."""
    found = shards(rehearsal)
    prefixes = on_every_shard(found)
    lost = found[-1]
    there, elsewhere = (
        [prefix for prefix, number in prefixes.items() if (found[number] is lost) is wanted]
        for wanted in (True, False)
    )
    with application(rehearsal) as settings:
        full = _fill(settings, there[0])
        pid = _replicated(rehearsal, lost.primary)
        with Crowd(settings, elsewhere) as crowd:
            os.kill(pid, signal.SIGKILL)
            took_over = wait_until(
                lambda: _promoted(rehearsal, lost.primary), seconds=_RECOVERS, what="a failover"
            )
            _expect_full(settings, there[0], full)
            wait_until(
                lambda: _whole(rehearsal, found) or None, seconds=_RECOVERS, what="a new replica"
            )
        undisturbed = exact(crowd, settings)
        with Crowd(settings, there) as crowd:
            pass
        exact(crowd, settings)
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


def _replicated(rehearsal: Rehearsal, primary: Endpoint) -> int:
    """The primary's process, once its replica has all that it was told."""
    with Redis(*primary, rehearsal.authority) as redis:
        redis("AUTH", token(rehearsal))
        redis("SET", _key_of(rehearsal, primary), "1", "EX", "60")
        expect("replicas that have everything", redis("WAIT", "1", "20000"), 1)
        (line,) = (x for x in redis("INFO", "server").splitlines() if x.startswith("process_id:"))
    return int(line.partition(":")[2])


def _key_of(rehearsal: Rehearsal, primary: Endpoint) -> str:
    (shard,) = (shard for shard in shards(rehearsal) if shard.primary == primary)
    return shard.key("growth:probe")


def _promoted(rehearsal: Rehearsal, lost: Endpoint) -> Endpoint | None:
    """Who has the slots of the lost primary, once it is another node."""
    with suppress(OSError):
        found = shards(rehearsal)
        if lost not in [shard.primary for shard in found]:
            return found[-1].primary
    return None


def _whole(rehearsal: Rehearsal, before: Sequence[Shard]) -> bool:
    found = shards(rehearsal)
    at_rest = described(rehearsal)["Status"] == "available"
    return at_rest and len(found) == len(before) and all(shard.replicas for shard in found)
