"""AWS::ElastiCache types, deployed through the ElastiCache API that the rehearsal mounts."""

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.aws.cfn_types.base import (
    Attributes,
    Namer,
    Properties,
    Resource,
    ResourceType,
    tags_of,
)
from rehearsal.aws.clients import client
from rehearsal.aws.waiting import wait_until

_READY = 300  # seconds that a group may take to become available
_PARAMETERS_A_CALL = 20  # ModifyCacheParameterGroup takes no more


def _gone(error: ClientError) -> bool:
    code: str = error.response["Error"]["Code"]
    return code.endswith(("NotFoundFault", "NotFound"))


def _retag(arn: str, old: Properties, new: Properties) -> None:
    before, after = tags_of(old), tags_of(new)
    dropped = sorted(before.keys() - after.keys())
    if dropped:
        client("elasticache").remove_tags_from_resource(ResourceName=arn, TagKeys=dropped)
    if after != before and after:
        tags = [{"Key": key, "Value": value} for key, value in after.items()]
        client("elasticache").add_tags_to_resource(ResourceName=arn, Tags=tags)


class SubnetGroup(ResourceType):
    """AWS::ElastiCache::SubnetGroup."""

    name = "AWS::ElastiCache::SubnetGroup"
    create_only = ("CacheSubnetGroupName",)
    custom_name = "CacheSubnetGroupName"

    def create(self, properties: Properties, named: Namer) -> Resource:
        """`Ref` is the name, in lower case as ElastiCache keeps it."""
        group = properties.get("CacheSubnetGroupName") or named(max_len=255)
        client("elasticache").create_cache_subnet_group(
            CacheSubnetGroupName=group,
            CacheSubnetGroupDescription=properties["Description"],
            SubnetIds=properties["SubnetIds"],
            Tags=properties.get("Tags") or [],
        )
        return Resource(group.lower(), {})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """Description, subnets and tags change in place."""
        changed = client("elasticache").modify_cache_subnet_group(
            CacheSubnetGroupName=physical_id,
            CacheSubnetGroupDescription=new["Description"],
            SubnetIds=new["SubnetIds"],
        )
        _retag(changed["CacheSubnetGroup"]["ARN"], old, new)
        return {}

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """ElastiCache refuses while a group uses it."""
        try:
            client("elasticache").delete_cache_subnet_group(CacheSubnetGroupName=physical_id)
        except ClientError as error:
            if not _gone(error):
                raise


class ParameterGroup(ResourceType):
    """AWS::ElastiCache::ParameterGroup: CloudFormation names it, the template cannot."""

    name = "AWS::ElastiCache::ParameterGroup"
    create_only = ("CacheParameterGroupFamily",)

    def create(self, properties: Properties, named: Namer) -> Resource:
        """`Ref` is the generated name, in lower case."""
        group = named(max_len=255).lower()
        client("elasticache").create_cache_parameter_group(
            CacheParameterGroupName=group,
            CacheParameterGroupFamily=properties["CacheParameterGroupFamily"],
            Description=properties["Description"],
            Tags=properties.get("Tags") or [],
        )
        self._set(group, properties.get("Properties") or {})
        return Resource(group, {"CacheParameterGroupName": group})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """Changed parameters are set, dropped ones go back to the family's default."""
        before, after = old.get("Properties") or {}, new.get("Properties") or {}
        self._set(physical_id, {k: v for k, v in after.items() if before.get(k) != v})
        dropped = sorted(before.keys() - after.keys())
        if dropped:
            client("elasticache").reset_cache_parameter_group(
                CacheParameterGroupName=physical_id,
                ParameterNameValues=[{"ParameterName": name} for name in dropped],
            )
        groups = client("elasticache").describe_cache_parameter_groups(
            CacheParameterGroupName=physical_id
        )
        _retag(groups["CacheParameterGroups"][0]["ARN"], old, new)
        return {"CacheParameterGroupName": physical_id}

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """ElastiCache refuses while a group uses it."""
        try:
            client("elasticache").delete_cache_parameter_group(CacheParameterGroupName=physical_id)
        except ClientError as error:
            if not _gone(error):
                raise

    @staticmethod
    def _set(group: str, values: dict[str, Any]) -> None:
        pairs = [{"ParameterName": k, "ParameterValue": str(v)} for k, v in values.items()]
        for start in range(0, len(pairs), _PARAMETERS_A_CALL):
            client("elasticache").modify_cache_parameter_group(
                CacheParameterGroupName=group,
                ParameterNameValues=pairs[start : start + _PARAMETERS_A_CALL],
            )


class ReplicationGroup(ResourceType):
    """AWS::ElastiCache::ReplicationGroup."""

    name = "AWS::ElastiCache::ReplicationGroup"
    # The registry schema's createOnlyProperties (cfn-lint 1.58), and AuthToken handled below.
    create_only = (
        "AtRestEncryptionEnabled",
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

    _MODIFIED_TOGETHER = (
        "AutoMinorVersionUpgrade",
        "AutomaticFailoverEnabled",
        "CacheNodeType",
        "CacheParameterGroupName",
        "ClusterMode",
        "Durability",
        "Engine",
        "EngineVersion",
        "IpDiscovery",
        "MultiAZEnabled",
        "NotificationTopicArn",
        "PreferredMaintenanceWindow",
        "ReplicationGroupDescription",
        "SecurityGroupIds",
        "SnapshotRetentionLimit",
        "SnapshotWindow",
        "TransitEncryptionEnabled",
        "TransitEncryptionMode",
    )

    def __init__(self) -> None:
        self._final_snapshots: dict[str, str] = {}

    def create(self, properties: Properties, named: Namer) -> Resource:
        """`Ref` is the group's id; done when the group is available."""
        group = properties.get("ReplicationGroupId") or named(max_len=40)
        parameters = {**properties, "ReplicationGroupId": group}
        client("elasticache").create_replication_group(**_typed("Create", parameters))
        try:
            return Resource(group.lower(), self._attributes(group))
        except (RuntimeError, TimeoutError):
            # CloudFormation takes back what it began to create before the stack rolls back.
            self.delete(group, properties)
            raise

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """Each change by the call that AWS has for it, the group available before the next."""
        changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        together = {key: new[key] for key in self._MODIFIED_TOGETHER if key in changed & new.keys()}
        if "LogDeliveryConfigurations" in changed:
            together["LogDeliveryConfigurations"] = _log_changes(old, new)
        if changed and "AuthToken" in old | new:
            # AWS at its worst: whenever any property changes, CloudFormation resolves the token
            # anew and sends it with ROTATE, which can evict an older one. When it really does is
            # documented nowhere (unverified); that a change set never shows a rotated secret is
            # cloudformation-coverage-roadmap#369.
            together |= {"AuthToken": new["AuthToken"], "AuthTokenUpdateStrategy": "ROTATE"}
        if together:
            call = {"ReplicationGroupId": physical_id, "ApplyImmediately": True, **together}
            client("elasticache").modify_replication_group(**_typed("Modify", call))
            self._attributes(physical_id)
        if "NumNodeGroups" in changed:
            client("elasticache").modify_replication_group_shard_configuration(
                ReplicationGroupId=physical_id,
                NodeGroupCount=int(new["NumNodeGroups"]),
                ApplyImmediately=True,
            )
            self._attributes(physical_id)
        self._resize(physical_id, _replicas(old), _replicas(new))
        if "Tags" in changed:
            _retag(self._describe(physical_id)["ARN"], old, new)
        return self._attributes(physical_id)

    def snapshot(self, physical_id: str, _properties: Properties) -> None:
        """The deletion that follows makes a final snapshot, as CloudFormation asks for."""
        self._final_snapshots[physical_id] = (
            f"{physical_id}-final-{datetime.now(UTC):%Y%m%d%H%M%S%f}"
        )

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Done when the group is gone."""
        final = self._final_snapshots.pop(physical_id, None)
        extra = {"FinalSnapshotIdentifier": final} if final else {}
        try:
            client("elasticache").delete_replication_group(ReplicationGroupId=physical_id, **extra)
        except ClientError as error:
            if not _gone(error):
                raise
            return
        wait_until(
            lambda: self._is_gone(physical_id), seconds=_READY, what=f"deletion of {physical_id}"
        )

    def _resize(self, group: str, before: int, after: int) -> None:
        if before == after:
            return
        elasticache = client("elasticache")
        resize = (
            elasticache.increase_replica_count
            if after > before
            else elasticache.decrease_replica_count
        )
        resize(ReplicationGroupId=group, NewReplicaCount=after, ApplyImmediately=True)
        self._attributes(group)

    def _describe(self, group: str) -> dict[str, Any]:
        answer = client("elasticache").describe_replication_groups(ReplicationGroupId=group)
        found: dict[str, Any] = answer["ReplicationGroups"][0]
        return found

    def _is_gone(self, group: str) -> bool | None:
        try:
            self._describe(group)
        except ClientError as error:
            if _gone(error):
                return True
            raise
        return None

    def _attributes(self, group: str) -> Attributes:
        def available() -> dict[str, Any] | None:
            found = self._describe(group)
            if found["Status"] == "create-failed":
                raise RuntimeError(f"replication group {group}: create-failed")
            return found if found["Status"] == "available" else None

        found = wait_until(available, seconds=_READY, what=f"replication group {group}")
        return _endpoints(found)


def _replicas(properties: Properties) -> int:
    """Replicas a shard, which a template says as nodes or as replicas."""
    if "NumCacheClusters" in properties:
        return int(properties["NumCacheClusters"]) - 1
    return int(properties.get("ReplicasPerNodeGroup", 0))


def _log_changes(old: Properties, new: Properties) -> list[dict[str, Any]]:
    """A log type that the template dropped must be switched off by name."""
    wanted = list(new.get("LogDeliveryConfigurations") or [])
    kept = {entry["LogType"] for entry in wanted}
    before = old.get("LogDeliveryConfigurations") or []
    dropped = [entry["LogType"] for entry in before if entry["LogType"] not in kept]
    return [*wanted, *({"LogType": log, "Enabled": False} for log in dropped)]


def _endpoints(found: dict[str, Any]) -> Attributes:
    """What Fn::GetAtt gives, by the resource reference's names."""
    attributes: Attributes = {}
    shard = found["NodeGroups"][0]
    for name, endpoint in (
        ("PrimaryEndPoint", shard.get("PrimaryEndpoint")),
        ("ReaderEndPoint", shard.get("ReaderEndpoint")),
        ("ConfigurationEndPoint", found.get("ConfigurationEndpoint")),
    ):
        if endpoint:
            attributes[f"{name}.Address"] = endpoint["Address"]
            attributes[f"{name}.Port"] = str(endpoint["Port"])
    return attributes


def _typed(verb: str, properties: Properties) -> dict[str, Any]:
    """Template values as the API's types: a template may carry numbers and booleans as text."""
    model = client("elasticache").meta.service_model.operation_model(f"{verb}ReplicationGroup")
    return {
        name: _coerced(value, model.input_shape.members[name].type_name)
        for name, value in properties.items()
    }


def _coerced(value: Any, type_name: str) -> Any:
    if type_name == "boolean":
        return str(value).lower() == "true"
    if type_name == "integer":
        return int(value)
    return value
