"""Alarms that exist and can notify, and topics with confirmed subscribers."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from health.desired import Desired
from shared.aws_calls import every
from shared.line import Line

ALARMS = "health-alarms"
TOPICS = "health-topics"
# Metrics of a new node come after minutes, and an alarm waits for its periods.
YOUNG = timedelta(minutes=30)


def check_alarms(client: Any, desired: Desired, now: datetime) -> Iterator[Line]:
    """As many of each as the template creates, all with actions, none without data for long."""
    alarms = every(client.describe_alarms, "MetricAlarms", AlarmNamePrefix=desired.alarm_prefix)
    found = list(alarms)
    for name, wanted in desired.alarms.items():
        pattern = re.compile(rf"{re.escape(desired.alarm_prefix + name)}(-shard-\d+)?(-part-\d+)?")
        there = [alarm for alarm in found if pattern.fullmatch(alarm["AlarmName"])]
        faults = [fault for alarm in there if (fault := _fault(alarm, now))]
        yield Line(
            f"alarm {name}",
            len(there) == wanted and not faults,
            "; ".join([f"{len(there)} there", *faults]),
            f"{wanted} with data, enabled, with an action",
            ALARMS,
        )


def check_topics(client: Any, desired: Desired) -> Iterator[Line]:
    """Each has its subscribers, and all of them have confirmed. Endpoints are never repeated."""
    for topic, wanted in desired.topics.items():
        listed = every(client.list_subscriptions_by_topic, "Subscriptions", TopicArn=topic)
        arns = [each.get("SubscriptionArn", "") for each in listed]
        confirmed = sum(arn.startswith("arn:") for arn in arns)
        yield Line(
            f"topic {topic.rpartition(':')[2]}",
            confirmed >= wanted and confirmed == len(arns),
            f"{confirmed} confirmed, {len(arns) - confirmed} not",
            f"{wanted} or more, all confirmed",
            TOPICS,
        )


def _fault(alarm: Mapping[str, Any], now: datetime) -> str | None:
    name = alarm["AlarmName"]
    if not alarm.get("ActionsEnabled"):
        return f"{name} is disabled"
    if not alarm.get("AlarmActions"):
        return f"{name} has no action"
    if alarm.get("StateValue") in ("OK", "ALARM"):
        return None
    since = alarm.get("StateUpdatedTimestamp")
    if since and now - since <= YOUNG:
        return None
    return f"{name} has no data" + (f" since {since:%Y-%m-%d %H:%M} UTC" if since else "")
