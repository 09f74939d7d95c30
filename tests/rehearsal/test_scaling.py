"""The limiter on a deployment in cluster mode, and builds of it that must not get through.

The tests are in the order of the short form: the last one makes the deployment grow.
"""

import re
from collections.abc import Callable, Iterator

import pytest

from benchmarks.capacity import rendered
from environments import scaling
from rehearsal.common import commands, steps
from rehearsal.common.checks import CHECKS
from rehearsal.common.deployed import Deployed
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import started
from rehearsal.common.steps import DEPLOYED, follow
from rehearsal.scaling import sharded
from tests.support import ROOT
from vibewell_redis import keys, script
from vibewell_redis.asyncio import RedisStorage
from vibewell_redis.limits import RateLimitItem


@pytest.fixture(scope="module")
def deployed_in_shards() -> Iterator[Rehearsal]:
    with started() as rehearsal:
        follow(rehearsal, DEPLOYED[:2])
        sharded.in_cluster_mode(rehearsal)
        follow(rehearsal, DEPLOYED[2:])
        yield rehearsal
        steps.judge(rehearsal)


DOCUMENT = (ROOT / "docs" / "operate" / "scaling.md").read_text()


@pytest.mark.plan("1")
@pytest.mark.parametrize("line", scaling.WORDS)
def test_every_line_in_the_document_was_deployed_word_for_word(line: str) -> None:
    assert f"`{line}`" in DOCUMENT


@pytest.mark.slow
@pytest.mark.plan("5.1", "5.3")
def test_the_documents_tables_follow_from_the_figures_and_what_was_written_by_hand_is_found() -> (
    None
):
    changed = DOCUMENT.replace("cache.t3.medium |", "cache.t3.medium  |", 1)
    assert rendered(changed) == DOCUMENT != changed


# Or there was no time for a decision of either kind on a busy machine.
NOT_BY_REDIS = r"decisions were the fallback's|Redis decided only \d+ requests"


@pytest.mark.plan("1")
@pytest.mark.parametrize(("what", "check"), CHECKS)
def test_what_was_asked_for_is_there(
    what: str, check: Callable[[Rehearsal], str], deployed_in_shards: Rehearsal
) -> None:
    assert check(deployed_in_shards), what


@pytest.mark.plan("8")
def test_make_look_asks_every_node_of_every_shard_and_says_its_role(
    deployed_in_shards: Rehearsal,
) -> None:
    look = commands.module("tools.look", "production", "connections")
    said = commands.printed(deployed_in_shards, look)
    names, roles = re.findall(r"^Redis, clients +(.*)\n +(.*)$", said, re.M)[0]
    assert names.split() == sorted(Deployed.of(deployed_in_shards).nodes)
    assert sorted(roles.split()) == ["primary"] * 3 + ["replica"] * 3


@pytest.mark.plan("5.5")
def test_all_that_one_limiter_keeps_lies_on_one_shard(deployed_in_shards: Rehearsal) -> None:
    said = sharded.one_prefix_is_on_one_shard(deployed_in_shards)
    assert "on one shard of 3, none on the others" in said


@pytest.mark.plan("5.5")
def test_decisions_are_exact_on_every_shard(deployed_in_shards: Rehearsal) -> None:
    assert "none wrong, 7 prefixes on 3 shards" in sharded.every_shard_decides(deployed_in_shards)


def test_a_limiter_that_admits_one_too_many_does_not_get_through(
    deployed_in_shards: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = script.policy
    monkeypatch.setattr(script, "policy", lambda requests, seconds: policy(requests + 1, seconds))

    def decide() -> None:
        for _ in range(20):  # slow answers prove nothing
            sharded.every_shard_decides(deployed_in_shards)

    with pytest.raises(RehearsalError, match="admitted 21 times in a window that holds 20"):
        decide()


def test_keys_without_a_common_hash_tag_do_not_get_through(
    deployed_in_shards: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def apart(prefix: str, item: RateLimitItem, kind: str) -> str:
        return f"{{{prefix}:{kind}}}:{item.name}:"

    monkeypatch.setattr(keys, "stem", apart)
    with pytest.raises(RehearsalError, match=NOT_BY_REDIS):
        sharded.every_shard_decides(deployed_in_shards)


def test_a_client_that_does_not_follow_to_the_shard_does_not_get_through(
    deployed_in_shards: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_self: RedisStorage, problem: Exception) -> str:
        raise problem

    monkeypatch.setattr(RedisStorage, "_recover", refuse)
    with pytest.raises(RehearsalError, match=NOT_BY_REDIS):
        sharded.every_shard_decides(deployed_in_shards)


@pytest.mark.plan("5.5")
def test_a_shard_that_loses_its_primary_loses_no_count_and_disturbs_no_other(
    deployed_in_shards: Rehearsal,
) -> None:
    said = sharded.a_shard_loses_its_primary(deployed_in_shards)
    assert said.startswith("no count lost")


@pytest.mark.long
@pytest.mark.plan("1")
def test_one_line_adds_a_shard_under_the_limiter_and_no_count_is_lost(
    deployed_in_shards: Rehearsal,
) -> None:
    said = sharded.one_more_shard(deployed_in_shards)
    assert "none wrong" in said
    assert said.endswith("of the others none")
