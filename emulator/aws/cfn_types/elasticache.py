"""AWS::ElastiCache types, deployed through the ElastiCache API that the rehearsal mounts."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from botocore import xform_name

from emulator.aws.cfn_types.base import (
    Created,
    Namer,
    Properties,
    ResourceType,
    is_true,
    tags_of,
    unless_gone,
)
from emulator.aws.clients import client, first
from emulator.elasticache import wire
from emulator.elasticache.state import Promises
from emulator.nodes.waiting import wait_until

_READY = 300  # seconds that a group may take to become available
_PARAMETERS_A_CALL = 20  # ModifyCacheParameterGroup takes no more


def _delete(delete: Callable[[], object], describe: Callable[[], object]) -> None:
    """Delete what may be gone already, and wait until it is."""
    if unless_gone(delete):
        wait_until(
            lambda: None if unless_gone(describe) else True, seconds=_READY, what="a deletion"
        )


def _retag(arn: str, old: Properties, new: Properties) -> None:
    before, after = tags_of(old), tags_of(new)
    dropped = sorted(before.keys() - after.keys())
    if dropped:
        client("elasticache").remove_tags_from_resource(ResourceName=arn, TagKeys=dropped)
    if after != before and after:
        tags = [{"Key": key, "Value": value} for key, value in after.items()]
        client("elasticache").add_tags_to_resource(ResourceName=arn, Tags=tags)


class _Kind(ResourceType):
    """The calls of the API, by the part that their names share."""

    part: ClassVar[str]
    key: ClassVar[str]  # of the name, in requests and answers

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Refused while it is in use; done when it is gone."""
        named = {self.key: physical_id}
        _delete(lambda: self._call("Delete", **named), lambda: self._described(physical_id))

    def _call(self, verb: str, **parameters: Any) -> dict[str, Any]:
        """Template values as the API's types: a template has numbers and booleans as text too."""
        operation = f"{verb}{self.part}"
        members = wire.MODEL.operation_model(operation).input_shape.members
        convert: dict[str, Callable[[Any], Any]] = {"boolean": is_true, "integer": int}
        typed = {
            name: convert.get(members[name].type_name, lambda given: given)(value)
            for name, value in parameters.items()
        }
        answer: dict[str, Any] = getattr(client("elasticache"), xform_name(operation))(**typed)
        return answer

    def _described(self, physical_id: str) -> dict[str, Any]:
        return first("elasticache", xform_name(f"Describe{self.part}s"), **{self.key: physical_id})


class SubnetGroup(_Kind):
    """AWS::ElastiCache::SubnetGroup."""

    name = "AWS::ElastiCache::SubnetGroup"
    part = "CacheSubnetGroup"
    key = "CacheSubnetGroupName"
    create_only = ("CacheSubnetGroupName",)
    custom_name = "CacheSubnetGroupName"

    def create(self, properties: Properties, named: Namer) -> Created:
        """`Ref` is the name, in lower case as ElastiCache keeps it."""
        group = properties.get(self.key) or named(max_len=255)
        self._set("Create", group, properties, Tags=properties.get("Tags") or [])
        return group.lower(), {}

    def update(self, physical_id: str, old: Properties, new: Properties) -> Properties:
        """Description, subnets and tags change in place."""
        changed = self._set("Modify", physical_id, new)
        _retag(changed["CacheSubnetGroup"]["ARN"], old, new)
        return {}

    def _set(self, verb: str, group: str, properties: Properties, **more: Any) -> Properties:
        return self._call(
            verb,
            CacheSubnetGroupName=group,
            CacheSubnetGroupDescription=properties["Description"],
            SubnetIds=properties["SubnetIds"],
            **more,
        )


class ParameterGroup(_Kind):
    """AWS::ElastiCache::ParameterGroup: CloudFormation names it, the template cannot."""

    name = "AWS::ElastiCache::ParameterGroup"
    part = "CacheParameterGroup"
    key = "CacheParameterGroupName"
    create_only = ("CacheParameterGroupFamily",)

    def create(self, properties: Properties, named: Namer) -> Created:
        """`Ref` is the generated name, in lower case."""
        group = named(max_len=255).lower()
        given = {key: value for key, value in properties.items() if key != "Properties"}
        self._call("Create", CacheParameterGroupName=group, **given)
        self._set(group, properties.get("Properties") or {})
        return group, {"CacheParameterGroupName": group}

    def update(self, physical_id: str, old: Properties, new: Properties) -> Properties:
        """Changed parameters are set, dropped ones go back to the family's default."""
        before, after = old.get("Properties") or {}, new.get("Properties") or {}
        self._set(physical_id, {k: v for k, v in after.items() if before.get(k) != v})
        dropped = sorted(before.keys() - after.keys())
        if dropped:
            names = [{"ParameterName": name} for name in dropped]
            self._call("Reset", CacheParameterGroupName=physical_id, ParameterNameValues=names)
        _retag(self._described(physical_id)["ARN"], old, new)
        return {"CacheParameterGroupName": physical_id}

    def _set(self, group: str, values: dict[str, Any]) -> None:
        pairs = [{"ParameterName": k, "ParameterValue": str(v)} for k, v in values.items()]
        for start in range(0, len(pairs), _PARAMETERS_A_CALL):
            some = pairs[start : start + _PARAMETERS_A_CALL]
            self._call("Modify", CacheParameterGroupName=group, ParameterNameValues=some)


class _Access(_Kind):
    """A user or a user group: it has an id of its own and comes to rest as `active`."""

    def create(self, properties: Properties, _named: Namer) -> Created:
        """`Ref` is the id."""
        physical_id = self._call("Create", **properties)[self.key]
        return physical_id, self._active(physical_id)

    def _active(self, physical_id: str) -> Properties:
        def look() -> Properties | None:
            entry = self._described(physical_id)
            attributes = {"Arn": entry["ARN"], "Status": entry["Status"]}
            return attributes if entry["Status"] == "active" else None

        return wait_until(look, seconds=_READY, what=physical_id)


class User(_Access):
    """AWS::ElastiCache::User; its passwords and its access string are write-only."""

    name = "AWS::ElastiCache::User"
    part, key = "User", "UserId"
    create_only = ("Engine", "UserId", "UserName")
    custom_name = "UserId"

    def __init__(self, promises: Promises) -> None:
        self._promises = promises
        self._passwords: dict[str, list[Any]] = {}

    def create(self, properties: Properties, named: Namer) -> Created:
        """Its passwords are those of now."""
        created = super().create(properties, named)
        self._passwords[created[0]] = [properties.get("Passwords")]
        return created

    def update(self, physical_id: str, old: Properties, new: Properties) -> Properties:
        """AWS at its worst: a change of any property, and its rollback, send passwords again.

        Whether they do, and whether those are the ones of now or those that were sent first, is
        documented nowhere (unverified).
        """
        resolved = self._passwords[physical_id]
        if new.get("Passwords") not in resolved:
            resolved.append(new.get("Passwords"))
        if old != new:
            passwords = resolved[0 if self._promises.old_passwords else -1]
            call = {"AccessString": new["AccessString"], "Passwords": passwords}
            self._call("Modify", UserId=physical_id, **call)
        return self._active(physical_id)


class UserGroup(_Access):
    """AWS::ElastiCache::UserGroup."""

    name = "AWS::ElastiCache::UserGroup"
    part, key = "UserGroup", "UserGroupId"
    create_only = ("Engine", "UserGroupId")
    custom_name = "UserGroupId"

    def update(self, physical_id: str, old: Properties, new: Properties) -> Properties:
        """Users join and leave."""
        before, after = old["UserIds"], new["UserIds"]
        ways = {
            "UserIdsToAdd": [user for user in after if user not in before],
            "UserIdsToRemove": [user for user in before if user not in after],
        }
        changes = {way: users for way, users in ways.items() if users}
        if changes:
            self._call("Modify", UserGroupId=physical_id, **changes)
        return self._active(physical_id)


class ReplicationGroup(_Kind):
    """AWS::ElastiCache::ReplicationGroup."""

    name = "AWS::ElastiCache::ReplicationGroup"
    part, key = "ReplicationGroup", "ReplicationGroupId"
    # The registry schema's createOnlyProperties (cfn-lint 1.58), and AuthToken, which is one under
    # conditions: instead of it UserGroupIds replace a group (cloudformation-coverage-roadmap#2356).
    create_only = (
        "AtRestEncryptionEnabled",
        "AuthToken",
        "CacheSubnetGroupName",
        "DataTieringEnabled",
        "GlobalReplicationGroupId",
        "KmsKeyId",
        "NetworkType",
        "Port",
        "PreferredCacheClusterAZs",
        "ReplicationGroupId",
        "SnapshotArns",
        "SnapshotName",
    )
    custom_name = "ReplicationGroupId"

    def __init__(self) -> None:
        self._final_snapshots: dict[str, str] = {}

    def create(self, properties: Properties, named: Namer) -> Created:
        """`Ref` is the group's id; done when the group is available."""
        group = properties.get("ReplicationGroupId") or named(max_len=40)
        self._call("Create", **{**properties, "ReplicationGroupId": group})
        try:
            return group.lower(), self._attributes(group)
        except (RuntimeError, TimeoutError):
            # CloudFormation takes back what it began to create before the stack rolls back.
            self.delete(group, properties)
            raise

    def update(self, physical_id: str, old: Properties, new: Properties) -> Properties:
        """Each change by the call that AWS has for it, the group available before the next."""
        at_once = {"ReplicationGroupId": physical_id, "ApplyImmediately": True}
        changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        modify = wire.MODEL.operation_model("ModifyReplicationGroup").input_shape.members
        together = {key: new[key] for key in changed & new.keys() & modify.keys()}
        if "LogDeliveryConfigurations" in changed:
            together["LogDeliveryConfigurations"] = _log_changes(old, new)
        if "UserGroupIds" in changed:
            together["UserGroupIdsToAdd"] = new["UserGroupIds"]
            together["UserGroupIdsToRemove"] = old.get("UserGroupIds", [])
        if together:
            self._call("Modify", **at_once, **together)
            self._attributes(physical_id)
        if "NumNodeGroups" in changed:
            client("elasticache").modify_replication_group_shard_configuration(
                **at_once, NodeGroupCount=int(new["NumNodeGroups"])
            )
            self._attributes(physical_id)
        before, after = _replicas(old), _replicas(new)
        if before != after:
            way = "increase" if after > before else "decrease"
            resize = getattr(client("elasticache"), f"{way}_replica_count")
            resize(**at_once, NewReplicaCount=after)
            self._attributes(physical_id)
        if "Tags" in changed:
            _retag(self._described(physical_id)["ARN"], old, new)
        return self._attributes(physical_id)

    def snapshot(self, physical_id: str, _properties: Properties) -> None:
        """The deletion that follows makes a final snapshot, as CloudFormation asks for."""
        moment = f"{datetime.now(UTC):%Y%m%d%H%M%S%f}"
        self._final_snapshots[physical_id] = f"{physical_id}-final-{moment}"

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Done when the group is gone."""
        final = self._final_snapshots.pop(physical_id, None)
        extra = {"FinalSnapshotIdentifier": final} if final else {}
        _delete(
            lambda: self._call("Delete", ReplicationGroupId=physical_id, **extra),
            lambda: self._described(physical_id),
        )

    def _attributes(self, group: str) -> Properties:
        def available() -> dict[str, Any] | None:
            described = self._described(group)
            if described["Status"] == "create-failed":
                raise RuntimeError(f"replication group {group}: create-failed")
            return described if described["Status"] == "available" else None

        group_now = wait_until(available, seconds=_READY, what=f"replication group {group}")
        shard = group_now["NodeGroups"][0]
        endpoints = {
            "PrimaryEndPoint": shard.get("PrimaryEndpoint"),
            "ReaderEndPoint": shard.get("ReaderEndpoint"),
            "ConfigurationEndPoint": group_now.get("ConfigurationEndpoint"),
        }
        return {
            f"{name}.{key}": str(endpoint[key])
            for name, endpoint in endpoints.items()
            for key in ("Address", "Port")
            if endpoint
        }


def _replicas(properties: Properties) -> int:
    """Replicas a shard, which a template says as nodes or as replicas."""
    if "NumCacheClusters" in properties:
        return int(properties["NumCacheClusters"]) - 1
    return int(properties.get("ReplicasPerNodeGroup", 0))


def _log_changes(old: Properties, new: Properties) -> list[dict[str, Any]]:
    """A log type that the template dropped must be switched off by name."""
    before, after = (of.get("LogDeliveryConfigurations") or [] for of in (old, new))
    dropped = {entry["LogType"] for entry in before} - {entry["LogType"] for entry in after}
    return [*after, *({"LogType": log, "Enabled": False} for log in sorted(dropped))]
