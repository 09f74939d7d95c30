"""What is read before a restore: the snapshot, and the group as the deployed template wants it."""

from collections.abc import Mapping, Set
from typing import Any

from environments.engines import Engine
from shared.snapshots import is_of, source_of, version_to_restore_on
from tools.command import Answer
from tools.stacks import find as find_stack
from tools.stacks import state_of, template

GROUP, SECURITY_GROUP = "AWS::ElastiCache::ReplicationGroup", "AWS::EC2::SecurityGroup"


def find(elasticache: Any, name: str) -> dict[str, Any]:
    """The snapshot as it is described. Raises Answer if there is none of this name."""
    try:
        answer = elasticache.describe_snapshots(SnapshotName=name)
    except elasticache.exceptions.SnapshotNotFoundFault:
        answer = {"Snapshots": []}
    for found in answer["Snapshots"]:
        described: dict[str, Any] = found
        return described
    raise Answer(
        f"restore: there is no snapshot {name}. Those that are there: "
        "aws elasticache describe-snapshots --query 'Snapshots[].SnapshotName'"
    )


def check(snapshot: Mapping[str, Any], group: Mapping[str, Any]) -> None:
    """Raise Answer for what ElastiCache would refuse when the old group is gone already.

    ``group`` is what the deployed template wants: it has a number of shards in cluster mode alone.
    """
    name, group_id = snapshot["SnapshotName"], group["ReplicationGroupId"]
    if snapshot["SnapshotStatus"] != "available":
        raise Answer(
            f"restore: {name} is {snapshot['SnapshotStatus']}. Wait until it is available, or "
            "choose another."
        )
    if not is_of(snapshot, group_id, cluster_mode="NumNodeGroups" in group):
        raise Answer(
            f"restore: {name} is a snapshot of {source_of(snapshot)}, not of {group_id}: its keys "
            "are another's. Choose one of this group."
        )
    there = Engine(snapshot["Engine"], _short(snapshot["EngineVersion"]), family="")
    wanted = Engine(group["Engine"], _short(engine_version(snapshot, group)), family="")
    if not there.may_become(wanted):
        raise Answer(
            f"restore: {name} was taken on {there.name}, and {wanted.name} is deployed. "
            "ElastiCache restores into the same version or a newer one, and the deployed parameter "
            "group is of one family. Choose an older snapshot, or deploy "
            f'engine = "{there.name}" first{_when_it_is_gone(name, group_id)}.'
        )
    shards = int(group.get("NumNodeGroups", 1))
    if int(snapshot.get("NumNodeGroups", 1)) != shards:
        raise Answer(
            f"restore: {name} has {snapshot.get('NumNodeGroups', 1)} shards, the deployed group "
            f"{shards}. Choose another, or deploy as many as it has first"
            f"{_when_it_is_gone(name, group_id)}."
        )


def engine_version(snapshot: Mapping[str, Any], group: Mapping[str, Any]) -> str:
    """The version to make the group on: the deployed one, or to what AWS has raised it since."""
    return version_to_restore_on(snapshot, group["Engine"], str(group["EngineVersion"]))


def durability(snapshot: Mapping[str, Any], group: Mapping[str, Any]) -> dict[str, Any]:
    """What a durable snapshot demands of a group for which the template leaves durability open.

    A restored group keeps the durability of its source, which somebody may have switched on
    (user guide, "Durability"): then it needs Multi-AZ and a replica for each shard.
    """
    if "Durability" in group or snapshot.get("Durability") not in ("sync", "async"):
        return {}
    replicas = max(1, int(group.get("ReplicasPerNodeGroup", 0)))
    return {
        "AutomaticFailoverEnabled": True,
        "MultiAZEnabled": True,
        "ReplicasPerNodeGroup": replicas,
    }


def _when_it_is_gone(name: str, group_id: str) -> str:
    """A deployment needs the group: it is made empty for it, and replaced afterwards."""
    return (
        ". Is the group gone, a deployment is refused: make it empty with SNAPSHOT=none, deploy, "
        f"then make restore SNAPSHOT={name} REPLACE={group_id}"
    )


def _short(version: object) -> str:
    """Major and minor: 6.2 is deployed, and 6.2.6 runs."""
    return ".".join(str(version).split(".")[:2])


def deployed(cloudformation: Any, stack: str) -> tuple[dict[str, Any], set[str]]:
    """The group's properties, as CreateReplicationGroup takes them, and the names of what is made.

    From the data stack as CloudFormation has it, which no file in this checkout can contradict.
    Raises Answer in a bad moment, for what is not known, and for a group without a user group,
    which a snapshot does not carry: anybody who reaches the restored one could log in.
    """
    found = find_stack(cloudformation, stack)
    if found is None:
        raise Answer(
            f"restore: there is no stack {stack}, and a group needs its key, token and network. "
            "Deploy the environment first: the snapshot is still there afterwards."
        )
    if not state_of(found).changeable:
        raise Answer(
            f"restore: {stack} is {found['StackStatus']}, and two hands on one group could lose "
            "it. Wait until CloudFormation has finished: make stacks says what it is."
        )
    resources = template(cloudformation, stack)["Resources"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    physical = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource.get("PhysicalResourceId")
    }
    groups = [one["Properties"] for one in resources.values() if one["Type"] == GROUP]
    if not groups:
        raise Answer(
            "restore: the deployed stack makes no group: it is somebody else's "
            "(docs/start/adoption.md). Its owner restores it, from a snapshot and with the user "
            "group that it has now."
        )
    security = {key for key, one in resources.items() if one["Type"] == SECURITY_GROUP}

    wanted: dict[str, Any] = _plain(groups[0], physical, security & physical.keys())
    if not wanted.get("UserGroupIds"):
        raise Answer(
            "restore: the deployed group has no UserGroupIds, and would be restored without a "
            "login. Restore it by hand, with the AUTH token that its clients use."
        )
    return wanted, set(physical.values())


def _plain(value: Any, physical: Mapping[str, str], security: Set[str]) -> Any:
    """A template's value with what it refers to. Raises Answer for what is not known."""
    match value:
        case {"Ref": str(name)} if name in physical and len(value) == 1:
            return physical[name]
        case {"Fn::GetAtt": [str(name), "GroupId"]} if name in security:
            return physical[name]
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(str(_plain(part, physical, security)) for part in parts)
        case dict() if any(name == "Ref" or name.startswith("Fn::") for name in value):
            raise Answer(
                f"restore: the deployed group says {value}, which this command cannot read. "
                "Teach it to tools/restore/sources.py, or restore by hand."
            )
        case dict():
            return {name: _plain(part, physical, security) for name, part in value.items()}
        case list():
            return [_plain(part, physical, security) for part in value]
    return value
