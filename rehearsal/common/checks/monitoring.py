"""Alarms on nodes that exist, and topics that reach people."""

from collections.abc import Iterator
from typing import Any

from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.checks.replication_group import described
from rehearsal.common.deployed import resources
from rehearsal.common.rehearsal import Rehearsal


def check(rehearsal: Rehearsal) -> str:
    """Each alarm is there, watches nodes of this group, and speaks to confirmed subscribers."""
    cloudwatch, sns = rehearsal.aws("cloudwatch"), rehearsal.aws("sns")
    asked = {found.physical_id for found in resources(rehearsal, "AWS::CloudWatch::Alarm")}
    pages = cloudwatch.get_paginator("describe_alarms").paginate()
    there = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}
    expect("alarms", set(there), asked)
    nodes = set(described(rehearsal)["MemberClusters"])
    topics: set[str] = set()
    for name, alarm in there.items():
        strangers = set(_nodes(alarm)) - nodes
        expect_that(not strangers, f"alarm {name} watches {strangers}: there is no such node")
        expect_that(bool(alarm["AlarmActions"]), f"alarm {name} tells nobody")
        topics |= set(alarm["AlarmActions"]) | set(alarm["OKActions"])
    for topic in topics:
        subscribers = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        expect_that(bool(subscribers), f"nobody is subscribed to {topic}")
        for subscriber in subscribers:
            expect_that(
                subscriber["SubscriptionArn"].startswith("arn:"),
                f"a subscription of {topic} is {subscriber['SubscriptionArn']}",
            )
    for board in resources(rehearsal, "AWS::CloudWatch::Dashboard"):
        cloudwatch.get_dashboard(DashboardName=board.physical_id)
    return f"{len(there)} alarms, {len(topics)} topics, every subscription confirmed"


def _nodes(alarm: dict[str, Any]) -> Iterator[str]:
    """The nodes that an alarm watches, directly or through metric math."""
    metrics = [q["MetricStat"]["Metric"] for q in alarm.get("Metrics", []) if "MetricStat" in q]
    for metric in metrics or [alarm]:
        for dimension in metric.get("Dimensions", []):
            if dimension["Name"] == "CacheClusterId":
                yield dimension["Value"]
