"""The group: taken away when that is wanted, made from the snapshot, and waited for."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.command import Answer
from tools.restore import backup
from tools.restore.deployed import Deployed

BETWEEN_LOOKS = 5.0  # seconds
LONGEST = 3600.0  # seconds that ElastiCache may take for one step
NOTHING = "none"  # in a snapshot's place: an empty group, when nothing keeps its data


class Replacement:
    """One restore of one group; every step can be begun again after an interruption."""

    def __init__(self, elasticache: Any, deployed: Deployed, stamp: str) -> None:
        """``stamp`` makes the names of the snapshots that are kept unique: digits and hyphens."""
        self._elasticache = elasticache
        self._stamp = stamp
        self._wanted = self._typed(deployed.group())
        self.group_id: str = self._wanted["ReplicationGroupId"]

    def restore(self, snapshot_name: str, replace: str | None) -> dict[str, Any]:
        """The restored group as it is described, available.

        ``replace`` is the name of a group that may be deleted for it, after a final snapshot; for
        an empty one, that is without a snapshot, none is.
        Raises Answer, before anything has changed if the group is to stay.
        """
        there = self._status()
        if there == "creating":
            print(f"{self.group_id} is being made already: this run waits for it")
            return self._when_available()
        if snapshot_name == NOTHING:
            self._must_be_gone(there)
            self._create(None)
            return self._when_available()
        snapshot = backup.find(self._elasticache, snapshot_name)
        backup.check(snapshot, self._wanted)
        # From the snapshot as it is described: the answer to a copy of it may say less.
        self._wanted |= self._as_it_was(snapshot)
        if there is not None:
            snapshot = self._taken_away(there, snapshot, replace)
        self._create(snapshot["SnapshotName"])
        return self._when_available()

    def available(self) -> dict[str, Any] | None:
        """The group as it is described if it is there and available now."""
        group: dict[str, Any] | None = self._described()
        return group if group and group["Status"] == "available" else None

    def _taken_away(
        self, status: str, snapshot: dict[str, Any], replace: str | None
    ) -> dict[str, Any]:
        """The snapshot to restore from, once the old group is gone."""
        if status == "deleting":
            self._until_gone()
            return backup.find(self._elasticache, snapshot["SnapshotName"])
        self._may_go(status, replace)
        self._must_let_clients_in()
        copy = f"{self.group_id}-kept-{self._stamp}"
        kept = backup.kept(self._elasticache, snapshot, copy, self._wanted["KmsKeyId"])
        name = kept["SnapshotName"]
        self._until(lambda: _is_complete(self._elasticache, name), f"snapshot {name}")
        final = f"{self.group_id}-before-{self._stamp}"
        if name != snapshot["SnapshotName"]:
            print(f"{snapshot['SnapshotName']} goes with its group, and is copied to {name}:")
            print(f"if this is interrupted, run it again with SNAPSHOT={name}, without REPLACE")
        print(f"{self.group_id} is deleted; what it holds now goes into snapshot {final}")
        self._elasticache.delete_replication_group(
            ReplicationGroupId=self.group_id, FinalSnapshotIdentifier=final
        )
        self._until_gone()
        return kept

    def _as_it_was(self, snapshot: Mapping[str, Any]) -> dict[str, Any]:
        """What the snapshot asks for beyond the template: said, since a deployment must follow."""
        version = backup.engine_version(snapshot, self._wanted)
        changed = {"EngineVersion": version, **backup.durability(snapshot, self._wanted)}
        if version != self._wanted["EngineVersion"]:
            print(
                f"AWS had raised the engine to {version} since {self._wanted['EngineVersion']} was "
                f'deployed: write engine = "{self._wanted["Engine"]}-{version}" and deploy it when '
                "this is done. Until then the health check says that the version differs"
            )
        return changed

    def _must_let_clients_in(self) -> None:
        """Raises Answer, while the old group is there, if its clients could not log in."""
        for name in self._wanted["UserGroupIds"]:
            try:
                (found,) = self._elasticache.describe_user_groups(UserGroupId=name)["UserGroups"]
            except self._elasticache.exceptions.UserGroupNotFoundFault:
                raise Answer(
                    f"restore: there is no user group {name}, and without it no client can log in. "
                    "Create both, or a new data stack: docs/operate/disaster-recovery.md."
                ) from None
            if found["Status"] != "active":
                raise Answer(
                    f"restore: the user group {name} is {found['Status']}, and ElastiCache gives "
                    "it to no group meanwhile. Wait until it is active."
                )

    def _must_be_gone(self, status: str | None) -> None:
        if status is not None:
            raise Answer(
                f"restore: {self.group_id} is there ({status}), and no command here empties a "
                "group. SNAPSHOT=none is for one that is gone; otherwise name a snapshot."
            )

    def _may_go(self, status: str, replace: str | None) -> None:
        if replace != self.group_id:
            what = "is there" if not replace else f"is there, and REPLACE names {replace}"
            raise Answer(
                f"restore: {self.group_id} {what}. ElastiCache restores into a new group only: the "
                "present one would be deleted after a final snapshot, and its clients have none "
                "for as long as a restore takes. An interrupted restore that has come so far is "
                f"over: make health. If a new one is meant, add REPLACE={self.group_id}"
            )
        if status not in ("available", "create-failed"):
            raise Answer(
                f"restore: {self.group_id} is {status}, and ElastiCache deletes no group then. "
                "Wait until it is available."
            )

    def _create(self, snapshot: str | None) -> None:
        self._must_let_clients_in()
        print(f"{self.group_id} is made {f'from {snapshot}' if snapshot else 'empty'}")
        try:
            self._elasticache.create_replication_group(
                **self._wanted, **({"SnapshotName": snapshot} if snapshot else {})
            )
        except (BotoCoreError, ClientError) as failure:
            raise Answer(
                f"restore: AWS did not make {self.group_id}: {failure}. Its snapshots stay: run "
                "this again when that is fixed."
            ) from None

    def _typed(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """With numbers as numbers: a template may carry them as text."""
        model = self._elasticache.meta.service_model.operation_model("CreateReplicationGroup")
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

    def _status(self) -> str | None:
        group = self._described()
        return group and str(group["Status"])

    def _described(self) -> Any:
        try:
            answer = self._elasticache.describe_replication_groups(ReplicationGroupId=self.group_id)
        except self._elasticache.exceptions.ReplicationGroupNotFoundFault:
            return None
        return answer["ReplicationGroups"][0]

    def _until_gone(self) -> None:
        self._until(lambda: self._status() is None, f"the end of {self.group_id}")

    def _when_available(self) -> dict[str, Any]:
        self._until(self._is_available, self.group_id)
        group: dict[str, Any] = self._described()
        return group

    def _is_available(self) -> bool:
        status = self._status()
        if status in (None, "create-failed", "deleting"):
            raise Answer(
                f"restore: {self.group_id} could not be made, it is {status or 'gone'}. "
                f"aws elasticache describe-events --source-identifier {self.group_id} "
                "--source-type replication-group says why; then run this again."
            )
        return status == "available"

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        for _ in range(int(LONGEST / BETWEEN_LOOKS)):
            if holds():
                return
            time.sleep(BETWEEN_LOOKS)
        raise Answer(
            f"restore: waited an hour for {what}. AWS continues; run this again when it exists."
        )


def _is_complete(elasticache: Any, name: str) -> bool:
    found = backup.find(elasticache, name)
    if found["SnapshotStatus"] == "failed":
        raise Answer(f"restore: the copy {name} failed. Nothing was deleted: try again.")
    return bool(found["SnapshotStatus"] == "available")
