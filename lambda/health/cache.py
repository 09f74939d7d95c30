"""The replication group and its parameters, as ElastiCache says them now.

CloudFormation can report success where nothing changed, and people change things by hand.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from health.desired import Desired
from health.user import is_changing
from shared.aws_calls import ask, every
from shared.line import Line

GROUP = "health-group"
PARAMETERS = "health-parameters"
NOT_GIVEN = "not given by AWS"


def check_group(client: Any, desired: Desired) -> Iterator[Line]:
    """The group and each of its nodes. Raises what ``ask`` raises."""
    answer = ask(client.describe_replication_groups, ReplicationGroupId=desired.group_id)
    (group,) = answer["ReplicationGroups"]
    yield _status(client, desired, group)
    for name, wanted in desired.group.items():
        yield Line.equal(f"group: {name}", group.get(name, NOT_GIVEN), wanted, GROUP)
    yield Line.equal("group: KmsKeyId", _key(group), desired.key_id.rpartition("/")[2], GROUP)
    members = group.get("MemberClusters", [])
    yield Line.equal("group: nodes", len(members), desired.members, GROUP)
    nodes = {member: _node(client, member) for member in members}
    for name, wanted in {**desired.node, "CacheParameterGroup": desired.parameter_group}.items():
        found = {member: node.get(name, NOT_GIVEN) for member, node in nodes.items()}
        yield _of_every_node(name, wanted, found)


def check_parameters(client: Any, desired: Desired) -> Iterator[Line]:
    """Every parameter that the template sets. Raises what ``ask`` raises."""
    of = {"CacheParameterGroupName": desired.parameter_group}
    parameters = every(client.describe_cache_parameters, "Parameters", **of)
    found = {each["ParameterName"]: each.get("ParameterValue") for each in parameters}
    for name, wanted in desired.parameters.items():
        yield Line.equal(f"parameter {name}", found.get(name), wanted, PARAMETERS)


def _status(client: Any, desired: Desired, group: Mapping[str, Any]) -> Line:
    """Each night's backup and each rotation take longer than the alarm waits, and Redis serves."""
    status = group.get("Status", NOT_GIVEN)
    by_the_user = status == "modifying" and is_changing(client, desired)
    found = f"{status} with its user" if by_the_user else status
    serves = status in ("available", "snapshotting") or by_the_user
    return Line("group: Status", serves, found, "available, or busy with a backup or user", GROUP)


def _node(client: Any, member: str) -> dict[str, Any]:
    (node,) = ask(client.describe_cache_clusters, CacheClusterId=member)["CacheClusters"]
    if version := node.get("EngineVersion"):
        # "6.2" is asked for, and ElastiCache says 6.2.6.
        node = {**node, "EngineVersion": ".".join(version.split(".")[:2])}
    group = node.get("CacheParameterGroup", {})
    status = group.get("ParameterApplyStatus", "in-sync")
    name = group.get("CacheParameterGroupName", NOT_GIVEN)
    return {**node, "CacheParameterGroup": name if status == "in-sync" else f"{name}, {status}"}


def _of_every_node(name: str, wanted: object, found: Mapping[str, object]) -> Line:
    others = {member: value for member, value in found.items() if value != wanted}
    words = ", ".join(f"{member}: {value}" for member, value in others.items())
    return Line(
        f"nodes: {name}",
        bool(found) and not others,
        words or (f"{wanted} on {len(found)} nodes" if found else "no node"),
        str(wanted),
        GROUP,
    )


def _key(group: Mapping[str, Any]) -> str:
    """ElastiCache says a key as its ARN or its id."""
    return str(group.get("KmsKeyId") or NOT_GIVEN).rpartition("/")[2]
