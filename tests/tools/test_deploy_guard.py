"""What a deployment waits for, and which engine may follow which."""

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from environments.engines import ENGINES
from environments.schema import Settings
from shared.versions import CURRENT_SINCE
from tests.support import Document, Stacks
from tests.tools.account import (
    ACTIVE_USER,
    CLOUDFORMATION,
    DATA,
    GONE,
    STACKS,
    TEMPLATE,
    Case,
    Run,
    case,
    group,
    stack,
)
from tests.variants import Change, changed
from tools import deploy, deploy_guard
from tools.change_sets import prepare
from tools.command import Answer
from tools.deploy_guard import GROUP, LOGIN, check_engine_alone

USER, USERS = LOGIN
USER_STATE, USERS_STATE = "elasticache:DescribeUsers", "elasticache:DescribeUserGroups"
VALKEY = {"CacheClusters[].Engine": "valkey", "CacheClusters[].EngineVersion": "8.0.1"}
REST: Document = {}
BUSY = {"Users[].Status": "modifying"}
OURS = {
    "ReplicationGroupId": "vibewell-redis",
    "UserId": "vibewell-redis-default",
    "UserGroupId": "vibewell-redis-users",
    "Name": "/vibewell/production/redis/REDIS_PASSWORD_SECRET_ARN",
}


def other(kind: str) -> Document:
    """The deployed template has another property in each resource of a type."""
    body = copy.deepcopy(TEMPLATE)
    for one in body["Resources"].values():
        one["Metadata"] = {"aws:cdk:path": "another"}  # no difference
        if one["Type"] == kind:
            one["Properties"]["Description"] = "other words"
    return {"cloudformation:GetTemplate": {"TemplateBody": body}}


def gone(kind: str = GROUP, **policy: str) -> Document:
    """The deployed template has a resource that the checkout does not have any more."""
    body = copy.deepcopy(TEMPLATE)
    body["Resources"]["Gone"] = {"Type": kind, "Properties": {}, **policy}
    return {"cloudformation:GetTemplate": {"TemplateBody": body}}


def added(kind: str) -> Document:
    """The deployed template does not have yet what the checkout has of this type."""
    body = copy.deepcopy(TEMPLATE)
    body["Resources"] = {n: one for n, one in body["Resources"].items() if one["Type"] != kind}
    return {"cloudformation:GetTemplate": {"TemplateBody": body}}


def scaled() -> Document:
    """The deployed template is of a later ``make scale``."""
    body = TEMPLATE | {"Metadata": {"Scaled": "2026-11-30T10:00:00Z"}}
    return {"cloudformation:GetTemplate": {"TemplateBody": body}}


def token(*labels: str, hours: float | None = None) -> Document:
    """Versions with these labels; AWSCURRENT moved so long ago, if that is known."""
    found: Document = {"VersionIdsToStages": {f"v{n}": [one] for n, one in enumerate(labels)}}
    if hours is not None:
        moved = datetime.now(UTC) - timedelta(hours=hours)
        value = f"v0 v1 {moved.isoformat(timespec='seconds')}"
        found["Tags"] = [{"Key": CURRENT_SINCE, "Value": value}]
    return {"secretsmanager:DescribeSecret": found}


MOVED = ("AWSCURRENT", "AWSPREVIOUS")
ROTATED = token("AWSCURRENT", "AWSPENDING")


@pytest.mark.plan("2.3")
@pytest.mark.parametrize(
    ("kind", "answers", "says"),
    [
        *((kind, REST, None) for kind in (USER, USERS, GROUP)),
        (USER, token(*MOVED, hours=24.1), None),
        (USER, {"ssm:GetParameter": "ParameterNotFound"} | ROTATED, None),  # not deployed
        *((kind, ROTATED, "is being rotated.*Try again in 25 min") for kind in LOGIN),
        # What is left of the 24 hours, then 20 min for the change and two runs of the schedule.
        (USER, lambda: token(*MOVED, hours=20), "not retired yet.*Try again in 4 h 30 min"),
        (USER, token(*MOVED), "not retired yet.*Try again in 24 h 30 min"),
        (USER, group(Status="modifying"), "is modifying.*takes no second change"),
        (USER, {USER_STATE: ACTIVE_USER | BUSY}, "is modifying.*takes no second change"),
        (USER, {USERS_STATE: {"UserGroups[].Status": "modifying"}}, "is modifying.*no second"),
        (
            USER,
            {USER_STATE: ACTIVE_USER | {"Users[].Authentication.PasswordCount": 2}},
            "has 2 passwords.*Try again in 25 min",
        ),
        (GROUP, ROTATED | {USER_STATE: ACTIVE_USER | BUSY}, None),
        (GROUP, group(Status="modifying"), "is modifying.*takes no second change"),
        (GROUP, GONE, "no group vibewell-redis.*make restore ENV=production"),
        ("AWS::KMS::Key", ROTATED | group(Status="modifying"), None),
        ("no such type", ROTATED | group(Status="modifying"), None),
        (GROUP, stack("UPDATE_IN_PROGRESS"), "is UPDATE_IN_PROGRESS"),
        (GROUP, scaled(), "was scaled by make scale at 2026-11-30"),
        (GROUP, gone(), r"Gone \(.*ReplicationGroup\) would be deleted"),
        *((GROUP, gone(DeletionPolicy=f"Retain{on}"), None) for on in ("", "ExceptOnCreate")),
        *((USER, how(USER) | ROTATED, "is being rotated") for how in (added, gone)),
        (
            GROUP,
            {"elasticache:DescribeCacheClusters": VALKEY},
            "deploy: environments/production.toml asks for redis-6.2, which is older than what "
            "vibewell-redis runs: valkey-8.0. ElastiCache does not go back in place. Write engine "
            '= "valkey-8.0", or restore a snapshot from before the upgrade',
        ),
    ],
)
def test_what_a_deployment_changes_decides_what_it_waits_for(
    kind: str, answers: Document | Callable[[], Document], says: str | None, run: Run
) -> None:
    given = answers() if callable(answers) else answers  # a time of day counts from this moment
    ended = run(Case(deploy_guard.main, "production", "", other(kind) | given))
    assert ended.status == int(says is not None), ended.said
    assert re.search(says or "", ended.said), ended.said
    assert ended.changes == []
    for _, asked in ended.called:  # of this environment's, and of nobody else's
        assert all(OURS.get(key, value) == value for key, value in asked.items()), asked


@pytest.mark.plan("7.1")
@pytest.mark.parametrize("now", ENGINES)
def test_an_engine_becomes_itself_and_each_later_one_and_valkey_7_2_redis_7_1_again(
    now: str,
) -> None:
    names = [*ENGINES]
    back = {"redis-7.1"} if now == "valkey-7.2" else set()
    allowed = {wanted for wanted in names if ENGINES[now].may_become(ENGINES[wanted])}
    assert allowed == {*names[names.index(now) :], *back}


def alone(
    run: Run, document: Document, change: Change, there: Stacks, status: str = "UPDATE_COMPLETE"
) -> str:
    """What is said of a change of production's settings while these stacks are deployed."""
    settings = Settings.model_validate(changed(document, change))

    def described(asked: Document) -> Document | str:
        if asked["StackName"] not in there:
            return "ValidationError"
        tags = there[asked["StackName"]].artifact["properties"].get("tags", {})
        tags = [{"Key": key, "Value": tags[key]} for key in tags]
        return {"Stacks[].StackStatus": status, "Stacks[].Tags": tags}

    def deployed(asked: Document) -> Document:
        body = there[asked["StackName"]].body
        metadata = {"Metadata": {"aws:cdk:path": "x"}}  # as the command line deploys them
        resources = {name: {**one, **metadata} for name, one in body["Resources"].items()}
        return {"TemplateBody": {**body, "Resources": resources}}

    answers = {STACKS: described, "cloudformation:GetTemplate": deployed}
    ended = run(case(lambda: check_engine_alone(settings, CLOUDFORMATION), answers))
    assert ended.status == int(not ended.said.startswith("None\n"))
    return ended.said


@pytest.mark.plan("7.1")
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
    run: Run, production_stacks: Stacks, document: Document, change: Change, says: str | None
) -> None:
    said = alone(run, document, change, production_stacks)
    if says is None:
        assert said.startswith("None\n")
    else:
        assert "environments/production.toml: redis.engine: it changes from redis-" in said
        assert says in said
        assert 'Write engine = "redis-6.2" and deploy the rest' in said


@pytest.mark.plan("7.1")
@pytest.mark.parametrize(
    ("missing", "status", "says"),
    [
        ("monitoring", "UPDATE_COMPLETE", "production-monitoring, which is not deployed"),
        ("vibewell", "UPDATE_COMPLETE", "None\n"),
        ("none", "ROLLBACK_COMPLETE", "None\n"),
        ("none", "REVIEW_IN_PROGRESS", "None\n"),
    ],
)
def test_an_engine_changes_with_every_stack_there_and_at_a_first_creation(
    run: Run, production_stacks: Stacks, document: Document, missing: str, status: str, says: str
) -> None:
    there = {name: one for name, one in production_stacks.items() if missing not in name}
    more = {"redis.snapshot_retention_days": 9} if says == "None\n" else {}
    change: Change = {"redis.engine": "redis-7.0", **more}
    assert says in alone(run, document, change, there, status)


@pytest.mark.plan("7.1")
def test_an_output_is_another_change(
    run: Run, production_stacks: Stacks, document: Document
) -> None:
    more = {"Outputs": {"More": {"Value": "x"}}}
    there = {key: replace(one, body=one.body | more) for key, one in production_stacks.items()}
    assert f"More of {DATA}" in alone(run, document, {"redis.engine": "redis-7.0"}, there)


@pytest.mark.plan("7.1")
@pytest.mark.parametrize(
    ("module", "arguments"), [(deploy, "production - 1 true"), (prepare, "production cdk")]
)
def test_nothing_is_deployed_or_prepared_when_the_engine_does_not_change_alone(
    module: Any, arguments: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Answer("not alone")

    monkeypatch.setattr(module, "check_engine_alone", refuse)
    ended = run(Case(module.main, arguments, ""))
    assert (ended.status, ended.said, ended.changes) == (1, "not alone\n", [])
