"""An environment in cluster mode: the limiter on its shards, and what a fourth one changes."""

from collections.abc import Sequence

from emulator.nodes.waiting import wait_until
from environments import scaling
from rehearsal.common import functions
from rehearsal.common.checks import CHECKS
from rehearsal.common.deployed import Deployed, Endpoint, Shard, application
from rehearsal.common.errors import expect, expect_that
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import DEPLOYED, Step, judge, nothing_left_to_change
from rehearsal.recovery import RecoveryScenario
from rehearsal.restore import RestoreScenario
from rehearsal.rotation.function import Function, Rotator, Secret, Times
from rehearsal.scaling import clients
from rehearsal.scaling.clients import DEADLINE, TIER, Clients, exact
from rehearsal.scaling.failover import a_shard_loses_its_primary, home, on_every_shard, shards
from vibewell_redis import RateLimiter, Source

# The published limit, in a window that slides many times while a step lasts.
LIMIT = {"requests": 20, "seconds": 2}
_RECOVERS = 120.0  # seconds
_KEYS = 1000  # beside the sentinels, for the recovery test


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
    with application(rehearsal) as settings, Clients(settings, list(prefixes)) as asking:
        pass
    return f"{exact(asking, settings)}, {len(prefixes)} prefixes on {scaling.SHARDS} shards"


def the_token_is_rotated(rehearsal: Rehearsal) -> str:
    """The old token ends on every node of every shard, under the limiter in use."""
    secret = Secret(rehearsal)
    function = Function(rehearsal, secret.arn)
    times = Times(client_cache=1, retire_after=3)
    function.compress(times)
    prefixes = on_every_shard(shards(rehearsal))
    try:
        with application(rehearsal) as settings, Clients(settings, list(prefixes)) as asking:
            Rotator(rehearsal, secret, function, times)()
            _decides_again(asking)
    finally:
        function.restore()
    return exact(asking, settings)


def one_more_shard(rehearsal: Rehearsal) -> str:
    """One line: slots move to a fourth shard while the limiter decides, and no count is lost."""
    before = shards(rehearsal)
    prefixes = on_every_shard(before)
    with application(rehearsal) as settings, Clients(settings, list(prefixes)) as asking:
        clients.deploy(rehearsal, scaling.MORE_SHARDS)
        after = shards(rehearsal)
        _decides_again(asking)
    moved = [prefix for prefix in prefixes if _node(prefix, before) != _node(prefix, after)]
    stayed = [prefix for prefix in prefixes if prefix not in moved]
    expect("shards", len(after), len(before) + 1)
    expect_that(bool(moved) and bool(stayed), f"moved: {moved}, stayed: {stayed}: nothing is shown")
    said = exact(asking, settings, without_fallback=stayed)
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
    with application(rehearsal) as settings, Clients(settings, list(prefixes)) as asking:
        clients.deploy(rehearsal, line)
    return f"{clients.every_node_is_watched(rehearsal)}; {exact(asking, settings)}"


def _decides_again(asking: Clients) -> None:
    """Wait until Redis has decided on every prefix, some hundred times from now on."""
    goals = {prefix: counts[Source.REDIS] + 100 for prefix, counts in asking.sources.items()}
    wait_until(
        lambda: all(asking.sources[p][Source.REDIS] >= goal for p, goal in goals.items()) or None,
        seconds=_RECOVERS,
        what="Redis' decisions on every prefix",
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
