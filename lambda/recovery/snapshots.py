"""The automatic snapshots of the group."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from recovery.settings import NoSnapshotError, Settings
from shared.snapshots import listed, taken, version_to_restore_on

# While a snapshot is restored or copied its status says so. Source: API reference, "Snapshot".
_COMPLETE = ("available", "restoring", "copying")


@dataclass(frozen=True)
class Snapshot:
    """One that can be restored; ``created`` is when its oldest shard was saved.

    ``engine_version`` is the one to restore it on.
    """

    name: str
    created: datetime
    node_type: str
    shards: int
    tiered: bool
    engine_version: str

    def document(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self) | {"created": self.created.isoformat()}


def newest(elasticache: Any, settings: Settings) -> Snapshot:
    """The newest automatic snapshot that is complete.

    Raises NoSnapshotError if there is none, and what ``ask`` raises.
    """
    found = [
        Snapshot(
            name=each["SnapshotName"],
            created=created,
            node_type=each["CacheNodeType"],
            shards=int(each.get("NumNodeGroups", 1)),
            tiered=each.get("DataTiering") == "enabled",
            engine_version=version_to_restore_on(each, settings.engine, settings.engine_version),
        )
        for each in listed(
            elasticache, settings.group_id, cluster_mode=settings.cluster_mode, source="system"
        )
        if each.get("SnapshotStatus") in _COMPLETE and (created := taken(each))
    ]
    if not found:
        raise NoSnapshotError(f"{settings.group_id} has no automatic snapshot that is complete")
    return max(found, key=lambda each: each.created)
