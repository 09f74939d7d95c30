"""The newest automatic snapshot, and the throw-away group that is made from it."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from recovery.settings import (
    NoSnapshotError,
    RestoreFailedError,
    Run,
    Settings,
    StillThereError,
    TooLateError,
    is_throw_away,
)
from shared.auth_token import new_text
from shared.aws_calls import ask, every
from shared.errors import AwsRefusedError, StoppedError
from shared.secret import Secret
from shared.snapshots import listed, taken, version_to_restore_on

# While a snapshot is restored or copied its status says so. Source: API reference, "Snapshot".
COMPLETE = ("available", "restoring", "copying")


def newest(
    elasticache: Any, settings: Settings, statuses: Collection[str] = ("available",)
) -> dict[str, Any]:
    """The newest automatic snapshot with one of these statuses; by default, one to restore now.

    ``created`` is when its oldest shard was saved, ``engine_version`` the one to restore it on.
    Raises NoSnapshotError if there is none, and what ``ask`` raises.
    """
    group_id, cluster_mode = settings.group_id, settings.cluster_mode
    found = [
        (created, each)
        for each in listed(elasticache, group_id, cluster_mode=cluster_mode, source="system")
        if each.get("SnapshotStatus") in statuses and (created := taken(each))
    ]
    if not found:
        raise NoSnapshotError(f"{group_id} has no automatic snapshot that is complete")
    created, snapshot = max(found, key=itemgetter(0))
    return {
        "name": snapshot["SnapshotName"],
        "created": created.isoformat(),
        "node_type": snapshot["CacheNodeType"],
        "shards": int(snapshot.get("NumNodeGroups", 1)),
        "tiered": snapshot.get("DataTiering") == "enabled",
        "engine_version": version_to_restore_on(snapshot, settings.engine, settings.engine_version),
    }


def token_of(secret: Secret, group_id: str, execution: str) -> str:
    """A new random token, or the one that an earlier try of this execution has put there.

    The version's id follows from the execution, so that a retry of a step finds its own token and
    an earlier execution's is never used again. Raises what ``ask`` raises.
    """
    version = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{group_id}/{execution}"))
    found = secret.find_token(version)
    if found:
        return found.text
    text = new_text()
    given = {"SecretId": secret.arn, "ClientRequestToken": version, "SecretString": text}
    ask(secret.client.put_secret_value, **given)
    return text


MOST_PASSES = 120  # half an hour at the state machine's pace of one in 15 s
_CAN_BE_DELETED = ("available", "create-failed")


def remove(elasticache: Any, run: Run, passes: int) -> dict[str, Any]:
    """Delete the group if it takes that now; whether it is gone, and the passes so far.

    A group that is being made or deleted takes no deletion, so this is called until it is gone.
    Raises StillThereError when it was called too often, and what ``ask`` raises.
    """
    group = find(elasticache, run.group_id)
    if group is None or not run.owns(group):
        return {"gone": True, "passes": passes}
    if passes >= MOST_PASSES:
        raise StillThereError(f"{run.group_id} is still {group['Status']}")
    _delete(elasticache, group)
    return {"gone": False, "passes": passes + 1}


def leftovers(elasticache: Any, settings: Settings, now: datetime) -> list[dict[str, Any]]:
    """Throw-away groups that are older than a test lasts. Raises what ``ask`` raises."""
    return [
        group
        for group in every(elasticache.describe_replication_groups, "ReplicationGroups")
        if is_throw_away(group, settings.group_id) and age(group, now) > settings.sweep_after
    ]


def sweep(elasticache: Any, found: list[dict[str, Any]]) -> list[str]:
    """Delete each; returns one sentence for each that could not be deleted, and raises nothing."""
    problems = []
    for group in found:
        try:
            _delete(elasticache, group)
        except StoppedError as problem:
            problems.append(f"{group['ReplicationGroupId']}: {problem}")
    return problems


def _delete(elasticache: Any, group: Mapping[str, Any]) -> None:
    if group["Status"] in _CAN_BE_DELETED:
        given = {"ReplicationGroupId": group["ReplicationGroupId"], "RetainPrimaryCluster": False}
        ask(elasticache.delete_replication_group, **given)


_ABSENT = ("ReplicationGroupNotFoundFault", "ReplicationGroupNotFound")
_UNDER_WAY = ("creating", "modifying", "snapshotting")


def restore(
    elasticache: Any, secret: Secret, settings: Settings, run: Run, snapshot: Mapping[str, Any]
) -> None:
    """Start to make the group; a retry that finds it made already is content.

    A snapshot carries no token, TLS, key, subnets, security group or parameters: all are given. It
    does carry its durability, which demands Multi-AZ and a replica (user guide, "Durability").
    Raises RestoreFailedError if the name is another's, and what ``ask`` raises.
    """
    nodes: dict[str, Any] = {"NumCacheClusters": 1}
    if settings.cluster_mode:
        replicas = int(settings.durable)
        nodes = {"NumNodeGroups": snapshot["shards"], "ReplicasPerNodeGroup": replicas}
    if settings.durable:
        nodes["MultiAZEnabled"] = True
    if snapshot["tiered"]:
        nodes["DataTieringEnabled"] = True
    try:
        ask(
            elasticache.create_replication_group,
            ReplicationGroupId=run.group_id,
            ReplicationGroupDescription=run.description,
            SnapshotName=snapshot["name"],
            Engine=settings.engine,
            EngineVersion=snapshot["engine_version"],
            CacheNodeType=snapshot["node_type"],
            CacheParameterGroupName=settings.parameter_group,
            CacheSubnetGroupName=settings.subnet_group,
            SecurityGroupIds=[settings.security_group_id],
            Port=settings.port,
            AutomaticFailoverEnabled=settings.cluster_mode,  # cluster mode is not made without
            AutoMinorVersionUpgrade=False,
            AtRestEncryptionEnabled=True,
            KmsKeyId=settings.key_id,
            TransitEncryptionEnabled=True,
            AuthToken=token_of(secret, run.group_id, run.execution),
            SnapshotRetentionLimit=0,
            **nodes,
        )
    except AwsRefusedError as refused:
        if refused.code != "ReplicationGroupAlreadyExists":
            raise
        if not run.owns(find(elasticache, run.group_id) or {"ReplicationGroupId": ""}):
            raise RestoreFailedError(f"{run.group_id} is there, and not of this test") from None


def look(elasticache: Any, settings: Settings, run: Run, now: datetime) -> dict[str, Any]:
    """Whether the group is ready, and its address.

    Raises RestoreFailedError if it will never be, TooLateError if it took longer than it may, and
    what ``ask`` raises.
    """
    group = find(elasticache, run.group_id)
    if group is None or group["Status"] not in ("available", *_UNDER_WAY):
        status = group["Status"] if group else "gone"
        raise RestoreFailedError(f"the restored group {run.group_id} is {status}")
    if now - run.started > settings.give_up_after:
        minutes = settings.give_up_after.total_seconds() / 60
        raise TooLateError(f"{run.group_id} was not there within {minutes:g} minutes")
    if group["Status"] != "available":
        return {"ready": False}
    shard: Mapping[str, Any] = next(iter(group.get("NodeGroups", [])), {})
    endpoint = group.get("ConfigurationEndpoint") or shard.get("PrimaryEndpoint", {})
    if not endpoint.get("Address"):  # the answer may be ahead of the addresses
        return {"ready": False}
    return {"ready": True, "address": endpoint["Address"], "port": endpoint["Port"]}


def find(elasticache: Any, group_id: str) -> dict[str, Any] | None:
    """The group as it is described, or None. Raises what ``ask`` raises."""
    try:
        answer = ask(elasticache.describe_replication_groups, ReplicationGroupId=group_id)
    except AwsRefusedError as refused:
        if refused.code not in _ABSENT:
            raise
        return None
    group: dict[str, Any] = answer["ReplicationGroups"][0]
    return group


def age(group: Mapping[str, Any], now: datetime) -> timedelta:
    """Of a described group. Raises StoppedError if the answer does not say when it was made."""
    made: datetime | None = group.get("ReplicationGroupCreateTime")
    if made is None:
        raise StoppedError(f"AWS does not say when {group['ReplicationGroupId']} was made")
    return now - made
