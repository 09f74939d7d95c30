"""What ElastiCache refuses about a replication group as a whole, new or changed.

emulator/README.md gives the source of each rule and of its words.
"""

from __future__ import annotations

import re

from emulator.elasticache import windows
from emulator.elasticache.errors import invalid_combination, invalid_value
from emulator.elasticache.state import ReplicationGroup
from emulator.elasticache.versions import Version

LONGEST_RETENTION = 35
MOST_REPLICAS = 5
FIRST_WITH_TLS_MODE = (0, 7, 0, 5)
FIRST_WITH_DURABILITY = (1, 9)
FIRST_WITH_USERS = (0, 6, 0)

_ID = re.compile(r"[a-z](?:-?[a-z0-9])*")


def check_id(name: str) -> str:
    """The id in lower case. Raises InvalidParameterValue."""
    found = name.lower()
    if len(found) > 40 or not _ID.fullmatch(found):
        raise invalid_value(
            f"The parameter ReplicationGroupId must be provided and must not be blank: {name!r} is "
            "not 1 to 40 letters, digits and single hyphens that begin with a letter."
        )
    return found


def check(group: ReplicationGroup) -> None:
    """Raises InvalidParameterValue or InvalidParameterCombination for settings AWS refuses."""
    _check_windows(group)
    _check_parameter_group(group)
    _check_nodes(group)
    _check_durability(group)
    _check_tls(group)
    _check_logins(group)


def check_upgrade(now: Version, wanted: Version) -> None:
    """Raises InvalidParameterCombination for a step back."""
    if wanted < now:
        raise invalid_combination(
            f"The requested cache cluster version {wanted.text} is older than the current version "
            f"{now.text}: an engine cannot be downgraded."
        )


def check_restore(snapshot: Version, wanted: Version) -> None:
    """Raises InvalidParameterCombination for an engine older than the snapshot's."""
    if wanted < snapshot:
        raise invalid_combination(
            f"The engine version {wanted.engine} {wanted.text} is older than the version of the "
            f"snapshot, {snapshot.engine} {snapshot.text}."
        )


def _check_windows(group: ReplicationGroup) -> None:
    if not 0 <= group.retention <= LONGEST_RETENTION:
        raise invalid_value(f"Snapshot retention limit must be between 0 and {LONGEST_RETENTION}.")
    maintenance = windows.weekly(group.maintenance_window)
    windows.check_apart(windows.daily(group.snapshot_window), maintenance)


def _check_nodes(group: ReplicationGroup) -> None:
    if not 0 <= group.replicas <= MOST_REPLICAS:
        raise invalid_value("The number of replicas per node group must be between 0 and 5.")
    if group.cluster_mode and not group.automatic_failover:
        raise invalid_value(
            "Redis with cluster mode enabled cannot be created with auto failover turned off."
        )
    if group.automatic_failover and not group.cluster_mode and group.replicas == 0:
        raise invalid_combination(
            "When using automatic failover, there must be at least 2 cache clusters in the "
            "replication group."
        )
    if group.multi_az and not group.automatic_failover:
        raise invalid_combination("Multi-AZ requires automatic failover to be enabled.")
    if group.multi_az and group.replicas == 0:
        raise invalid_combination("Multi-AZ requires at least one replica in each node group.")
    if group.multi_az and len(set(group.zones)) < 2:
        raise invalid_combination("Multi-AZ requires subnets in at least two availability zones.")


def _check_durability(group: ReplicationGroup) -> None:
    several = group.cluster_mode and group.multi_az and group.replicas > 0
    if group.durability in ("sync", "async") and not (
        several and group.version.rank >= FIRST_WITH_DURABILITY
    ):
        raise invalid_combination(
            "Durability requires Valkey 9.0 or later, cluster mode, Multi-AZ and a replica in each "
            "node group."
        )


def _check_parameter_group(group: ReplicationGroup) -> None:
    family, found = group.version.family, group.parameter_group.family
    if found != family:
        raise invalid_combination(
            f"Expected a parameter group of family {family} but found one of family {found}"
        )
    if group.shards > 1 and not group.cluster_mode:
        raise invalid_combination(
            "Use a parameter group with cluster-enabled for more than one node group."
        )


def _check_tls(group: ReplicationGroup) -> None:
    if group.tls_mode is None:
        return
    if group.tls_mode not in ("preferred", "required"):
        raise invalid_value("TransitEncryptionMode must be preferred or required.")
    if not group.tls:
        raise invalid_combination(
            "To modify transit encryption mode, set encryption-in-transit as enabled."
        )
    if group.version.rank < FIRST_WITH_TLS_MODE:
        raise invalid_combination(
            f"Transit encryption mode is not supported for engine version {group.version.text}. "
            "Please use engine version 7.0.5 or higher."
        )


def _check_logins(group: ReplicationGroup) -> None:
    if group.token is not None and group.user_group is not None:
        raise invalid_combination(
            "Auth tokens can't be enabled with a user group already associated."
        )
    if group.token is not None and not group.tls:
        raise invalid_value(
            "The AUTH token is only supported when encryption-in-transit is enabled."
        )
    if group.user_group is not None and not group.tls:
        raise invalid_combination(
            "User group based access control requires encryption-in-transit to be enabled on the "
            "replication group."
        )
    if group.user_group is not None and group.version.rank < FIRST_WITH_USERS:
        raise invalid_combination(
            f"User groups are not supported for engine version {group.version.text}."
        )
