"""A deployment in perfect health, as AWS's answers, to be spoilt in one place."""

from datetime import UTC, datetime
from typing import Any

from environments.access import access_string
from health.desired import Desired
from tests.support import pages_of_one

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:1:p-critical"

DESIRED = Desired(
    group_id="g",
    group={
        "CacheNodeType": "cache.t3.medium",
        "MultiAZ": "enabled",
        "AutomaticFailover": "enabled",
        "TransitEncryptionEnabled": True,
        "AtRestEncryptionEnabled": True,
        "SnapshotRetentionLimit": 7,
    },
    node={
        "Engine": "redis",
        "EngineVersion": "6.2",
        "PreferredMaintenanceWindow": "sun:03:00-sun:05:00",
    },
    members=2,
    key_id="arn:aws:kms:us-east-1:1:key/ours",
    parameter_group="params",
    parameters={"timeout": "300"},
    user={"id": "g-default", "group": "g-users", "access": access_string([])},
    alarm_prefix="p-",
    alarms={"memory-warning": 2},
    topics={TOPIC: 2},
    runbook="https://example.com/runbook.md",
)


def group(**changes: Any) -> dict[str, Any]:
    return {
        **DESIRED.group,
        "Status": "available",
        "KmsKeyId": "ours",
        "MemberClusters": ["g-001", "g-002"],
        **changes,
    }


def cluster(**changes: Any) -> dict[str, Any]:
    return {
        **DESIRED.node,
        "EngineVersion": "6.2.6",
        "CacheParameterGroup": {
            "CacheParameterGroupName": "params",
            "ParameterApplyStatus": "in-sync",
        },
        **changes,
    }


def user(**changes: Any) -> dict[str, Any]:
    """As ElastiCache may show it: Redis writes out what a category leaves."""
    return {
        "Status": "active",
        "Authentication": {"Type": "password", "PasswordCount": 1},
        "AccessString": "on ~* &* +@all -@admin -swapdb -role -keys -flushall -migrate -flushdb "
        "-restore -restore-asking +cluster +client -sort",
        **changes,
    }


def alarm(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "ActionsEnabled": True,
        "AlarmActions": [TOPIC],
        "StateValue": "OK",
        "StateUpdatedTimestamp": NOW,
        **changes,
    }


HEALTHY = [
    alarm(name) for name in ("p-memory-warning-part-1", "p-memory-warning-part-2", "p-other")
]


class Answers:
    """A client of ElastiCache, CloudWatch and SNS that answers in pages of one."""

    def __init__(
        self,
        *,
        group: dict[str, Any] | None = None,
        nodes: dict[str, dict[str, Any]] | None = None,
        timeout: str | None = "300",
        alarms: list[dict[str, Any]] | None = None,
        subscriptions: list[str] | None = None,
        user: dict[str, Any] | None = None,
        user_group: dict[str, Any] | None = None,
    ) -> None:
        self._user = user or globals()["user"]()
        self._user_group = {"Status": "active", "UserIds": ["g-default"], **(user_group or {})}
        self._group = group or globals()["group"]()
        self._nodes = nodes or {}
        self._parameters = [("other", "1"), ("timeout", timeout)]
        self._alarms = HEALTHY if alarms is None else alarms
        both = ["arn:slack", "arn:pagerduty"]
        self._subscriptions = both if subscriptions is None else subscriptions

    def describe_replication_groups(self, *, ReplicationGroupId: str) -> dict[str, Any]:  # noqa: N803
        assert ReplicationGroupId == "g"
        return {"ReplicationGroups": [self._group]}

    def describe_users(self, *, UserId: str) -> dict[str, Any]:  # noqa: N803
        assert UserId == "g-default"
        return {"Users": [self._user]}

    def describe_user_groups(self, *, UserGroupId: str) -> dict[str, Any]:  # noqa: N803
        assert UserGroupId == "g-users"
        return {"UserGroups": [self._user_group]}

    def describe_cache_clusters(self, *, CacheClusterId: str) -> dict[str, Any]:  # noqa: N803
        return {"CacheClusters": [self._nodes.get(CacheClusterId) or cluster()]}

    def describe_cache_parameters(
        self,
        *,
        CacheParameterGroupName: str,  # noqa: N803
        Marker: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        assert CacheParameterGroupName == "params"
        name, value = self._parameters[int(Marker)]
        found = {"ParameterName": name, **({"ParameterValue": value} if value else {})}
        return {"Parameters": [found], **({} if Marker == "1" else {"Marker": "1"})}

    def describe_alarms(self, *, AlarmNamePrefix: str, NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        assert AlarmNamePrefix == "p-"
        return pages_of_one("MetricAlarms", self._alarms, int(NextToken))

    def list_subscriptions_by_topic(
        self,
        *,
        TopicArn: str,  # noqa: N803
        NextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        assert TopicArn == TOPIC
        found = [
            {"SubscriptionArn": arn, "Endpoint": "https://a-secret.example"}
            for arn in self._subscriptions
        ]
        return pages_of_one("Subscriptions", found, int(NextToken))
