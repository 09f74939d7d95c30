"""Taking everything down again, and proving what is left."""

from emulator.errors import RehearsalError
from rehearsal.common.checks.expecting import expect_that
from rehearsal.common.checks.replication_group import GROUP
from rehearsal.common.deployed import only, resources
from rehearsal.common.existence import exists, has_address
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.resource import Resource


def refused(rehearsal: Rehearsal) -> str:
    """The stacks protect themselves."""
    protected = [
        stack["StackName"]
        for name in rehearsal.cdk.stacks
        for stack in rehearsal.aws("cloudformation").describe_stacks(StackName=name)["Stacks"]
        if stack["EnableTerminationProtection"]
    ]
    missing = set(rehearsal.cdk.stacks) - set(protected)
    expect_that(not missing, f"no termination protection: {', '.join(sorted(missing))}")
    printed = rehearsal.cdk.destroy(expected_to_fail=True)
    expect_that("TerminationProtection is enabled" in printed, f"cdk destroy says\n{printed}")
    only(rehearsal, GROUP)
    return f"{len(protected)} stacks protected"


def lift_protection(rehearsal: Rehearsal) -> str:
    """What an owner would have to do by hand, stack by stack."""
    for stack in rehearsal.cdk.stacks:
        rehearsal.aws("cloudformation").update_termination_protection(
            StackName=stack, EnableTerminationProtection=False
        )
    return "aws cloudformation update-termination-protection, stack by stack"


def destroy(rehearsal: Rehearsal) -> str:
    """Remember what stood there, then destroy it."""
    rehearsal.destroyed = [found for found in resources(rehearsal) if has_address(found.kind)]
    rehearsal.snapshots_before = _snapshots(rehearsal)
    rehearsal.cdk.destroy()
    return f"{len(rehearsal.destroyed)} resources"


def prove(rehearsal: Rehearsal) -> str:
    """Each resource is there or gone as its policy says, and the group left its final snapshot."""
    wrong: list[str] = []
    stayed: list[Resource] = []
    for resource in rehearsal.destroyed:
        there = exists(rehearsal.aws, resource.kind, resource.physical_id)
        must_stay = resource.deletion_policy.startswith("Retain")
        if there != must_stay:
            state = "still there" if there else "gone"
            wrong.append(f"{resource} is {state}, its policy is {resource.deletion_policy}")
        elif there:
            stayed.append(resource)
    if wrong:
        raise RehearsalError("\n".join(wrong))
    with_snapshot = [r for r in rehearsal.destroyed if r.deletion_policy == "Snapshot"]
    made = _snapshots(rehearsal) - rehearsal.snapshots_before
    for resource in with_snapshot:
        expect_that(
            any(name.startswith(resource.physical_id) for name in made),
            f"{resource} left no final snapshot",
        )
    return f"{len(stayed)} stayed, {len(made)} final snapshot(s)"


def _snapshots(rehearsal: Rehearsal) -> set[str]:
    pages = rehearsal.aws("elasticache").get_paginator("describe_snapshots").paginate()
    return {snapshot["SnapshotName"] for page in pages for snapshot in page["Snapshots"]}
