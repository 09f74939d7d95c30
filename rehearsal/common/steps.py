"""The steps that scenarios begin and end with; each returns what it checked in a few words."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from aws_rules.iam import CannotBeJudged
from emulator.clean_environment import ACCOUNT, REGION, ROOT
from emulator.iam import network
from emulator.iam.alarms import announcements
from emulator.iam.network import lost, read_account
from emulator.iam.template import Deployment
from emulator.iam.verdict import Connection, Judge, Nodes, calls
from rehearsal.common.account import PROFILES, make_secret, make_surroundings
from rehearsal.common.deployed import GROUP, USER, USERS, described
from rehearsal.common.errors import RehearsalError, eventually, expect, expect_that
from rehearsal.common.existence import exists, has_address
from rehearsal.common.rehearsal import Rehearsal, Resource, only, paged, resources


def bootstrap(rehearsal: Rehearsal) -> str:
    """`cdk bootstrap`, as every account needs it once."""
    rehearsal.cdk.bootstrap(rehearsal.folder / "no-app", PROFILES[rehearsal.account].qualifier)
    return ""


def surroundings(rehearsal: Rehearsal) -> str:
    """Copy the checkout, and make what its settings expect to find."""
    rehearsal.checkout.make()
    rehearsal.ask("seed")
    make_secret(rehearsal.aws)
    vpc = rehearsal.checkout.settings["network"]["vpc"]
    made = "a secret; the deployment makes the network"
    if vpc["kind"] != "own":
        found = make_surroundings(
            rehearsal.aws,
            vpc_name=vpc["vpc_name"],
            application_group=vpc["application_security_group_name"],
            isolated=vpc["subnets"] == "isolated",
            per_zone=PROFILES[rehearsal.account].private_subnets,
        )
        made = f"{vpc['vpc_name']} is {found}"
    profile = PROFILES[rehearsal.account]
    if profile.used:
        rehearsal.aws("iam").create_service_linked_role(AWSServiceName="elasticache.amazonaws.com")
    profile.furnish(rehearsal)
    groups = rehearsal.aws("ec2").describe_security_groups()["SecurityGroups"]
    rehearsal.neighbours = [group["GroupId"] for group in groups]
    subnets = rehearsal.aws("ec2").describe_subnets()["Subnets"]
    rehearsal.cdk.account = " ".join([*rehearsal.neighbours, *(one["SubnetId"] for one in subnets)])
    return "; ".join([made, *rehearsal.checkout.instead])


def synth(rehearsal: Rehearsal) -> str:
    """The look-ups must have been answered by the embedded AWS, not by a committed context."""
    rehearsal.cdk.synth(rehearsal.checkout.name)
    context = json.loads((rehearsal.checkout.folder / "cdk.context.json").read_text())
    asked = {key: value for key, value in context.items() if f"account={ACCOUNT}" in key}
    vpcs = {vpc["VpcId"] for vpc in rehearsal.aws("ec2").describe_vpcs()["Vpcs"] if vpc.get("Tags")}
    found = {value["vpcId"] for key, value in asked.items() if key.startswith("vpc-provider")}
    own = rehearsal.checkout.settings["network"]["vpc"]["kind"] == "own"
    expect_that(found <= vpcs and bool(found) != own, f"the look-up found {found}, there is {vpcs}")
    return f"{len(asked)} look-ups, {len(rehearsal.cdk.stacks)} stacks"


def deploy(rehearsal: Rehearsal) -> str:
    """Deploy every stack of the environment, each after those that it needs.

    RehearsalError if one takes a way to an AWS service away from whoever was in the account before.
    An earlier release is deployed as it was.
    """
    ec2 = rehearsal.aws("ec2")
    before = read_account(ec2)
    asked = rehearsal.neighbours if rehearsal.root == ROOT else []
    neighbours = [before.groups[group] for group in asked]
    for stack in rehearsal.cdk.stacks:
        rehearsal.cdk.deploy(stack)
        after = read_account(ec2)
        harmed = lost(before, after, neighbours, REGION)
        expect_that(not harmed, f"{stack} harms others:\n- " + "\n- ".join(harmed))
        before = after
    return ", ".join(rehearsal.cdk.stacks)


def deploy_again(rehearsal: Rehearsal) -> str:
    """A second life: what was retained under an id that is fixed is deleted before, by hand."""
    delete_left_user(rehearsal)
    return deploy(rehearsal)


def delete_left_user(rehearsal: Rehearsal) -> None:
    """Delete the user and the user group that outlived their stack: their ids are fixed."""
    elasticache = rehearsal.aws("elasticache")
    for kind, delete in (
        (USERS, elasticache.delete_user_group),  # a group's default user cannot go before it
        (USER, elasticache.delete_user),
    ):
        for left in (one for one in rehearsal.destroyed if one.kind == kind):
            delete(**{f"{kind.rpartition(':')[2]}Id": left.physical_id})
            eventually(partial(_is_gone, rehearsal, left), f"{left} is deleted")


def _is_gone(rehearsal: Rehearsal, left: Resource) -> bool:
    return not exists(rehearsal.aws, left.kind, left.physical_id)


_KEY = "snapshot_retention_days"


def change(rehearsal: Rehearsal) -> str:
    """One more day of snapshots: it must arrive, and the group must stay the one it was."""
    before = described(rehearsal)
    days = before["SnapshotRetentionLimit"] + 1
    rehearsal.checkout.set(f"redis.{_KEY}", days)
    rehearsal.cdk.synth(rehearsal.checkout.name)
    expect_that(
        "SnapshotRetentionLimit" in rehearsal.cdk.diff(), "cdk diff does not show the change"
    )
    deploy(rehearsal)
    after = described(rehearsal)
    expect("SnapshotRetentionLimit", after["SnapshotRetentionLimit"], days)
    for name in ("ReplicationGroupCreateTime", "MemberClusters", "NodeGroups"):
        expect_that(
            before[name] == after[name], f"the change of {_KEY} replaced or moved nodes: {name}"
        )
    return f"{_KEY} is {days}, the nodes are the same"


def nothing_left_to_change(rehearsal: Rehearsal) -> str:
    """What is deployed is what the checkout says."""
    printed = rehearsal.cdk.diff()
    expect_that("Number of stacks with differences: 0" in printed, f"cdk diff prints\n{printed}")
    return f"{len(rehearsal.cdk.stacks)} stacks without differences"


def refused(rehearsal: Rehearsal) -> str:
    """The stacks protect themselves."""
    unprotected = [
        name
        for name in rehearsal.cdk.stacks
        for stack in rehearsal.aws("cloudformation").describe_stacks(StackName=name)["Stacks"]
        if not stack["EnableTerminationProtection"]
    ]
    expect("stacks without termination protection", unprotected, [])
    printed = rehearsal.cdk.destroy(expected_to_fail=True)
    expect_that("TerminationProtection is enabled" in printed, f"cdk destroy says\n{printed}")
    only(rehearsal, GROUP)
    return f"{len(rehearsal.cdk.stacks)} stacks protected"


def lift_protection(rehearsal: Rehearsal) -> str:
    """What an owner would have to do by hand, stack by stack."""
    for stack in rehearsal.cdk.stacks:
        rehearsal.aws("cloudformation").update_termination_protection(
            StackName=stack, EnableTerminationProtection=False
        )
    return "aws cloudformation update-termination-protection, stack by stack"


def destroy(rehearsal: Rehearsal) -> str:
    """Note what was deployed, then destroy it."""
    rehearsal.destroyed = [found for found in resources(rehearsal) if has_address(found.kind)]
    rehearsal.snapshots_before = _snapshots(rehearsal)
    rehearsal.cdk.destroy()
    return f"{len(rehearsal.destroyed)} resources"


def prove(rehearsal: Rehearsal) -> str:
    """Each resource is there or gone as its policy says, and the group left its final snapshot."""
    wrong: list[str] = []
    stayed = 0
    made = _snapshots(rehearsal) - rehearsal.snapshots_before
    for resource in rehearsal.destroyed:
        policy, physical_id = resource.deletion_policy, resource.physical_id
        there = exists(rehearsal.aws, resource.kind, physical_id)
        stayed += there
        if there != policy.startswith("Retain"):
            state = "still there" if there else "gone"
            wrong.append(f"{resource} is {state}, its policy is {policy}")
        if policy == "Snapshot" and not any(name.startswith(physical_id) for name in made):
            wrong.append(f"{resource} left no final snapshot")
    expect_that(not wrong, "\n".join(wrong))
    return f"{stayed} stayed, {len(made)} final snapshot(s)"


def _snapshots(rehearsal: Rehearsal) -> set[str]:
    snapshots = paged(rehearsal.aws("elasticache"), "describe_snapshots", "Snapshots")
    return {snapshot["SnapshotName"] for snapshot in snapshots}


def judge(rehearsal: Rehearsal, since: float | None = None) -> str:
    """RehearsalError with a sentence for each call, connection or message that AWS would refuse.

    Judged is what happened ``since`` a POSIX time, or since the stacks were created: their earlier
    life had its own judgement.
    """
    deployment, context = as_deployed(rehearsal)
    return judge_deployment(rehearsal, deployment, context, since=since or _created(rehearsal))


def as_deployed(
    rehearsal: Rehearsal, others: Mapping[str, tuple[str, str, dict[str, Any]]] | None = None
) -> tuple[Deployment, dict[str, Any]]:
    """The templates with what CloudFormation made of them, and their cdk.context.json.

    ``others`` has type, id and properties of what is in no template, by a name.
    """
    added = others or {}
    made = {name: {"Type": kind, "Properties": has} for name, (kind, _, has) in added.items()}
    deployment = Deployment(
        {stack: rehearsal.cdk.template(stack) for stack in rehearsal.cdk.stacks}
        | {"others": {"Resources": made}},
        account=ACCOUNT,
        region=REGION,
        physical_ids={
            (found.stack, found.logical_id): found.physical_id for found in resources(rehearsal)
        }
        | {("others", name): physical_id for name, (_, physical_id, _) in added.items()},
    )
    return deployment, json.loads((rehearsal.checkout.folder / "cdk.context.json").read_text())


def judge_deployment(
    rehearsal: Rehearsal, deployment: Deployment, context: dict[str, Any], *, since: float
) -> str:
    """The same for any templates: `context` is their cdk.context.json, `since` a POSIX time."""
    called, opened = (
        [entry for entry in rehearsal.ask(what) if entry["time"] >= since]
        for what in ("calls", "connections")
    )
    try:
        judging = Judge(deployment, network.read(deployment, context), _nodes(rehearsal))
        connections = [Connection(one["function"], one["host"], one["port"]) for one in opened]
        findings = judging.findings(calls(called), connections)
        notifying = len(announcements(deployment))
    except CannotBeJudged as reason:
        raise RehearsalError(f"the templates cannot be judged: {reason}") from reason
    if findings:
        raise RehearsalError("AWS would refuse this:\n- " + "\n- ".join(findings))
    functions = len(deployment.of_kind("AWS::Lambda::Function"))
    return (
        f"{functions} functions, {len(called)} calls, {len(opened)} connections, "
        f"{notifying} alarms to a topic"
    )


def _created(rehearsal: Rehearsal) -> float:
    cloudformation = rehearsal.aws("cloudformation")
    found: list[float] = [
        stack["CreationTime"].timestamp()
        for name in rehearsal.cdk.stacks
        for stack in cloudformation.describe_stacks(StackName=name)["Stacks"]
    ]
    return min(found)


def _nodes(rehearsal: Rehearsal) -> dict[str, Nodes]:
    seen: dict[str, dict[str, Any]] = rehearsal.ask("addresses")
    return {
        address: Nodes(found["name"], tuple(found["groups"]), found["subnet_group"])
        for address, found in seen.items()
    }


Step = tuple[str, Callable[[Rehearsal], str]]


def follow(rehearsal: Rehearsal, steps: Iterable[Step]) -> list[str]:
    """What each step found, one after the other."""
    return [step(rehearsal) for _, step in steps]


JUDGED: Step = ("AWS would have allowed all of it", judge)

DEPLOYED: tuple[Step, ...] = (
    ("cdk bootstrap", bootstrap),
    ("the account's VPC, security group and secret", surroundings),
    ("cdk synth asks for the VPC and the group", synth),
    ("cdk deploy", deploy),
)
