"""A failover that really happens must be read in the channel."""

from typing import Any

from emulator.aws.waiting import wait_until
from emulator.errors import RehearsalError
from rehearsal.common.checks.replication_group import described
from rehearsal.common.rehearsal import Rehearsal

_PATIENCE = 120  # seconds
_WORDS = "a replica took over"


def check(rehearsal: Rehearsal) -> str:
    """Fail over, and wait until the channel shows it."""
    group = described(rehearsal)
    before = len(_shown(rehearsal))
    rehearsal.aws("elasticache").test_failover(
        ReplicationGroupId=group["ReplicationGroupId"],
        NodeGroupId=group["NodeGroups"][0]["NodeGroupId"],
    )

    def arrived() -> bool | None:
        if not _active(rehearsal):
            (*_, last) = rehearsal.ask("event_failures")
            raise RehearsalError(f"ElastiCache holds the topic for inactive: {last['why']}")
        return len(_shown(rehearsal)) > before or None

    wait_until(arrived, seconds=_PATIENCE, what="a failover in the channel")
    wait_until(
        lambda: described(rehearsal)["Status"] == "available" or None,
        seconds=_PATIENCE,
        what="the group at rest",
    )
    return "Failover: the channel shows it in plain words"


def topic_of(rehearsal: Rehearsal) -> str:
    """The ARN of the topic that the group's nodes tell of events."""
    found: str = _configuration(rehearsal)["TopicArn"]
    return found


def _active(rehearsal: Rehearsal) -> bool:
    return bool(_configuration(rehearsal)["TopicStatus"] == "active")


def _configuration(rehearsal: Rehearsal) -> dict[str, Any]:
    clusters = rehearsal.aws("elasticache").describe_cache_clusters()["CacheClusters"]
    found: dict[str, Any] | None = clusters[0].get("NotificationConfiguration")
    if found is None:
        raise RehearsalError("the group tells no topic of its events")
    return found


def _shown(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    return [one for one in rehearsal.ask("messages") if one["shown"] and _WORDS in one["message"]]
