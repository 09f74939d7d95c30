"""What happens to decisions while Redis fails over, restarts, hangs or is away."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from redis.crc import key_slot

from emulator.nodes.cluster import identity
from emulator.nodes.group import Group
from emulator.nodes.node import Shard
from tests.client import conftest
from tests.client.conftest import Open, Start, decided_by_redis, of_tasks, settings_of, storage_of
from vibewell_redis import Fallback, Source
from vibewell_redis.asyncio.storage import MOST_COMMANDS, MOST_DECISIONS
from vibewell_redis.keys import trial

LONG = "600000"  # milliseconds: beyond what any of these tests waits
PREFIX = "moving"


def home(shards: list[Shard]) -> tuple[Shard, Shard]:
    """The shard that has the prefix, and the other one."""
    slot = key_slot(trial(PREFIX))
    one, two = shards
    return (one, two) if slot in one.slots else (two, one)


@pytest.mark.plan("5.5")
async def test_a_slot_that_moves_keeps_its_counts(start: Start, open_limiter: Open) -> None:
    group = start(shards=2, replicas=0, cluster=True)
    settings = settings_of(group, group.endpoints.configuration)
    limiter = open_limiter(settings, prefix=PREFIX)
    for left in (4, 3):
        known = await limiter.hit("mfa", user="known", ip="192.0.2.1")
        assert [window.remaining for window in known.windows] == [left, left]

    source, target = home(group.shards)
    slot, (host, port) = key_slot(trial(PREFIX)), target.primary.at
    gives, takes = source.primary.server, target.primary.server
    takes.call("cluster setslot", slot, "importing", identity(source.primary))
    gives.call("cluster setslot", slot, "migrating", identity(target.primary))

    # Who is still there is decided there, all keys or none.
    here = await limiter.hit("mfa", user="known", ip="192.0.2.1")
    assert (here.source, here.windows[0].remaining) == (Source.REDIS, 2)
    # Who is new is not there any more, and two keys that are not yet here are refused here.
    new = await limiter.hit("mfa", user="new", ip="192.0.2.2")
    assert (new.source, new.allowed) == (Source.FALLBACK, True)

    login = ("auth2", "rehearsal", gives.settings.control.password)
    keys = gives.call("cluster getkeysinslot", slot, 100)
    gives.call("migrate", host, port, "", 0, 5000, *login, "keys", *keys)
    for server in (takes, gives):
        server.call("cluster setslot", slot, "node", identity(target.primary))

    moved = await decided_by_redis(limiter, "mfa", "known")
    assert moved.windows[0].remaining == 2
    # What the fallback admitted counts nowhere.
    assert (await decided_by_redis(limiter, "mfa", "new")).windows[0].remaining == 5
    assert storage_of(limiter).is_available


@pytest.fixture
def kind(either: str) -> str:
    return either


@pytest.mark.plan("5.5")
async def test_shards_work_by_the_configuration_address(start: Start, open_limiter: Open) -> None:
    group = start(shards=3, replicas=1, cluster=True)
    for prefix in ("a", "b", "c", "d"):
        limiter = open_limiter(settings_of(group, group.endpoints.configuration), prefix=prefix)
        assert await limiter.connect()
        for left in reversed(range(5)):
            decision = await limiter.hit("mfa", user="alice", ip="192.0.2.1")
            assert decision.source is Source.REDIS
            assert [window.remaining for window in decision.windows] == [left, left]
        assert not await limiter.hit("mfa", user="bob", ip="192.0.2.1")
    # Prefixes lie on different shards.
    keys = [shard.primary.server.call("dbsize") for shard in group.shards]
    assert sum(size > 0 for size in keys) >= 2


@contextmanager
def stopped(group: Group) -> Iterator[None]:
    """The primary keeps its connections and answers none."""
    pid = group.shards[0].primary.server.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.plan("6.1")
async def test_a_demoted_primary_is_left_at_once(start: Start, open_limiter: Open) -> None:
    group = start()
    limiter = open_limiter(settings_of(group))
    assert await limiter.connect()
    first = await limiter.hit("mfa", user="alice")
    assert (first.source, first.windows[0].remaining) == (Source.REDIS, 4)
    group.shards[0].primary.server.call("wait", 1, 60_000)  # what is not sent is lost
    group.fail_over("0001")
    # The open connection still leads to the old primary, which now answers READONLY.
    decision = await limiter.hit("mfa", user="alice")
    assert decision.source is Source.REDIS
    assert decision.windows[0].remaining == 3


@pytest.mark.plan("6.1")
async def test_limits_survive_the_loss_of_the_primary(start: Start, open_limiter: Open) -> None:
    group = start()
    limiter = open_limiter(settings_of(group), deadline=0.05)
    await limiter.connect()
    # On a busy machine Redis counts some whose answer is too late.
    while await decided_by_redis(limiter, "mfa", "alice"):
        await limiter.hit("mfa", user="alice")
    old = group.shards[0].primary
    assert old.server.call("wait", 2, 2000) == 2
    os.kill(old.server.pid, signal.SIGKILL)
    await decided_by_redis(limiter, "general", "alice")
    assert group.shards[0].primary is not old
    # A limiter that remembers nothing has the same answer from the new primary.
    other = open_limiter(settings_of(group), prefix=limiter._prefix)  # noqa: SLF001
    assert await other.connect()
    denied = await other.hit("mfa", user="alice")
    assert (denied.allowed, denied.source) == (False, Source.REDIS)


@pytest.mark.plan("5.5")
async def test_a_redis_that_hangs_stalls_nobody(
    start: Start, open_limiter: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "vibewell_redis")
    group = start(replicas=0)
    limiter = open_limiter(settings_of(group, REDIS_TIMEOUT=LONG), deadline=0.05)
    await limiter.connect()
    assert (await limiter.hit("general", user="alice")).source is Source.REDIS
    with stopped(group):
        longest, sources = 0.0, set()
        for number in range(300):
            began = time.monotonic()
            sources.add((await limiter.hit("general", user=f"u{number}")).source)
            longest = max(longest, time.monotonic() - began)
            await asyncio.sleep(0.002)
        assert sources == {Source.FALLBACK}
        # 50 ms, and what a busy machine adds; the connection itself may hang for minutes.
        assert longest < 60
        counts = storage_of(limiter).counts
        assert counts["opened"] == 1
        # No caller waits for Redis any more once it is known to be away.
        assert counts["late"] < 20
    await decided_by_redis(limiter, "general", "alice")
    assert storage_of(limiter).is_available
    # Logged once each, not with every decision.
    said = [record.message.partition(":")[0] for record in caplog.records]
    for once in ("Redis is away, each tier's fallback decides", "Redis decides again"):
        assert said.count(once) == 1


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        (Fallback.OPEN, [True] * 8),
        (Fallback.CLOSED, [False] * 8),
        (Fallback.LOCAL, [True] * 5 + [False] * 3),
    ],
)
async def test_while_redis_is_away_the_tiers_policy_decides(
    start: Start, open_limiter: Open, policy: Fallback, outcome: list[bool]
) -> None:
    group = start(replicas=0)
    settings = settings_of(group, REDIS_TIMEOUT="200", REDIS_MAX_RECONNECT_ATTEMPTS="0")
    group.stop()
    limiter = open_limiter(settings, fallback={"mfa": policy})
    assert await limiter.connect() is False
    decisions = [await limiter.hit("mfa", user="alice") for _ in range(8)]
    assert {decision.source for decision in decisions} == {Source.FALLBACK}
    assert [decision.allowed for decision in decisions] == outcome
    # A Redis that refuses at once is given up by its errors, long before a deadline.
    counts = storage_of(limiter).counts
    assert (counts["late"], counts["opened"]) == (0, 1)
    denied = outcome.count(False)
    assert limiter.counts["mfa", "fallback_denied"] == denied
    assert limiter.counts["mfa", "fallback_allowed"] == 8 - denied


async def test_closing_leaves_nobody_waiting(start: Start, open_limiter: Open) -> None:
    group = start(replicas=0)
    limiter = open_limiter(settings_of(group, REDIS_TIMEOUT=LONG), deadline=60.0)
    await limiter.connect()
    with stopped(group):
        most = MOST_COMMANDS * MOST_DECISIONS + 1
        waiting = [asyncio.create_task(limiter.hit("general", user=f"u{n}")) for n in range(most)]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(60):
            await limiter.aclose()
            decisions = await asyncio.gather(*waiting)
    assert {decision.source for decision in decisions} == {Source.FALLBACK}


@pytest.mark.plan("6.1")
async def test_a_node_that_only_reads_is_not_back(start: Start, open_limiter: Open) -> None:
    group = start(replicas=0)
    limiter = open_limiter(settings_of(group), deadline=0.05)
    await limiter.connect()
    node = group.shards[0].primary.server
    node.call("replicaof", "127.0.0.1", "1")
    until = time.monotonic() + 3
    while time.monotonic() < until:
        await limiter.hit("general", user=f"u{time.monotonic()}")
        await asyncio.sleep(0.005)
    assert storage_of(limiter).counts["opened"] == 1
    node.call("replicaof", "no", "one")
    await decided_by_redis(limiter, "general", "alice")


async def test_a_redis_that_keeps_no_script_decides_and_it_is_said_once(
    start: Start, open_limiter: Open, caplog: pytest.LogCaptureFixture
) -> None:
    group = start(replicas=0)
    limiter = open_limiter(settings_of(group))
    await limiter.connect()
    node = group.shards[0].primary.server
    before = node.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    for number in range(20):
        node.call("script", "flush")
        assert (await limiter.hit("general", user="alice")).windows[0].remaining == 119 - number
    assert node.info("commandstats")["cmdstat_evalsha"]["calls"] <= before + 3
    assert [record.message for record in caplog.records].count(
        "Redis does not keep the limiter's script: it is sent each time"
    ) == 1


@of_tasks
async def test_two_halves_that_fail_together_are_one_failure(
    start: Start, open_limiter: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = open_limiter(settings_of(start(replicas=0)))
    storage = storage_of(limiter)

    async def lost(*_: object) -> bytes:
        raise ConnectionError("lost")

    monkeypatch.setattr(storage, "_ask", lost)
    for opened in (0, 0, 1):
        await asyncio.gather(*(limiter.hit("general", user=f"u{n}") for n in range(100)))
        assert storage.counts["opened"] == opened


@of_tasks
async def test_a_connection_that_hangs_is_gone_at_once(start: Start, open_limiter: Open) -> None:
    group = start(replicas=0)
    limiter = open_limiter(settings_of(group, REDIS_TIMEOUT=LONG), deadline=0.05)
    await limiter.connect()
    before = len(psutil.Process().net_connections())
    with stopped(group):
        while storage_of(limiter).is_available:
            await limiter.hit("general", user="alice")
        # A farewell over TLS would hold it for the 30 seconds that asyncio gives the peer.
        await conftest.eventually(lambda: len(psutil.Process().net_connections()) < before, 20)
