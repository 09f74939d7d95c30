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


class Checkout:
    """The rehearsal's checkout, in which the commands behind make are run."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._folder = rehearsal.checkout.folder
        self._before = rehearsal.checkout.file.read_text()

    @property
    def record(self) -> Path:
        return self._folder / "build/prepared/production.json"

    def keep_days(self, days: int) -> None:
        self._rehearsal.checkout.set("redis.snapshot_retention_days", days)

    def synth(self) -> None:
        """What the settings say."""
        self._rehearsal.cdk.synth("production")

    def deploy(self) -> None:
        self.synth()
        deploy(self._rehearsal)

    def put_back(self) -> None:
        """The settings as they were."""
        self._rehearsal.checkout.file.write_text(self._before)

    def days_in_aws(self) -> int:
        days: int = described(self._rehearsal)["SnapshotRetentionLimit"]
        return days

    def prepare(self) -> "subprocess.CompletedProcess[str]":
        self.synth()
        return commands.run(self._rehearsal, commands.prepare(self._rehearsal))

    def run(self, tool: str) -> "subprocess.CompletedProcess[str]":
        return commands.run(self._rehearsal, commands.module(tool, "production"))

    def deploy_roles(self) -> "subprocess.CompletedProcess[str]":
        app = f"{ROOT / '.venv/bin/python'} -O -m tools.delivery_app"
        output = str(self._folder / "cdk.out.delivery")
        options = ("--app", app, "--output", output, "--require-approval", "never")
        cdk = commands.cdk(self._rehearsal)
        stack = "vibewell-redis-production-delivery"
        return commands.run(self._rehearsal, [*cdk, "deploy", *options, stack])


def change_sets(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    """Those that could still be executed, of every stack."""
    cloudformation = rehearsal.aws("cloudformation")
    return [
        found
        for stack in rehearsal.cdk.stacks
        for found in cloudformation.list_change_sets(StackName=stack)["Summaries"]
        if found["ExecutionStatus"] == "AVAILABLE"
    ]


@pytest.fixture(scope="module")
def shared(deployed: Rehearsal) -> Iterator[Checkout]:
    """Deployed in the end as it was: the tests between leave what they have deployed."""
    checkout = Checkout(deployed)
    before = checkout.days_in_aws()
    yield checkout
    checkout.put_back()
    checkout.synth()
    if checkout.days_in_aws() != before:
        checkout.deploy()


@pytest.fixture
def checkout(shared: Checkout) -> Iterator[Checkout]:
    yield shared
    shared.put_back()


def test_what_was_prepared_last_is_executed_once_and_nothing_before_that(
    deployed: Rehearsal, checkout: Checkout
) -> None:
    days = checkout.days_in_aws()
    checkout.keep_days(days + 1)
    assert checkout.prepare().returncode == 0
    replaced = {found["ChangeSetId"] for found in change_sets(deployed)}
    prepared = checkout.prepare()
    assert prepared.returncode == 0, prepared.stderr
    assert "| SnapshotRetentionLimit |" in prepared.stdout
    assert checkout.days_in_aws() == days
    # The health check reads what to expect: the group and its check change together.
    there = {found["ChangeSetId"]: found["StackName"] for found in change_sets(deployed)}
    assert {*there.values()} == {DATA, OPERATIONS}
    assert len(replaced) == len(there) == 2
    assert replaced.isdisjoint(there)

    executed = checkout.run(EXECUTE)
    assert executed.returncode == 0, executed.stderr
    assert checkout.days_in_aws() == days + 1
    assert "Number of stacks with differences: 0" in deployed.cdk.diff()
    assert checkout.run("tools.health").returncode == 0

    again = checkout.run(EXECUTE)
    assert again.returncode == 1
    assert f"execute: {DATA} was changed at" in again.stderr


def test_without_a_difference_nothing_is_prepared_and_nothing_executed(
    deployed: Rehearsal, checkout: Checkout
) -> None:
    checkout.keep_days(checkout.days_in_aws())
    prepared = checkout.prepare()
    assert prepared.returncode == 0, prepared.stderr
    assert "There is nothing to execute." in prepared.stdout
    assert [stack["change_set"] for stack in json.loads(checkout.record.read_text())["stacks"]] == [
        None,
        None,
        None,
    ]
    assert change_sets(deployed) == []
    executed = checkout.run(EXECUTE)
    assert (executed.returncode, executed.stderr) == (0, "")


@pytest.mark.long
def test_a_change_that_would_replace_the_group_leaves_nothing_to_execute(
    deployed: Rehearsal, checkout: Checkout
) -> None:
    checkout.record.unlink(missing_ok=True)
    deployed.checkout.set("redis.replication_group_id", "vibewell-other")
    refused = checkout.prepare()
    assert refused.returncode == 1
    assert "(AWS::ElastiCache::ReplicationGroup) would be replaced" in refused.stderr
    assert "docs/reference/migrations.md" in refused.stderr
    assert not checkout.record.exists()
    assert change_sets(deployed) == []


@pytest.mark.long
@pytest.mark.plan("7.1")
def test_an_engine_is_prepared_alone_and_with_nothing_else(
    deployed: Rehearsal, checkout: Checkout
) -> None:
    days = checkout.days_in_aws()
    deployed.checkout.set("redis.engine", "valkey-8.0")
    checkout.keep_days(days + 1)
    refused = checkout.prepare()
    assert refused.returncode == 1
    assert "it changes from redis-6.2 to valkey-8.0 together with RedisGroup" in refused.stderr
    assert change_sets(deployed) == []
    checkout.keep_days(days)
    alone = checkout.prepare()
    assert alone.returncode == 0, alone.stderr
    assert "EngineVersion" in alone.stdout
    assert checkout.days_in_aws() == days


def test_what_was_changed_past_cloudformation_is_drift(
    deployed: Rehearsal, checkout: Checkout
) -> None:
    logs, name = deployed.aws("logs"), "/aws/lambda/vibewell-redis-production-health"
    (group,) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][:1]
    assert group["logGroupName"] == name
    # The rotation writes into the secret's tags when its token came, and that is no drift.
    deployed.aws("lambda").invoke(
        FunctionName="vibewell-redis-production-rotation", Payload=b'{"reconcile": true}'
    )
    none = checkout.run("tools.drift")
    assert none.returncode == 0, none.stdout + none.stderr
    logs.put_retention_policy(logGroupName=name, retentionInDays=1)
    try:
        found = checkout.run("tools.drift")
    finally:
        logs.put_retention_policy(logGroupName=name, retentionInDays=group["retentionInDays"])
    assert found.returncode == 1
    assert f"✗ Logs::LogGroup {name.split('/')[-1]}, RetentionInDays: 1  (wanted:" in found.stdout
    assert "1 difference " in found.stdout
    assert checkout.run("tools.drift").returncode == 0


def test_the_roles_of_the_workflows_are_an_app_of_their_own_and_opt_in(
    deployed: Rehearsal, checkout: Checkout
) -> None:
    refused = checkout.deploy_roles()
    assert refused.returncode != 0
    assert "environments/production.toml: delivery: this table is missing" in refused.stderr
    # The identity provider is the one thing that the embedded AWS cannot make.
    delivery = {"repository": "vibewell@1/redis@2", "approval": True}
    deployed.checkout.set("delivery", delivery | {"own_identity_provider": False})
    made = checkout.deploy_roles()
    assert made.returncode == 0, made.stdout + made.stderr
    role = deployed.aws("iam").get_role(RoleName="vibewell-redis-production-deliver")["Role"]
    subject = "repo:vibewell@1/redis@2:environment:production"
    assert subject in json.dumps(role["AssumeRolePolicyDocument"])
    checkout.synth()
    assert not [name for name in deployed.cdk.stacks if "delivery" in name]
