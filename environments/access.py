"""Who logs in to Redis, and what that user may do there: RBAC's user ``default`` (§2.3).

Sources: ElastiCache user guide, "Role-Based Access Control (RBAC)" and "Restricted commands"; what
each command needs on Redis 6.2, 7.0 and Valkey is tried on those servers by
tests/emulator/nodes/test_access_string.py.
"""

from collections.abc import Iterable

ENGINE = "redis"  # of users and user groups; replication groups of Valkey take it too
# Shorter than what the recovery test adds to a group's id, which has to fit in 40 characters;
# ElastiCache states no limit for the id of a user.
_USER, _USER_GROUP = "-default", "-users"

# Categories and whole commands only: ElastiCache documents subcommands (`+client|id`) from 7.0 on,
# and refuses a string that names a command which it blocks itself. Redis 6.2 counts INFO, CLIENT
# and CLUSTER among the dangerous, and clients need them.
_EVERYTHING = "on ~* &* +@all"  # of a client with an AUTH token: all that ElastiCache leaves it
_ACCESS = f"{_EVERYTHING} -@admin -@dangerous +info +client +cluster"

# What may be added, and what it lets whoever holds the token do.
EXTRA_COMMANDS = {
    "flushall": "delete every key of the group",
    "flushdb": "delete every key of a database",
    "keys": "list every key, while no other client is served",
    "lastsave": "read when the last snapshot was made",
    "latency": "read and reset the engine's latency figures",
    "monitor": "read every command of every client, with keys and values",
    "restore": "write keys from serialised values",
    "role": "read the addresses of the group's nodes",
    "slowlog": "read and reset the slow log, with keys and values",
    "sort": "sort large lists, while no other client is served, and read keys by pattern",
    "swapdb": "exchange two databases under all clients",
}


def access_string(extra_commands: Iterable[str], *, everything: bool = False) -> str:
    """What the user may do, as ElastiCache and ACL SETUSER take it.

    ``everything``: what a client may do that logs in with a group's AUTH token.
    """
    if everything:
        return _EVERYTHING
    return " ".join([_ACCESS, *(f"+{command}" for command in extra_commands)])


def user_id(group_id: str) -> str:
    """The id of the user that the group's clients log in as."""
    return f"{group_id}{_USER}"


def user_group_id(group_id: str) -> str:
    """The id of the user group that belongs to the replication group."""
    return f"{group_id}{_USER_GROUP}"


def access_arns(group_id: str) -> tuple[str, str]:
    """What ends the ARNs of the user and of the user group."""
    return f"user:{user_id(group_id)}", f"usergroup:{user_group_id(group_id)}"
