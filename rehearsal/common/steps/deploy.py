"""Synthesising and deploying with the CDK command line."""

import json
from functools import partial

from emulator.clean_environment import ACCOUNT, REGION, ROOT
from emulator.iam.bystanders import found, lost
from emulator.nodes.waiting import wait_until
from rehearsal.common.checks.expecting import expect_that
from rehearsal.common.checks.replication_group import USER, USERS
from rehearsal.common.existence import exists
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.resource import Resource

_GONE = 60  # seconds


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
    before = found(ec2)
    asked = rehearsal.neighbours if rehearsal.root == ROOT else []
    neighbours = [before.groups[group] for group in asked]
    for stack in rehearsal.cdk.stacks:
        rehearsal.cdk.deploy(stack)
        after = found(ec2)
        harmed = lost(before, after, neighbours, REGION)
        expect_that(not harmed, f"{stack} harms others:\n- " + "\n- ".join(harmed))
        before = after
    return ", ".join(rehearsal.cdk.stacks)


def again(rehearsal: Rehearsal) -> str:
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
            gone = partial(_is_gone, rehearsal, left)
            wait_until(gone, seconds=_GONE, what=f"{left} is deleted")


def _is_gone(rehearsal: Rehearsal, left: Resource) -> bool | None:
    return not exists(rehearsal.aws, left.kind, left.physical_id) or None
