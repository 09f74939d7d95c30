"""The calls that only look: groups, members, events, engine versions, tags."""

from datetime import timedelta
from typing import Any

from emulator.elasticache import views, wire
from emulator.elasticache.errors import AwsError, cluster_not_found, group_state
from emulator.elasticache.state import State, Store
from emulator.elasticache.versions import NEWEST, VERSIONS
from emulator.elasticache.wire import Params


def describe_replication_groups(state: State, params: Params) -> dict[str, Any]:
    """One, or all."""
    groups = state.groups.named(params.get("ReplicationGroupId"))
    shown = [views.replication_group(group) for group in groups]
    return wire.page(shown, "ReplicationGroups", params)


def describe_cache_clusters(state: State, params: Params) -> dict[str, Any]:
    """The members of all groups."""
    name = params.get("CacheClusterId")
    nodes = params.get("ShowCacheNodeInfo") or False
    alone = params.get("ShowCacheClustersNotInReplicationGroups") or False
    shown = [
        views.cache_cluster(group, member, nodes)
        for group in state.groups.values()
        if group.nodes and not alone
        for member in group.nodes.members
        if name in (None, member.name)
    ]
    if name is not None and not shown:
        raise cluster_not_found(name)
    return wire.page(shown, "CacheClusters", params)


def describe_events(state: State, params: Params) -> dict[str, Any]:
    """The last hour's unless a time or a Duration in minutes is given."""
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
    """The versions that there are, or the newest of each engine."""
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
    """The tags."""
    return _tag_list(_tags(state, params["ResourceName"]))


def add_tags_to_resource(state: State, params: Params) -> dict[str, Any]:
    """The tags, with these."""
    tags = _tags(state, params["ResourceName"])
    tags.update(wire.tags(params))
    return _tag_list(tags)


def remove_tags_from_resource(state: State, params: Params) -> dict[str, Any]:
    """The tags, without these."""
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
