"""``make restore``: the group of an environment from a snapshot, as the deployed template wants it.

usage: python -m tools.restore ENVIRONMENT SNAPSHOT [REPLACE]

The template is not touched and names no snapshot, so that no later deployment replaces the group:
it is made past CloudFormation under the name by which CloudFormation knows it. REPLACE is the name
of a group that is still there and may be deleted for it. See docs/operate/disaster-recovery.md.
"""

import time
from collections.abc import Callable, Container, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from environments.load import load
from tools.command import Answer, command, session
from tools.deploy_guard import group_of
from tools.restore import sources

BETWEEN_LOOKS = 5.0  # seconds
LONGEST = 3600.0  # seconds that ElastiCache may take for one step
NOTHING = "none"  # in a snapshot's place: an empty group, when nothing keeps its data


def _restore(environment: str, snapshot: str, replace: str = "") -> int:
    settings = load(environment)
    client = session(settings, timedelta(seconds=2 * LONGEST)).client
    started, elasticache = time.monotonic(), client("elasticache")
    wanted, names = sources.deployed(client("cloudformation"), f"{settings.prefix}-data")
    wanted = _typed(elasticache, wanted)
    publish_address = partial(publish, client("ssm"), names, settings.parameter_path)
    group_id = wanted["ReplicationGroupId"]
    there = None if replace else group_of(elasticache, group_id)
    if there and there["Status"] == "available" and publish_address(there):
        print(
            f"{group_id} was there, and its address was not published: an interrupted restore ends "
            f"here. If its data is to be replaced, add REPLACE={group_id}"
        )
        return 0
    group = restored(elasticache, wanted, snapshot, replace)
    publish_address(group)
    seconds, nodes = time.monotonic() - started, len(group.get("MemberClusters", []))
    print(f"{group_id} is available with {nodes} nodes after {seconds:.0f} s")
    return 0


def _typed(elasticache: Any, properties: Mapping[str, Any]) -> dict[str, Any]:
    """With numbers as numbers: a template may carry them as text."""
    model = elasticache.meta.service_model.operation_model("CreateReplicationGroup")
    kinds = model.input_shape.members
    if unknown := sorted(properties.keys() - kinds.keys()):
        raise Answer(
            f"restore: {', '.join(unknown)} is no parameter of CreateReplicationGroup as this "
            "boto3 knows it: a group would be made without it. Use a newer boto3."
        )
    return {
        name: int(value) if kinds[name].type_name == "integer" else value
        for name, value in properties.items()
    }


def restored(
    elasticache: Any, wanted: dict[str, Any], snapshot: str, replace: str
) -> dict[str, Any]:
    """The restored group as it is described, available. Begun again, it goes on.

    ``wanted`` is what CreateReplicationGroup takes. ``replace`` is the name of a group that may be
    deleted for it, after a final snapshot; for an empty one, that is without a snapshot, none is.
    Raises Answer, before anything has changed if the group is to stay.
    """
    group_id = wanted["ReplicationGroupId"]
    status = (group_of(elasticache, group_id) or {}).get("Status")
    if status == "creating":
        print(f"{group_id} is being made already: this run waits for it")
        return _when_available(elasticache, group_id)
    if snapshot == NOTHING:
        if status is not None:
            raise Answer(
                f"restore: {group_id} is there ({status}), and no command here empties a group. "
                "SNAPSHOT=none is for one that is gone; otherwise name a snapshot."
            )
        _create(elasticache, wanted)
        return _when_available(elasticache, group_id)
    found = sources.find(elasticache, snapshot)
    sources.check(found, wanted)
    # From the snapshot as it is described: the answer to a copy of it may say less.
    wanted = wanted | _as_it_was(found, wanted)
    if status == "deleting":
        _until(lambda: group_of(elasticache, group_id) is None, f"the end of {group_id}")
        sources.find(elasticache, snapshot)  # an automatic one went with its group
    elif status is not None:
        _may_go(group_id, status, replace)
        snapshot = _taken_away(elasticache, wanted, found)
    _create(elasticache, wanted, SnapshotName=snapshot)
    return _when_available(elasticache, group_id)


def _as_it_was(snapshot: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What the snapshot asks for beyond the template: said, since a deployment must follow."""
    version = sources.engine_version(snapshot, wanted)
    if version != wanted["EngineVersion"]:
        print(
            f"AWS had raised the engine to {version} since {wanted['EngineVersion']} was "
            f'deployed: write engine = "{wanted["Engine"]}-{version}" and deploy it when '
            "this is done. Until then the health check says that the version differs"
        )
    return {"EngineVersion": version, **sources.durability(snapshot, wanted)}


def _may_go(group_id: str, status: str, replace: str) -> None:
    if replace != group_id:
        what = "is there" if not replace else f"is there, and REPLACE names {replace}"
        raise Answer(
            f"restore: {group_id} {what}. ElastiCache restores into a new group only: the "
            "present one would be deleted after a final snapshot, and its clients have none "
            "for as long as a restore takes. An interrupted restore that has come so far is "
            f"over: make health. If a new one is meant, add REPLACE={group_id}"
        )
    if status not in ("available", "create-failed"):
        raise Answer(
            f"restore: {group_id} is {status}, and ElastiCache deletes no group then. Wait until "
            "it is available."
        )


def _taken_away(elasticache: Any, wanted: Mapping[str, Any], snapshot: Mapping[str, Any]) -> str:
    """The name of the snapshot to restore from, once the old group is gone."""
    _must_let_clients_in(elasticache, wanted)
    group_id, name = wanted["ReplicationGroupId"], snapshot["SnapshotName"]
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    final = f"{group_id}-before-{stamp}"
    if snapshot["SnapshotSource"] != "manual":  # automatic ones are deleted with their group
        copy = elasticache.copy_snapshot(
            SourceSnapshotName=name,
            TargetSnapshotName=f"{group_id}-kept-{stamp}",
            KmsKeyId=wanted["KmsKeyId"],
        )
        name = copy["Snapshot"]["SnapshotName"]
    _until(lambda: _is_complete(elasticache, name), f"snapshot {name}")
    if name != snapshot["SnapshotName"]:
        print(f"{snapshot['SnapshotName']} goes with its group, and is copied to {name}:")
        print(f"if this is interrupted, run it again with SNAPSHOT={name}, without REPLACE")
    print(f"{group_id} is deleted; what it holds now goes into snapshot {final}")
    elasticache.delete_replication_group(ReplicationGroupId=group_id, FinalSnapshotIdentifier=final)
    _until(lambda: group_of(elasticache, group_id) is None, f"the end of {group_id}")
    return str(name)


def _is_complete(elasticache: Any, name: str) -> bool:
    found = sources.find(elasticache, name)
    if found["SnapshotStatus"] == "failed":
        raise Answer(f"restore: the copy {name} failed. Nothing was deleted: try again.")
    return bool(found["SnapshotStatus"] == "available")


def _must_let_clients_in(elasticache: Any, wanted: Mapping[str, Any]) -> None:
    """Raises Answer, while the old group is there, if its clients could not log in."""
    for name in wanted["UserGroupIds"]:
        try:
            (found,) = elasticache.describe_user_groups(UserGroupId=name)["UserGroups"]
        except elasticache.exceptions.UserGroupNotFoundFault:
            raise Answer(
                f"restore: there is no user group {name}, and without it no client can log in. "
                "Create both, or a new data stack: docs/operate/disaster-recovery.md."
            ) from None
        if found["Status"] != "active":
            raise Answer(
                f"restore: the user group {name} is {found['Status']}, and ElastiCache gives "
                "it to no group meanwhile. Wait until it is active."
            )


def _create(elasticache: Any, wanted: Mapping[str, Any], **source: str) -> None:
    _must_let_clients_in(elasticache, wanted)
    group_id = wanted["ReplicationGroupId"]
    print(f"{group_id} is made {' '.join(('from', *source.values())) if source else 'empty'}")
    try:
        elasticache.create_replication_group(**wanted, **source)
    except (BotoCoreError, ClientError) as failure:
        raise Answer(
            f"restore: AWS did not make {group_id}: {failure}. Its snapshots stay: run this again "
            "when that is fixed."
        ) from None


def _when_available(elasticache: Any, group_id: str) -> dict[str, Any]:
    def is_available() -> bool:
        status = (group_of(elasticache, group_id) or {"Status": "gone"})["Status"]
        if status in ("gone", "create-failed", "deleting"):
            raise Answer(
                f"restore: {group_id} could not be made, it is {status}. "
                f"aws elasticache describe-events --source-identifier {group_id} "
                "--source-type replication-group says why; then run this again."
            )
        return bool(status == "available")

    _until(is_available, group_id)
    return group_of(elasticache, group_id) or {}


def _until(holds: Callable[[], bool], what: str) -> None:
    for _ in range(int(LONGEST / BETWEEN_LOOKS)):
        if holds():
            return
        time.sleep(BETWEEN_LOOKS)
    raise Answer(
        f"restore: waited an hour for {what}. AWS continues; run this again when it exists."
    )


def publish(ssm: Any, names: Container[str], path: str, group: Mapping[str, Any]) -> bool:
    """Publish the group's addresses where others are published, or none; whether one changed.

    A group of the same name has the same address, so that nothing is to be done. Should AWS give
    another, clients would look for the old one, and CloudFormation would not see it. A parameter
    that is not among the ``names`` of the stack's resources is left to the deployment that makes
    it: it could not if one were there.
    """
    shard: Mapping[str, Any] = next(iter(group.get("NodeGroups", [])), {})
    endpoints = {
        "REDIS_URL": group.get("ConfigurationEndpoint") or shard.get("PrimaryEndpoint"),
        "REDIS_READER_URL": shard.get("ReaderEndpoint"),
    }
    changed = False
    for name, endpoint in endpoints.items():
        parameter = f"{path}/{name}"
        if not endpoint or not endpoint.get("Address") or parameter not in names:
            continue
        address = f"rediss://{endpoint['Address']}:{endpoint['Port']}"
        try:
            there = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            there = None
        if there != address:
            ssm.put_parameter(Name=parameter, Value=address, Type="String", Overwrite=True)
            print(f"{parameter} is now {address}: restart applications that read it at their start")
            changed = True
    return changed


main = command(
    "restore",
    _restore,
    takes=lambda given: len(given) in (2, 3) and given[0] and given[1],
    usage="name the environment and the snapshot: make restore ENV=production SNAPSHOT=…",
    interrupted="what AWS has started continues. Run it again without REPLACE: it continues, or "
    "says that the old group still exists.",
)
