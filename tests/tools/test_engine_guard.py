"""Which engine may follow which, and what a user reads who asks for an older one."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from botocore.exceptions import ClientError

from environments.engines import ENGINES
from environments.schema import Settings
from tests.emulator.elasticache.conftest import Rehearsed, rehearsed, start
from tests.support import Document, Stacks
from tests.variants import Change, changed
from tools.command import Answer
from tools.engine_guard import check_engine, check_engine_alone

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
    with pytest.raises(Answer) as refusal:
        check_engine(production, client)
    assert str(refusal.value) == (
        "deploy: environments/production.toml asks for redis-6.2, which is older than what "
        "vibewell-redis runs: valkey-8.0. ElastiCache does not go back in place. Write engine = "
        '"valkey-8.0", or restore a snapshot from before the upgrade (docs/operate/upgrades.md, '
        "The way back)."
    )


class Deployed:
    """CloudFormation, with production deployed but for the stacks that are ``missing``."""

    def __init__(
        self, templates: Stacks, *missing: str, status: str = "UPDATE_ROLLBACK_COMPLETE"
    ) -> None:
        self._there = {name: one for name, one in templates.items() if name not in missing}
        self._status = status

    def describe_stacks(self, *, StackName: str) -> Document:  # noqa: N803 - AWS's name
        if StackName not in self._there:
            error = {"Code": "ValidationError", "Message": f"{StackName} does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        tags = self._there[StackName].artifact["properties"].get("tags", {})
        described = [{"Key": key, "Value": tags[key]} for key in tags]
        return {"Stacks": [{"StackStatus": self._status, "Tags": described}]}

    def get_template(self, *, StackName: str) -> Document:  # noqa: N803 - AWS's name
        body = self._there[StackName].body
        resources = {
            # As the command line deploys them.
            name: {**one, "Metadata": {"aws:cdk:path": name}}
            for name, one in body["Resources"].items()
        }
        return {"TemplateBody": {**body, "Resources": resources}}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"redis.engine": "valkey-8.0"}, None),
        ({"redis.snapshot_retention_days": 9}, None),  # the engine stays
        (
            {"redis.engine": "redis-7.0", "redis.snapshot_retention_days": 9},
            "RedisGroup88ACAA33 of vibewell-redis-production-data",
        ),
        (
            {"redis.engine": "redis-7.0", "redis.parameters.timeout": 200},
            "Parameters of vibewell-redis-production-data",
        ),
        (
            {"redis.engine": "redis-7.0", "alarms.connections.warning": 900},
            "of vibewell-redis-production-monitoring",
        ),
        (
            {"redis.engine": "redis-7.0", "environment.tags.owner": "another"},
            "the tags of vibewell-redis-production-operations",
        ),
    ],
)
def test_an_engine_changes_alone(
    templates: Stacks, document: Document, change: Change, says: str | None
) -> None:
    settings = Settings.model_validate(changed(document, change))
    with pytest.raises(Answer) if says else nullcontext() as refused:
        check_engine_alone(settings, Deployed(templates))
    if says:
        said = str(refused.value) if refused else ""
        assert said.startswith("environments/production.toml: redis.engine: it changes from redis-")
        assert says in said
        assert 'Write engine = "redis-6.2" and deploy the rest' in said


def test_an_engine_does_not_change_while_a_stack_is_missing(
    templates: Stacks, document: Document
) -> None:
    settings = Settings.model_validate(changed(document, {"redis.engine": "redis-7.0"}))
    monitoring = "vibewell-redis-production-monitoring"
    with pytest.raises(Answer, match=f"{monitoring}, which is not deployed"):
        check_engine_alone(settings, Deployed(templates, monitoring))


@pytest.mark.parametrize("status", ["", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_a_first_creation_takes_any_engine_at_each_attempt(
    templates: Stacks, document: Document, status: str
) -> None:
    settings = Settings.model_validate(changed(document, {"redis.engine": "redis-7.0"}))
    check_engine_alone(settings, Deployed(templates if status else {}, status=status))
