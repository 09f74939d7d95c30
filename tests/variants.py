"""Changes of production's settings that tests start from, as dotted keys and values."""

import copy
from typing import Any

from tests.support import Document

Change = dict[str, Any]
ABSENT = object()

SINGLE = {"redis.replicas": 0, "redis.multi_az": False, "redis.automatic_failover": False}
SHARDED = {"redis.cluster_mode": True, "redis.shards": 3}
DURABLE = {
    **SHARDED,
    "redis.engine": "valkey-9.0",
    "redis.node_type": "cache.m7g.large",
    "alarms.cpu_credit_balance": ABSENT,
}
LARGE = {"redis.node_type": "cache.m6g.large", "alarms.cpu_credit_balance": ABSENT}
OWN_VPC = {
    "network.vpc": {
        "kind": "own",
        "vpc_name": "vpc",
        "application_security_group_name": "app",
        "cidr": "10.0.0.0/20",
        "zones": ["us-east-1a", "us-east-1b"],
        "endpoints": [],
    }
}
REAL = {
    "environment.account": "444455556666",
    "notifications.slack_workspace_id": "T12345678",
    "notifications.slack_channel_id": "C12345678",
    "notifications.pagerduty_secret_name": "vibewell/pagerduty",
    "notifications.runbook_url": "https://example.com/runbook",
}


def changed(document: Document, change: Change) -> Document:
    """A copy of ``document`` with each dotted key set, or taken away where it is ABSENT."""
    result = copy.deepcopy(document)
    for path, value in change.items():
        *tables, key = path.split(".")
        table = result
        for name in tables:
            table = table.setdefault(name, {})
        if value is ABSENT:
            table.pop(key, None)
        else:
            table[key] = copy.deepcopy(value)
    return result
