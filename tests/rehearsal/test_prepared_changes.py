"""A change is prepared, read, and executed as it was approved, or not at all."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.clean_environment import ROOT
from rehearsal.common import commands
from rehearsal.common.deployed import described
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import deploy

pytestmark = pytest.mark.plan("2.4")

DATA = "vibewell-redis-production-data"
OPERATIONS = "vibewell-redis-production-operations"
EXECUTE = "tools.change_sets.execute"


Done = subprocess.CompletedProcess[str]


def keep_days(rehearsal: Rehearsal, days: int) -> None:
    rehearsal.checkout.set("redis.snapshot_retention_days", days)


def days_in_aws(rehearsal: Rehearsal) -> int:
    return int(described(rehearsal)["SnapshotRetentionLimit"])


def prepare(rehearsal: Rehearsal) -> Done:
    rehearsal.cdk.synth("production")
    return commands.run(rehearsal, commands.prepare(rehearsal))


def record(rehearsal: Rehearsal) -> Path:
    return rehearsal.checkout.folder / "build/prepared/production.json"


def run(rehearsal: Rehearsal, tool: str) -> Done:
    return commands.run(rehearsal, commands.module(tool, "production"))


def deploy_roles(rehearsal: Rehearsal) -> Done:
    app = f"{ROOT / '.venv/bin/python'} -O -m tools.delivery_app"
    output = str(rehearsal.checkout.folder / "cdk.out.delivery")
    options = ("--app", app, "--output", output, "--require-approval", "never")
    stack = "vibewell-redis-production-delivery"
    return commands.run(rehearsal, [*commands.cdk(rehearsal), "deploy", *options, stack])


def change_sets(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    """Those that could still be executed, of every stack."""
    cloudformation = rehearsal.aws("cloudformation")
    return [
        found
        for stack in rehearsal.cdk.stacks
        for found in cloudformation.list_change_sets(StackName=stack)["Summaries"]
        if found["ExecutionStatus"] == "AVAILABLE"
    ]


@pytest.fixture(scope="module", autouse=True)
def _as_it_was(deployed: Rehearsal) -> Iterator[None]:
    """Deployed in the end as it was: the tests between leave what they have deployed."""
    before = days_in_aws(deployed)
    yield
    deployed.cdk.synth("production")
    if days_in_aws(deployed) != before:
        deploy(deployed)


@pytest.fixture(autouse=True)
def _settings(deployed: Rehearsal) -> Iterator[None]:
    """The settings are afterwards as they were."""
    before = deployed.checkout.file.read_text()
    yield
    deployed.checkout.file.write_text(before)


def test_what_was_prepared_last_is_executed_once_and_nothing_before_that(
    deployed: Rehearsal,
) -> None:
    days = days_in_aws(deployed)
    keep_days(deployed, days + 1)
    assert prepare(deployed).returncode == 0
    replaced = {found["ChangeSetId"] for found in change_sets(deployed)}
    prepared = prepare(deployed)
    assert prepared.returncode == 0, prepared.stderr
    assert "| SnapshotRetentionLimit |" in prepared.stdout
    assert days_in_aws(deployed) == days
    # The health check reads what to expect: the group and its check change together.
    there = {found["ChangeSetId"]: found["StackName"] for found in change_sets(deployed)}
    assert {*there.values()} == {DATA, OPERATIONS}
    assert len(replaced) == len(there) == 2
    assert replaced.isdisjoint(there)

    executed = run(deployed, EXECUTE)
    assert executed.returncode == 0, executed.stderr
    assert days_in_aws(deployed) == days + 1
    assert "Number of stacks with differences: 0" in deployed.cdk.diff()
    assert run(deployed, "tools.health").returncode == 0

    again = run(deployed, EXECUTE)
    assert again.returncode == 1
    assert f"execute: {DATA} was changed at" in again.stderr


def test_without_a_difference_nothing_is_prepared_and_nothing_executed(deployed: Rehearsal) -> None:
    keep_days(deployed, days_in_aws(deployed))
    prepared = prepare(deployed)
    assert prepared.returncode == 0, prepared.stderr
    assert "There is nothing to execute." in prepared.stdout
    stacks = json.loads(record(deployed).read_text())["stacks"]
    assert [stack["change_set"] for stack in stacks] == [None] * 3
    assert change_sets(deployed) == []
    executed = run(deployed, EXECUTE)
    assert (executed.returncode, executed.stderr) == (0, "")


@pytest.mark.long
def test_a_change_that_would_replace_the_group_leaves_nothing_to_execute(
    deployed: Rehearsal,
) -> None:
    record(deployed).unlink(missing_ok=True)
    deployed.checkout.set("redis.replication_group_id", "vibewell-other")
    refused = prepare(deployed)
    assert refused.returncode == 1
    assert "(AWS::ElastiCache::ReplicationGroup) would be replaced" in refused.stderr
    assert "docs/reference/migrations.md" in refused.stderr
    assert not record(deployed).exists()
    assert change_sets(deployed) == []


@pytest.mark.long
@pytest.mark.plan("7.1")
def test_an_engine_is_prepared_alone_and_with_nothing_else(deployed: Rehearsal) -> None:
    days = days_in_aws(deployed)
    deployed.checkout.set("redis.engine", "valkey-8.0")
    keep_days(deployed, days + 1)
    refused = prepare(deployed)
    assert refused.returncode == 1
    assert "it changes from redis-6.2 to valkey-8.0 together with RedisGroup" in refused.stderr
    assert change_sets(deployed) == []
    keep_days(deployed, days)
    alone = prepare(deployed)
    assert alone.returncode == 0, alone.stderr
    assert "EngineVersion" in alone.stdout
    assert days_in_aws(deployed) == days


def test_what_was_changed_past_cloudformation_is_drift(deployed: Rehearsal) -> None:
    logs, name = deployed.aws("logs"), "/aws/lambda/vibewell-redis-production-health"
    (group,) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][:1]
    assert group["logGroupName"] == name
    # The rotation writes into the secret's tags when its token came, and that is no drift.
    deployed.aws("lambda").invoke(
        FunctionName="vibewell-redis-production-rotation", Payload=b'{"reconcile": true}'
    )
    none = run(deployed, "tools.drift")
    assert none.returncode == 0, none.stdout + none.stderr
    logs.put_retention_policy(logGroupName=name, retentionInDays=1)
    try:
        found = run(deployed, "tools.drift")
    finally:
        logs.put_retention_policy(logGroupName=name, retentionInDays=group["retentionInDays"])
    assert found.returncode == 1
    assert f"✗ Logs::LogGroup {name.split('/')[-1]}, RetentionInDays: 1  (wanted:" in found.stdout
    assert "1 difference " in found.stdout
    assert run(deployed, "tools.drift").returncode == 0


def test_the_roles_of_the_workflows_are_an_app_of_their_own_and_opt_in(deployed: Rehearsal) -> None:
    refused = deploy_roles(deployed)
    assert refused.returncode != 0
    assert "environments/production.toml: delivery: this table is missing" in refused.stderr
    # The identity provider is the one thing that the embedded AWS cannot make.
    delivery = {"repository": "vibewell@1/redis@2", "approval": True}
    deployed.checkout.set("delivery", delivery | {"own_identity_provider": False})
    made = deploy_roles(deployed)
    assert made.returncode == 0, made.stdout + made.stderr
    role = deployed.aws("iam").get_role(RoleName="vibewell-redis-production-deliver")["Role"]
    subject = "repo:vibewell@1/redis@2:environment:production"
    assert subject in json.dumps(role["AssumeRolePolicyDocument"])
    deployed.cdk.synth("production")
    assert not [name for name in deployed.cdk.stacks if "delivery" in name]
