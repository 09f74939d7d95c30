"""An environment in cluster mode: the limiter on its shards, and what a fourth one changes."""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

from redis.crc import key_slot
from redis.exceptions import RedisError

from environments import scaling
from rehearsal.common import functions
from rehearsal.common.checks import CHECKS
from rehearsal.common.deployed import Deployed, Endpoint, Shard, application, described
from rehearsal.common.errors import eventually, expect, expect_that
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import DEPLOYED, Step, judge, nothing_left_to_change
from rehearsal.recovery import RecoveryScenario
from rehearsal.restore import RestoreScenario
from rehearsal.rotation.function import Rotation, Times
from rehearsal.scaling import clients
from rehearsal.scaling.clients import DEADLINE, TIER, Clients, deciding
from vibewell_redis import RateLimiter, Settings, Source
from vibewell_redis.keys import PREFIX, trial

# The published limit, in a window that slides many times while a step lasts.
LIMIT = {"requests": 20, "seconds": 2}
_KEYS = 1000  # beside the sentinels, for the recovery test


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


def in_cluster_mode(rehearsal: Rehearsal) -> str:
    """The settings' topology: three shards of a primary and a replica."""
    clients.write(rehearsal, scaling.CLUSTER_MODE)
    rehearsal.checkout.set("redis.shards", scaling.SHARDS)
    rehearsal.checkout.set("redis.replicas", scaling.REPLICAS)
    rehearsal.checkout.set(f"application.rate_limits.{TIER}", LIMIT)
    return f"{scaling.SHARDS} shards, {scaling.REPLICAS} replica each"


def one_prefix_is_on_one_shard(rehearsal: Rehearsal) -> str:
    """All that one limiter keeps lies on one shard, whatever it limits."""
    found = shards(rehearsal)
    with application(rehearsal) as settings:
        limiter = RateLimiter.from_settings(settings, deadline=DEADLINE)
        before = _keys(rehearsal)
        for number in range(60):
            for tier in settings.tiers:
                limiter.hit(tier, user=f"user-{number}", ip=f"198.51.100.{number}")
        limiter.close()
    grown = [now - then for now, then in zip(_keys(rehearsal), before, strict=True)]
    expect(
        "shards that keep its keys",
        [n for n, keys in enumerate(grown) if keys > 10],
        [home("rl", found)],
    )
    return f"{max(grown)} keys of 6 tiers on one shard of {len(found)}, none on the others"


def every_shard_decides(rehearsal: Rehearsal) -> str:
    """Tasks and threads of two servers, on prefixes of every shard: no decision is wrong."""
    prefixes = on_every_shard(shards(rehearsal))
    with deciding(rehearsal, prefixes) as asking:
        pass
    return f"{asking.exact()}, {len(prefixes)} prefixes on {scaling.SHARDS} shards"


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
            took_over = eventually(lambda: _promoted(deployed, lost.primary), "a failover")
            _expect_full(settings, there[0], full)
            eventually(lambda: _whole(rehearsal, deployed, len(found)), "a new replica")
        undisturbed = asking.exact()
        with Clients(settings, there) as asking:
            pass
        asking.exact()
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
        eventually(
            lambda: limiter.test("mfa", user="somebody").source is Source.REDIS,
            "Redis' decisions from the new primary",
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


def the_token_is_rotated(rehearsal: Rehearsal) -> str:
    """The old token ends on every node of every shard, under the limiter in use."""
    rotation = Rotation(rehearsal, Times(client_cache=1, retire_after=3))
    rotation.compress()
    prefixes = on_every_shard(shards(rehearsal))
    try:
        with deciding(rehearsal, prefixes) as asking:
            rotation.rotate()
            _decides_again(asking)
    finally:
        rotation.restore()
    return asking.exact()


def one_more_shard(rehearsal: Rehearsal) -> str:
    """One line: slots move to a fourth shard while the limiter decides, and no count is lost."""
    before = shards(rehearsal)
    prefixes = on_every_shard(before)
    with deciding(rehearsal, prefixes) as asking:
        clients.deploy(rehearsal, scaling.MORE_SHARDS)
        after = shards(rehearsal)
        _decides_again(asking)
    moved = [prefix for prefix in prefixes if _node(prefix, before) != _node(prefix, after)]
    stayed = [prefix for prefix in prefixes if prefix not in moved]
    expect("shards", len(after), len(before) + 1)
    expect_that(bool(moved) and bool(stayed), f"moved: {moved}, stayed: {stayed}: nothing is shown")
    said = asking.exact(without_fallback=stayed)
    fallen = sum(asking.sources[prefix][Source.FALLBACK] for prefix in moved)
    asked = sum(asking.sources[prefix].total() for prefix in moved)
    return (
        f"{said}; of {asked:,} on the {len(moved)} prefixes that moved {fallen} were the "
        f"fallback's, of the others none"
    )


def one_more_replica(rehearsal: Rehearsal) -> str:
    """One line, on every shard, while the limiter decides."""
    prefixes = on_every_shard(shards(rehearsal))
    line = f"replicas = {scaling.REPLICAS + 1}"
    with deciding(rehearsal, prefixes) as asking:
        clients.deploy(rehearsal, line)
    return f"{clients.every_node_is_watched(rehearsal)}; {asking.exact()}"


def _decides_again(asking: Clients) -> None:
    """Wait until Redis has decided on every prefix, some hundred times from now on."""
    goals = {prefix: counts[Source.REDIS] + 100 for prefix, counts in asking.sources.items()}
    eventually(
        lambda: all(asking.sources[p][Source.REDIS] >= goal for p, goal in goals.items()),
        "Redis' decisions on every prefix",
    )


def _node(prefix: str, found: Sequence[Shard]) -> Endpoint:
    return found[home(prefix, found)].primary


def _keys(rehearsal: Rehearsal) -> list[int]:
    here, sizes = Deployed.of(rehearsal), []
    for shard in here.shards():
        with here.connect(shard.primary) as redis:
            sizes.append(redis.dbsize())
    return sizes


def steps() -> tuple[Step, ...]:
    """The whole life of an environment in cluster mode."""
    recovery, restore = RecoveryScenario(keys=_KEYS), RestoreScenario(keys=_KEYS)
    return (
        *DEPLOYED[:2],
        ("the settings' topology", in_cluster_mode),
        *DEPLOYED[2:],
        *CHECKS,
        ("one limiter's keys are on one shard", one_prefix_is_on_one_shard),
        ("decisions on every shard", every_shard_decides),
        ("a shard's primary is killed", a_shard_loses_its_primary),
        ("the token is rotated", the_token_is_rotated),
        ("recovery: keys and sentinels on every shard", recovery.begin),
        ("recovery: the newest snapshot is restored", recovery.passes),
        (scaling.MORE_SHARDS, one_more_shard),
        (f"replicas = {scaling.REPLICAS + 1}", one_more_replica),
        ("restore: keys and the daily snapshot", restore.begin),
        ("restore: the group was deleted by hand", restore.group_lost),
        ("the deployment's own health check", functions.check_health),
        ("cdk diff is empty", nothing_left_to_change),
        ("AWS would have allowed all of it", judge),
    )
