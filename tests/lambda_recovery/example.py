"""Settings and clients of an example, which answer what boto3's stubber allows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.stub import Stubber

from recovery.settings import Run, Settings

NOW = datetime(2026, 12, 7, 9, 0, tzinfo=UTC)
GROUP = "vibewell-redis"
MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:recovery"
RUN = Run(GROUP, "monday", NOW)
VARIABLES = {
    "REPLICATION_GROUP_ID": GROUP,
    "SECRET_ARN": "arn:aws:secretsmanager:us-east-1:111122223333:secret:recovery-AbCdEf",
    "MANIFEST": "/vibewell/production/recovery/manifest",
    "SECURITY_GROUP_ID": "sg-0a1b2c3d",
    "SUBNET_GROUP": "subnets",
    "PARAMETER_GROUP": "parameters",
    "KEY_ID": "key",
    "ENGINE": "redis",
    "ENGINE_VERSION": "6.2",
    "PORT": "6379",
    "CLUSTER_MODE": "false",
    "DURABLE": "false",
    "TOPIC_ARN": "arn:aws:sns:us-east-1:111122223333:warning",
    "STATE_MACHINE_ARN": MACHINE,
    "RUNBOOK_URL": "https://example.com/runbook.md",
    "POINT_OBJECTIVE_SECONDS": "86400",
    "TIME_OBJECTIVE_SECONDS": "1800",
    "GIVE_UP_AFTER_SECONDS": "3600",
    "SWEEP_AFTER_SECONDS": "10800",
}
SETTINGS = Settings.read(VARIABLES)
TOKEN = "t0ken" * 12


def stubbed(service: str) -> tuple[Any, Stubber]:
    """A client with the given answers alone, which refuses what the API would not take."""
    client = boto3.client(service)
    stubber = Stubber(client)
    stubber.activate()
    return client, stubber


def group(name: str, **changes: Any) -> dict[str, Any]:
    """A described group, an hour old and available."""
    return {
        "ReplicationGroupId": name,
        "Description": f"Recovery test of {GROUP}: monday",
        "Status": "available",
        "ReplicationGroupCreateTime": NOW - timedelta(hours=4),
        "NodeGroups": [{"PrimaryEndpoint": {"Address": "restored", "Port": 6379}}],
        **changes,
    }


def describing(**changes: Any) -> tuple[Any, Stubber]:
    """A client of ElastiCache that describes this test's own group once, changed so."""
    client, stubber = stubbed("elasticache")
    own = group(RUN.group_id, **({"Description": RUN.description} | changes))
    asked = {"ReplicationGroupId": RUN.group_id}
    stubber.add_response("describe_replication_groups", {"ReplicationGroups": [own]}, asked)
    return client, stubber
