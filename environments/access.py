"""Who logs in to Redis, and what that user may do there."""

ENGINE = "redis"  # of users and user groups; groups of Valkey take it too

# Categories and whole commands only: ElastiCache documents subcommands from 7.0 on, and refuses a
# command that it blocks itself (user guide, "Role-Based Access Control (RBAC)"). INFO, CLIENT and
# CLUSTER are dangerous to Redis 6.2, and clients need them.
ACCESS_STRING = "on ~* &* +@all -@admin -@dangerous +info +client +cluster"


def user_id(group_id: str) -> str:
    """The id of the user that the group's clients log in as."""
    return f"{group_id}-default"


def user_group_id(group_id: str) -> str:
    """The id of the user group that belongs to the replication group."""
    return f"{group_id}-users"


def access_arns(group_id: str) -> tuple[str, str]:
    """What ends the ARNs of the user and of the user group."""
    return f"user:{user_id(group_id)}", f"usergroup:{user_group_id(group_id)}"
