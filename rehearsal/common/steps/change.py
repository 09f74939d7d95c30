"""A change in an environment's file, deployed."""

from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.checks.replication_group import described
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps.deploy import deploy

_KEY = "snapshot_retention_days"


def change(rehearsal: Rehearsal) -> str:
    """One more day of snapshots: it must arrive, and the group must stay the one it was."""
    before = described(rehearsal)
    days = before["SnapshotRetentionLimit"] + 1
    rehearsal.checkout.set(_KEY, str(days))
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
