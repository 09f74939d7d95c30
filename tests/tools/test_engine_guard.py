"""Which engine may follow which, and what a user reads who asks for an older one."""

from collections.abc import Callable
from typing import Any

import pytest

from environments.engines import ENGINES
from environments.schema import Settings
from tests.rehearsal.elasticache.conftest import Rehearsed, rehearsed, start
from tools.engine_guard import EngineCannotGoBack, check_engine, running

__all__ = ["rehearsed", "start"]

pytestmark = pytest.mark.plan("7.1")

NAMES = list(ENGINES)


@pytest.mark.parametrize("now", NAMES)
def test_every_engine_may_become_itself_and_each_later_one(now: str) -> None:
    later = NAMES[NAMES.index(now) :]
    assert all(ENGINES[now].may_become(ENGINES[wanted]) for wanted in later)


@pytest.mark.parametrize("now", NAMES)
def test_of_the_earlier_ones_only_valkey_7_2_goes_back_to_redis_7_1(now: str) -> None:
    earlier = NAMES[: NAMES.index(now)]
    allowed = [wanted for wanted in earlier if ENGINES[now].may_become(ENGINES[wanted])]
    assert allowed == (["redis-7.1"] if now == "valkey-7.2" else [])


@pytest.fixture
def group(rehearsed: Rehearsed, production: Settings) -> Callable[[str, str], Callable[..., Any]]:
    """Production's group on this engine; returns what makes a client of a service."""

    def run(engine: str, version: str) -> Callable[..., Any]:
        rehearsed.create(
            ReplicationGroupId=production.redis.replication_group_id,
            Engine=engine,
            EngineVersion=version,
        )
        return lambda _service: rehearsed.client

    return run


def test_an_older_engine_is_refused_with_what_runs_and_what_to_write(
    group: Callable[[str, str], Callable[..., Any]], production: Settings
) -> None:
    client = group("valkey", "8.0")
    with pytest.raises(EngineCannotGoBack) as refusal:
        check_engine(production, client)
    assert str(refusal.value) == (
        "deploy: environments/production.toml asks for redis-6.2, which is older than what "
        "vibewell-redis runs: valkey-8.0. ElastiCache does not go back in place. Write engine = "
        '"valkey-8.0", or restore a snapshot from before the upgrade (docs/upgrades.md, The way '
        "back)."
    )


def test_the_engine_that_runs_is_deployed_again(
    group: Callable[[str, str], Callable[..., Any]], production: Settings
) -> None:
    client = group("redis", "6.2")
    found = running(production, client("elasticache"))
    assert found == production.redis.engine
    check_engine(production, client)


def test_before_the_first_deployment_every_engine_is_taken(
    rehearsed: Rehearsed, production: Settings
) -> None:
    assert running(production, rehearsed.client) is None
    check_engine(production, lambda _service: rehearsed.client)
