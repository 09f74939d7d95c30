"""The changes of an environment's file that make a deployment grow, word for word."""

from __future__ import annotations

from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.checks.replication_group import described
from rehearsal.common.deployed import resources
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps.deploy import deploy as deploy_stacks

# docs/scaling.md gives the same lines; a test holds it to them.
MORE_REPLICAS = "replicas = 3"
LARGER_OF_ITS_KIND = 'node_type = "cache.t4g.medium"'
LARGER = 'node_type = "cache.m6g.large"'
CREDITS_OF_NO_NODE = "cpu_credit_balance"  # its line goes, with a node that has no credits
CLUSTER_MODE = "cluster_mode = true"
MORE_SHARDS = "shards = 4"
WORDS = (MORE_REPLICAS, LARGER_OF_ITS_KIND, LARGER, CLUSTER_MODE, MORE_SHARDS)

_STAYS = ("ReplicationGroupCreateTime", "ARN", "ReplicationGroupId")


def write(rehearsal: Rehearsal, line: str) -> None:
    """Put this line in the place of the one that sets its key."""
    key, _, value = line.partition(" = ")
    rehearsal.checkout.set(key, value)


def deploy(rehearsal: Rehearsal, line: str) -> None:
    """Write the line and deploy; RehearsalError if the group is another one afterwards."""
    before = described(rehearsal)
    write(rehearsal, line)
    rehearsal.cdk.synth(rehearsal.checkout.name)
    deploy_stacks(rehearsal)
    after = described(rehearsal)
    for name in _STAYS:
        expect(f"{line}: {name}", after[name], before[name])
    stayed = set(before["MemberClusters"]) <= set(after["MemberClusters"])
    expect_that(stayed, f"{line}: nodes went away: {before['MemberClusters']}")


def every_node_is_watched(rehearsal: Rehearsal) -> str:
    """RehearsalError unless the alarm on memory is on every node that there is."""
    nodes = set(described(rehearsal)["MemberClusters"])
    watched = {
        dimension["Value"]
        for alarm in resources(rehearsal, "AWS::CloudWatch::Alarm")
        if "-memory-critical" in alarm.physical_id
        for query in alarm.properties["Metrics"]
        for dimension in query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
        if dimension["Name"] == "CacheClusterId"
    }
    expect("nodes whose memory is alarmed", watched, nodes)
    return f"{len(nodes)} nodes, each alarmed"
