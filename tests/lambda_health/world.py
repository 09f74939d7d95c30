"""A deployment in perfect health, as AWS's answers, to be spoilt in one place."""

from datetime import UTC, datetime
from typing import Any

from environments.access import access_string
from health.desired import Desired, Inside
from tests.support import Answering, pages_of_one

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
SETTINGS = Inside(
    secret_arn="arn",  # noqa: S106 - the name of a secret
    group_id="g",
    replicas=2,
    cluster_mode=False,
    oldest_token_days=100,
    retire_after_hours=24,
    late_hours=6,
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


def healthy(**changes: Any) -> Answering:
    """A client of ElastiCache, CloudWatch and SNS that answers in pages of one."""
    given = {
        "group": group(),
        "nodes": {},
        "timeout": {"ParameterValue": "300"},
        "alarms": HEALTHY,
        "subscriptions": ["arn:slack", "arn:pagerduty"],
        "user": user(),
        "user_group": {},
    } | changes
    parameters = [{"ParameterName": "other"}, {"ParameterName": "timeout"} | given["timeout"]]
    users = {"Status": "active", "UserIds": ["g-default"]} | given["user_group"]
    subscriptions = [
        {"SubscriptionArn": arn, "Endpoint": "https://a-secret.example"}
        for arn in given["subscriptions"]
    ]
    return Answering(
        describe_replication_groups={"ReplicationGroups": [given["group"]]},
        describe_users={"Users": [given["user"]]},
        describe_user_groups={"UserGroups": [users]},
        describe_cache_clusters=lambda CacheClusterId: {  # noqa: N803 - boto3's own name
            "CacheClusters": [given["nodes"].get(CacheClusterId) or cluster()]
        },
        describe_cache_parameters=pages_of_one("Parameters", parameters, "Marker"),
        describe_alarms=pages_of_one("MetricAlarms", given["alarms"]),
        list_subscriptions_by_topic=pages_of_one("Subscriptions", subscriptions),
    )
