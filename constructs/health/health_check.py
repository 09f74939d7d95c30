"""The health check: invoked by CI after a deployment and by a schedule (§2.4).

Two functions, because of money: inside the VPC the calls of CloudWatch, SNS and Lambda would take
three more interface endpoints, and an endpoint is paid for by the hour in each zone. The one that
logs in needs those two that the rotation has; the other is outside, where the calls are free.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from constructs import Construct
from constructs.alarms.catalog import OLDEST_TOKEN_DAYS, UNFINISHED_HOURS
from constructs.alarms.metrics import AlarmSpec, Severity
from constructs.common.own_function import OwnFunction, VpcFunction
from constructs.common.permissions import allow, place
from constructs.common.scheduled import every, invoke_on_schedule
from constructs.common.service_endpoints import ServiceEndpoints, connect
from constructs.data.auth_token import AuthToken
from constructs.data.data_key import DataKey
from constructs.data.network import ApplicationNetwork, RedisAccess
from constructs.data.parameter_group import RedisParameters
from constructs.data.redis_user import RedisUser
from constructs.data.replication_group import RedisReplicationGroup
from constructs.events.events import event_topic_arn
from environments.access import access_string, user_group_id
from environments.schema import Settings

EVERY_MINUTES = 5
INSIDE_SECONDS = 40  # four logins that get no answer, and the calls before them
OUTSIDE_SECONDS = 90
PACKAGE = "health.zip"


class HealthCheck(Construct):
    """Compares what is there with the settings, which are handed over in the environment."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        specs: Sequence[AlarmSpec],
        group: RedisReplicationGroup,
        parameters: RedisParameters,
        access: RedisAccess,
        token: AuthToken,
        user: RedisUser,
        key: DataKey,
        network: ApplicationNetwork,
        endpoints: ServiceEndpoints,
    ) -> None:
        """``specs`` are all alarms of the environment."""
        super().__init__(scope, construct_id)
        name = f"{settings.prefix}-health"
        here = place(self)
        inside = VpcFunction(
            self,
            "Login",
            name=f"{name}-login",
            package=PACKAGE,
            handler="health.inside.handler",
            environment={"DESIRED": json.dumps(_inside(settings, token))},
            may=[*token.read_statements(), group.describe_statement()],
            timeout_seconds=INSIDE_SECONDS,
            network=network,
            key=key,
            log_retention_days=settings.redis.log_retention_days,
        )
        endpoints.open_to(inside)
        connect(inside, "Redis", inside, access.security_group_id, group.port, "Redis")
        topics = {
            here.arn("sns", f"{settings.prefix}-{severity}"): number
            for severity, number in _subscribers(settings).items()
        }
        # The function that puts ElastiCache's events into words: without it they are heard nowhere.
        topics[event_topic_arn(self, settings.prefix)] = 1
        desired = {
            **_group(settings),
            "user": {
                "id": user.id,
                "group": user_group_id(settings.redis.replication_group_id),
                "access": access_string(settings.redis.extra_commands),
            },
            "key_id": key.arn,
            "parameter_group": parameters.ref,
            "parameters": parameters.properties,
            "alarm_prefix": f"{settings.prefix}-",
            "alarms": _alarms(specs, settings),
            "topics": topics,
            "runbook": settings.notifications.runbook_url,
        }
        alarms = here.arn("cloudwatch", "alarm:*")
        outside = OwnFunction(
            self,
            "Health",
            name=name,
            package=PACKAGE,
            handler="health.handler.handler",
            environment={"DESIRED": json.dumps(desired), "INSIDE_FUNCTION": inside.name},
            may=[
                group.describe_statement(),
                group.describe_nodes_statement(),
                user.describe_statement(),
                allow(
                    "elasticache:DescribeCacheParameters",
                    on=[here.arn("elasticache", f"parametergroup:{parameters.ref}")],
                ),
                # Asked for by prefix, which is judged as a question about all.
                allow("cloudwatch:DescribeAlarms", on=[alarms]),
                allow("sns:ListSubscriptionsByTopic", on=list(topics)),
                allow("lambda:InvokeFunction", on=[inside.arn]),
            ],
            timeout_seconds=OUTSIDE_SECONDS,
            key=key,
            log_retention_days=settings.redis.log_retention_days,
            wildcards={
                alarms: "Alarms are listed by the prefix of their names",
            },
            outside="It calls AWS's API alone; inside, that would take three more endpoints",
        )
        invoke_on_schedule(
            self,
            "Schedule",
            function=outside,
            what="health",
            description="Check the deployment against its template, and publish what failed",
            expression=every(EVERY_MINUTES),
            event={"scheduled": True},
        )


def _group(settings: Settings) -> dict[str, Any]:
    """The group and its nodes as DescribeReplicationGroups and DescribeCacheClusters say them."""
    redis = settings.redis
    return {
        "group_id": redis.replication_group_id,
        "members": redis.topology.node_count,
        "group": {
            "CacheNodeType": redis.node_type.name,
            "MultiAZ": _enabled(redis.multi_az),
            "AutomaticFailover": _enabled(redis.automatic_failover),
            "ClusterEnabled": redis.cluster_mode,
            "TransitEncryptionEnabled": redis.encryption_in_transit,
            "AtRestEncryptionEnabled": redis.encryption_at_rest,
            "UserGroupIds": [user_group_id(redis.replication_group_id)],
            "AutoMinorVersionUpgrade": redis.auto_minor_version_upgrade,
            "SnapshotWindow": redis.snapshot_window.text,
            "SnapshotRetentionLimit": redis.snapshot_retention_days,
        },
        "node": {
            "Engine": redis.engine.engine,
            "EngineVersion": redis.engine.version,
            "PreferredMaintenanceWindow": redis.maintenance_window.text,
        },
    }


def _inside(settings: Settings, token: AuthToken) -> dict[str, Any]:
    redis = settings.redis
    return {
        "secret_arn": token.arn,
        "group_id": redis.replication_group_id,
        "replicas": redis.replicas,
        "cluster_mode": redis.cluster_mode,
        "oldest_token_days": OLDEST_TOKEN_DAYS,
        "retire_after_hours": settings.rotation.retire_after_hours,
        "late_hours": UNFINISHED_HOURS,
    }


def _alarms(specs: Sequence[AlarmSpec], settings: Settings) -> Mapping[str, int]:
    return Counter(
        f"{spec.name}-{spec.severity}"
        for spec in specs
        for _ in spec.figure.parts(settings.redis.topology)
    )


def _subscribers(settings: Settings) -> Mapping[Severity, int]:
    """Slack hears both topics, and PagerDuty the critical one where there is one."""
    paged = 1 if settings.notifications.pagerduty_secret_name else 0
    return {Severity.WARNING: 1, Severity.CRITICAL: 1 + paged}


def _enabled(value: bool) -> str:
    return "enabled" if value else "disabled"
