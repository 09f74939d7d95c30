"""The health check: invoked by CI after a deployment and by a schedule (§2.4).

Two functions, because of money: inside the VPC the calls of CloudWatch, SNS and Lambda would take
three more interface endpoints, and an endpoint is paid for by the hour in each zone. The one that
logs in needs those two that the rotation has; the other is outside, where the calls are free.
"""

import json
from collections import Counter
from typing import Any

from constructs import Construct
from constructs.alarms.catalog import OLDEST_TOKEN_DAYS, UNFINISHED_HOURS, every_alarm
from constructs.alarms.metrics import Severity
from constructs.common.own_function import OwnFunction, invoke_on_schedule
from constructs.common.permissions import BY_PREFIX, allow, place
from constructs.common.service_endpoints import ServiceEndpoints, connect
from constructs.data.replication_group import RedisData
from constructs.events.events import event_topic_arn
from environments.access import user_group_id
from environments.schema import Settings

EVERY_MINUTES = 5
INSIDE_SECONDS = 40  # four logins that get no answer, and the calls before them
OUTSIDE_SECONDS = 90
NEVER_DAYS = 36_500


class HealthCheck(Construct):
    """Compares what is there with the settings, which are handed over in the environment."""

    def __init__(
        self, scope: Construct, construct_id: str, *, data: RedisData, endpoints: ServiceEndpoints
    ) -> None:
        super().__init__(scope, construct_id)
        settings, group, user = data.settings, data.replication_group, data.user
        key, parameters, attached = data.key, data.parameters, settings.redis.attached
        here = place(self)
        redis = settings.redis
        asked = {
            "secret_arn": data.token.arn,
            "group_id": redis.replication_group_id,
            "replicas": redis.replicas,
            "cluster_mode": redis.cluster_mode,
            # A token that is not rotated is no finding: one that never clears would hide others.
            "oldest_token_days": OLDEST_TOKEN_DAYS if redis.rotates else NEVER_DAYS,
            "retire_after_hours": settings.rotation.retire_after_hours,
            "late_hours": UNFINISHED_HOURS,
        }
        inside = OwnFunction(
            self,
            "Login",
            settings=settings,
            name="health-login",
            handler="health.inside.handler",
            environment={"DESIRED": json.dumps(asked)},
            timeout_seconds=INSIDE_SECONDS,
            network=data.network,
            key=key,
        )
        data.token.grant_read(inside)
        group.grant_describe(inside)
        endpoints.open_to(inside)
        connect(inside, "Redis", inside, data.access.security_group_id, group.port, "Redis")
        # Slack subscribes to both topics, and PagerDuty to the critical one if configured.
        paged = 1 if settings.notifications.pagerduty_secret_name else 0
        topics = {
            here.arn("sns", f"{settings.prefix}-{Severity.WARNING}"): 1,
            here.arn("sns", f"{settings.prefix}-{Severity.CRITICAL}"): 1 + paged,
        }
        # The function that puts ElastiCache's events into words: without it they appear nowhere.
        topics[event_topic_arn(self, settings.prefix)] = 1
        desired = {
            **_group(settings),
            "user": {
                "id": user.id,
                "group": user_group_id(settings.redis.replication_group_id),
                "access": settings.redis.access_string,
            },
            # Of the group's data, or what the check shows where AWS names none.
            "key_id": (attached.kms_key_arn or "not given by AWS") if attached else key.key_arn,
            "parameter_group": parameters.ref,
            "parameters": parameters.properties,
            "alarm_prefix": f"{settings.prefix}-",
            "alarms": Counter(
                f"{spec.name}-{spec.severity}"
                for spec in every_alarm(settings)
                for _ in spec.figure.parts(settings.redis.topology)
            ),
            "topics": topics,
            "runbook": settings.notifications.runbook_url,
        }
        parameter_group = here.arn("elasticache", f"parametergroup:{parameters.ref}")
        alarms = [here.arn("cloudwatch", "alarm:*")]
        outside = OwnFunction(
            self,
            "Health",
            settings=settings,
            name="health",
            handler="health.handler.handler",
            environment={"DESIRED": json.dumps(desired), "INSIDE_FUNCTION": inside.name},
            may=[
                allow("elasticache:DescribeCacheParameters", on=[parameter_group]),
                # Asked for by prefix, which is judged as a question about all.
                allow("cloudwatch:DescribeAlarms", on=alarms, because=BY_PREFIX),
                allow("sns:ListSubscriptionsByTopic", on=list(topics)),
                allow("lambda:InvokeFunction", on=[inside.arn]),
            ],
            timeout_seconds=OUTSIDE_SECONDS,
            key=key,
            outside="It calls AWS's API alone; inside, that would take three more endpoints",
        )
        group.grant_describe(outside)
        user.grant_describe(outside)
        what = "Check the deployment against its template, and publish what failed"
        invoke_on_schedule(self, outside, "health", f"rate({EVERY_MINUTES} minutes)", what)


def _group(settings: Settings) -> dict[str, Any]:
    """The group and its nodes as DescribeReplicationGroups and DescribeCacheClusters say them."""
    redis, switch = settings.redis, {True: "enabled", False: "disabled"}
    return {
        "group_id": redis.replication_group_id,
        "members": redis.topology.node_count,
        "group": {
            "CacheNodeType": redis.node_type.name,
            "MultiAZ": switch[redis.multi_az],
            "AutomaticFailover": switch[redis.automatic_failover],
            "ClusterEnabled": redis.cluster_mode,
            "TransitEncryptionEnabled": redis.encryption_in_transit,
            "AtRestEncryptionEnabled": redis.encryption_at_rest,
            "UserGroupIds": [user_group_id(redis.replication_group_id)],
            "SnapshotWindow": redis.snapshot_window.text,
            "SnapshotRetentionLimit": redis.snapshot_retention_days,
        },
        "node": {
            # AWS's samples of a group lack it, those of its members have it.
            "AutoMinorVersionUpgrade": redis.auto_minor_version_upgrade,
            "Engine": redis.engine.engine,
            "EngineVersion": redis.engine.version,
            "PreferredMaintenanceWindow": redis.maintenance_window.text,
        },
    }
