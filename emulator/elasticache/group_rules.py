"""ElastiCache's rules for a replication group as a whole, new or changed.

emulator/README.md gives the source of each rule and of its words.
"""

import re
import string

from emulator.elasticache.state import ReplicationGroup
from emulator.elasticache.wire import invalid_combination, invalid_value

LONGEST_RETENTION = 35
MOST_REPLICAS = 5
FIRST_WITH_DURABILITY = (1, 9)
FIRST_WITH_USERS = (0, 6, 0)

TOKEN_ALPHABET = frozenset(string.ascii_letters + string.digits + "!&#$^<>-")

DAY = 24 * 60
WEEK = 7 * DAY
SHORTEST = 60
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
_DAY_TIME = f"(?:{'|'.join(DAYS)}):{_TIME}"
# By kind of window: its form, and the minutes after which it comes again.
_WINDOWS = {
    "snapshot": (re.compile(f"({_TIME})-({_TIME})"), DAY),
    "maintenance": (re.compile(f"({_DAY_TIME})-({_DAY_TIME})"), WEEK),
}


def check(group: ReplicationGroup) -> None:
    """Raises InvalidParameterValue or InvalidParameterCombination for settings AWS refuses."""
    _check_windows(group)
    _check_parameter_group(group)
    _check_nodes(group)
    _check_durability(group)
    _check_logins(group)


def check_token(token: str) -> None:
    """InvalidParameterValue for a wrong length or alphabet (botocore, CreateReplicationGroup)."""
    if not 16 <= len(token) <= 128 or not TOKEN_ALPHABET.issuperset(token):
        raise invalid_value("Invalid AuthToken provided.")


def _check_windows(group: ReplicationGroup) -> None:
    if not 0 <= group.retention <= LONGEST_RETENTION:
        raise invalid_value(f"Snapshot retention limit must be between 0 and {LONGEST_RETENTION}.")
    starts, lasts = _window("snapshot", group.snapshot_window)
    begins, goes_on = _window("maintenance", group.maintenance_window)
    for day in range(7):
        start = day * DAY + starts
        # The later start decides: it must not lie inside the other window, around the week's end.
        if (start - begins) % WEEK < goes_on or (begins - start) % WEEK < lasts:
            raise invalid_value("The snapshot window and maintenance window must not overlap.")


def _window(kind: str, text: str) -> tuple[int, int]:
    """Start and length in minutes of 02:00-03:00 or sun:03:00-sun:05:00, at least 60 long."""
    form, span = _WINDOWS[kind]
    match = form.fullmatch(text.lower())
    if match is None:
        raise invalid_value(f"Invalid {kind} window format: {text}.")
    start, end = map(_minutes, match.groups())
    length = (end - start) % span
    if length < SHORTEST:
        raise invalid_value(f"{kind.capitalize()} window must be at least 60 minutes.")
    return start, length


def _minutes(text: str) -> int:
    *day, hour, minute = text.split(":")
    return sum(DAYS.index(name) for name in day) * DAY + int(hour) * 60 + int(minute)


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
    family, actual = group.version.family, group.parameter_group.family
    if actual != family:
        raise invalid_combination(
            f"Expected a parameter group of family {family} but found one of family {actual}"
        )
    if group.shards > 1 and not group.cluster_mode:
        raise invalid_combination(
            "Use a parameter group with cluster-enabled for more than one node group."
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
