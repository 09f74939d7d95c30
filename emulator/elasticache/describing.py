"""The API's shapes of a group, a member, a snapshot, and the calls that only look."""

from datetime import timedelta
from typing import Any

from emulator.elasticache import wire
from emulator.elasticache.state import ReplicationGroup, Snapshot, State, Store
from emulator.elasticache.versions import NEWEST, VERSIONS
from emulator.elasticache.wire import AwsError, Params, cluster_not_found, group_state
from emulator.nodes.group import Group
from emulator.nodes.spec import Member

Shape = dict[str, Any]


def describe_replication_groups(state: State, params: Params) -> dict[str, Any]:
    """Describe one group, or all."""
    groups = state.groups.named(params.get("ReplicationGroupId"))
    shown = [replication_group(group) for group in groups]
    return wire.page(shown, "ReplicationGroups", params)


def describe_cache_clusters(state: State, params: Params) -> dict[str, Any]:
    """Describe one member, or those of all groups."""
    name = params.get("CacheClusterId")
    nodes = params.get("ShowCacheNodeInfo") or False
    alone = params.get("ShowCacheClustersNotInReplicationGroups") or False
    shown = [
        cache_cluster(group, member, nodes)
        for group in state.groups.values()
        if group.nodes and not alone
        for member in group.nodes.members
        if name in (None, member.name)
    ]
    if name is not None and not shown:
        raise cluster_not_found(name)
    return wire.page(shown, "CacheClusters", params)


def describe_events(state: State, params: Params) -> dict[str, Any]:
    """Describe events: the last hour's unless a time or a Duration in minutes is given."""
    minutes = params.get("Duration") or 60
    end = params.get("EndTime") or state.clock()
    start = params.get("StartTime") or end - timedelta(minutes=minutes)
    kind = params.get("SourceType")
    source = params.get("SourceIdentifier")
    shown = [
        {
            "SourceIdentifier": event.source,
            "SourceType": event.kind,
            "Message": event.message,
            "Date": event.when,
        }
        for event in reversed(state.events)
        if start <= event.when <= end
        and kind in (None, event.kind)
        and source in (None, event.source)
    ]
    return wire.page(shown, "Events", params)


def describe_cache_engine_versions(_state: State, params: Params) -> dict[str, Any]:
    """Describe all versions, or the newest of each engine."""
    filters = ("Engine", "EngineVersion", "CacheParameterGroupFamily")
    versions = NEWEST.values() if params.get("DefaultOnly") else VERSIONS
    shown = []
    for version in versions:
        entry = {
            "Engine": version.engine,
            "EngineVersion": version.text,
            "CacheParameterGroupFamily": version.family,
            "CacheEngineDescription": version.engine.capitalize(),
            "CacheEngineVersionDescription": f"{version.engine} version {version.text}",
        }
        if all(params.get(name) in (None, entry[name]) for name in filters):
            shown.append(entry)
    return wire.page(shown, "CacheEngineVersions", params)


def list_tags_for_resource(state: State, params: Params) -> dict[str, Any]:
    """List a resource's tags."""
    return _tag_list(_tags(state, params["ResourceName"]))


def add_tags_to_resource(state: State, params: Params) -> dict[str, Any]:
    """Add tags, and list all."""
    tags = _tags(state, params["ResourceName"])
    tags.update(wire.tags(params))
    return _tag_list(tags)


def remove_tags_from_resource(state: State, params: Params) -> dict[str, Any]:
    """Remove tags, and list the others."""
    tags = _tags(state, params["ResourceName"])
    for key in params.get("TagKeys") or []:
        if key not in tags:
            raise AwsError("TagNotFound", f"Tag {key} not found.")
        del tags[key]
    return _tag_list(tags)


def _tag_list(tags: dict[str, str]) -> dict[str, Any]:
    return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _tags(state: State, arn: str) -> dict[str, str]:
    prefix = state.arn("", "")[:-1]
    kind, _, name = arn.removeprefix(prefix).partition(":")
    if not arn.startswith(prefix) or not name:
        raise AwsError("InvalidARN", f"Invalid ARN: {arn}")
    if kind == "replicationgroup" and state.groups.find(name).status != "available":
        raise group_state("Cluster not in available state to perform tagging operations.")
    stores: dict[str, Store[Any]] = {
        "replicationgroup": state.groups,
        "parametergroup": state.parameter_groups,
        "subnetgroup": state.subnet_groups,
        "snapshot": state.snapshots,
        "user": state.users,
        "usergroup": state.user_groups,
    }
    if kind not in stores:
        raise AwsError("InvalidARN", f"Invalid ARN: {arn}")
    tags: dict[str, str] = stores[kind].find(name).tags
    return tags


def replication_group(group: ReplicationGroup) -> Shape:
    """The API's ReplicationGroup.

    One that is being made has no node groups yet, and one that is being deleted neither these nor
    members: botocore's examples of CreateReplicationGroup and DeleteReplicationGroup.
    """
    there = group.nodes if group.status != "deleting" else None
    members = there.members if there else []
    user_groups = [group.user_group] if group.user_group else None
    configuration = None
    if group.cluster_mode and group.nodes:
        configuration = _endpoint(group.nodes.endpoints.configuration, group.port)
    return {
        "ReplicationGroupId": group.id,
        "Description": group.description,
        "Status": group.status,
        "PendingModifiedValues": {"UserGroups": group.pending or None},
        "MemberClusters": [member.name for member in members] or None,
        "NodeGroups": [_node_group(group, there, number) for number in range(group.shards)]
        if there
        else None,
        "SnapshottingClusterId": snapshotting(group),
        "AutomaticFailover": "enabled" if group.automatic_failover else "disabled",
        "MultiAZ": "enabled" if group.multi_az else "disabled",
        "ConfigurationEndpoint": configuration,
        "SnapshotRetentionLimit": group.retention,
        "SnapshotWindow": group.snapshot_window,
        "ClusterEnabled": group.cluster_mode,
        "CacheNodeType": group.node_type.name,
        "AuthTokenEnabled": group.token is not None,
        "UserGroupIds": group.pending.get("UserGroupIdsToRemove") or user_groups,
        "TransitEncryptionEnabled": group.tls,
        "AtRestEncryptionEnabled": group.at_rest,
        "KmsKeyId": group.kms_key,
        "ARN": group.arn,
        "LogDeliveryConfigurations": list(group.logs.values()),
        "ReplicationGroupCreateTime": group.created,
    }


def cache_cluster(group: ReplicationGroup, member: Member, nodes: bool) -> Shape:
    """The API's CacheCluster: one member of a group, with its node if asked for."""
    status = "active" if group.topic_active else "inactive"
    topic = {"TopicArn": group.topic, "TopicStatus": status} if group.topic else None
    return {
        "CacheClusterId": member.name,
        "CacheNodeType": group.node_type.name,
        "Engine": group.version.engine,
        "EngineVersion": group.version.text,
        "CacheClusterStatus": group.status,
        "NumCacheNodes": 1,
        "PreferredAvailabilityZone": zone(group, member.name),
        "CacheClusterCreateTime": group.created,
        "PreferredMaintenanceWindow": group.maintenance_window,
        "PendingModifiedValues": {},
        "NotificationConfiguration": topic,
        "CacheParameterGroup": {
            "CacheParameterGroupName": group.parameter_group.name,
            "ParameterApplyStatus": "in-sync",
            "CacheNodeIdsToReboot": [],
        },
        "CacheSubnetGroupName": group.subnet_group,
        "CacheNodes": [_cache_node(group, member)] if nodes else None,
        "AutoMinorVersionUpgrade": group.auto_minor,
        "SecurityGroups": [
            {"SecurityGroupId": name, "Status": "active"} for name in group.security_groups
        ],
        "ReplicationGroupId": group.id,
        "SnapshotRetentionLimit": group.retention,
        "SnapshotWindow": group.snapshot_window,
        "AuthTokenEnabled": group.token is not None,
        "TransitEncryptionEnabled": group.tls,
        "AtRestEncryptionEnabled": group.at_rest,
        "ARN": group.arn.replace(f":replicationgroup:{group.id}", f":cluster:{member.name}"),
        "ReplicationGroupLogDeliveryEnabled": bool(group.logs),
        "LogDeliveryConfigurations": list(group.logs.values()),
    }


def snapshot_source(group: ReplicationGroup, member: str | None, vpc: str) -> Shape:
    """The source in the API's Snapshot: a member, or in cluster mode the group.

    The fields are those of AWS's samples: botocore's examples of CreateSnapshot and
    DescribeSnapshots, the command line's of describe-snapshots (TopicArn), the user guide's "Taking
    manual backups" (DataTiering).
    """
    shape: Shape = {
        "CacheNodeType": group.node_type.name,
        "PreferredMaintenanceWindow": group.maintenance_window,
        "Port": group.port,
        "CacheParameterGroupName": group.parameter_group.name,
        "CacheSubnetGroupName": group.subnet_group,
        "VpcId": vpc,
        "AutoMinorVersionUpgrade": group.auto_minor,
        "SnapshotRetentionLimit": group.retention,
        "SnapshotWindow": group.snapshot_window,
        "DataTiering": "disabled",
    }
    if member is None:
        return shape | {
            "ReplicationGroupId": group.id,
            "ReplicationGroupDescription": group.description,
            "NumNodeGroups": group.shards,
            "AutomaticFailover": "enabled" if group.automatic_failover else "disabled",
        }
    return shape | {
        "CacheClusterId": member,
        "NumCacheNodes": 1,
        "PreferredAvailabilityZone": zone(group, member),
        "CacheClusterCreateTime": group.created,
        "TopicArn": group.topic,
    }


def snapshot(described: Snapshot) -> Shape:
    """The API's Snapshot."""
    sizes = [f"{-(-path.stat().st_size // (1 << 20))} MB" for path in described.files]
    sizes += [""] * (len(described.members) - len(sizes))
    created = described.described.get("CacheClusterCreateTime")
    of_member = {"CacheNodeId": "0001", "CacheNodeCreateTime": created}
    return described.described | {
        "SnapshotName": described.name,
        "SnapshotStatus": described.status,
        "SnapshotSource": described.source,
        "Engine": described.version.engine,
        "EngineVersion": described.version.text,
        "NodeSnapshots": [
            {
                "CacheSize": size,
                "SnapshotCreateTime": described.finished,
                **(of_member if described.member else {"NodeGroupId": shard}),
            }
            for (shard, _), size in zip(described.members, sizes, strict=True)
        ],
    }


def zone(group: ReplicationGroup, member: str) -> str:
    """The availability zone of a member: they are spread in turn over the subnets' zones."""
    return group.zones[(int(member.rsplit("-", 1)[1]) - 1) % len(group.zones)]


def snapshotting(group: ReplicationGroup) -> str | None:
    """The member of which the service takes the daily snapshot; cluster mode has none."""
    if group.cluster_mode or not group.retention or group.nodes is None:
        return None
    members = group.nodes.members
    replicas = [member.name for member in members if member.role == "replica"]
    return next(iter(replicas or [member.name for member in members]), None)


def _node_group(group: ReplicationGroup, nodes: Group, index: int) -> Shape:
    number = f"{index + 1:04}"
    shape: Shape = {"NodeGroupId": number, "Status": group.status}
    if group.cluster_mode:
        shape["Slots"] = _ranges(nodes.shard(number).slots)
    else:
        shape["PrimaryEndpoint"] = _endpoint(nodes.endpoints.primary, group.port)
        shape["ReaderEndpoint"] = _endpoint(nodes.endpoints.reader, group.port)
    shape["NodeGroupMembers"] = [
        _node_group_member(group, member) for member in nodes.members if member.shard == number
    ]
    return shape


def _ranges(slots: tuple[int, ...]) -> str:
    """As the API writes them: "0-4095,8192-8400"."""
    assigned = set(slots)
    starts = [slot for slot in slots if slot - 1 not in assigned]
    ends = [slot for slot in slots if slot + 1 not in assigned]
    return ",".join(f"{first}-{last}" for first, last in zip(starts, ends, strict=True))


def _node_group_member(group: ReplicationGroup, member: Member) -> Shape:
    shape: Shape = {
        "CacheClusterId": member.name,
        "CacheNodeId": "0001",
        "PreferredAvailabilityZone": zone(group, member.name),
    }
    if not group.cluster_mode:
        shape["ReadEndpoint"] = _endpoint(member.address, group.port)
        shape["CurrentRole"] = member.role
    return shape


def _cache_node(group: ReplicationGroup, member: Member) -> Shape:
    return {
        "CacheNodeId": "0001",
        "CacheNodeStatus": group.status,
        "CacheNodeCreateTime": group.created,
        "Endpoint": _endpoint(member.address, group.port),
        "ParameterGroupStatus": "in-sync",
        "CustomerAvailabilityZone": zone(group, member.name),
    }


def _endpoint(address: str, port: int) -> Shape:
    return {"Address": address, "Port": port}
