"""From alarms over topics to people."""

import json
import re
from dataclasses import dataclass

from tools.assembly import Document, Stack
from tools.picture.references import target


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic by severity, how many alarms write to it, and what they are about."""

    severity: str
    alarms: int
    subjects: list[str]
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Channel:
    """Where people read it, and the severities that arrive there."""

    kind: str
    detail: str
    severities: list[str]

    @property
    def glyph(self) -> str:
        """The sign for its kind."""
        return self.kind if self.kind in ("Slack", "PagerDuty") else "topic"


@dataclass(frozen=True, slots=True)
class Alerts:
    """The monitoring stack; alarms read metrics of ``nodes`` over ``periods`` in seconds.

    ``reporter`` is the function that passes ElastiCache's events on to the topic ``reports_to``,
    or "".
    """

    topics: list[Topic]
    channels: list[Channel]
    nodes: int
    periods: list[int]
    dashboard: str
    graphs: int
    reporter: str
    reports_to: str


def alerts(monitoring: Stack) -> Alerts:
    """What a monitoring stack tells to whom, critical last."""
    alarms = list(monitoring.of_type("AWS::CloudWatch::Alarm").values())
    prefix = monitoring.name.removesuffix("monitoring")
    severities = {
        name: topic["TopicName"].removeprefix(prefix)
        for name, topic in monitoring.of_type("AWS::SNS::Topic").items()
    }
    topics = [
        _topic(name, topic, severities[name], alarms, prefix)
        for name, topic in monitoring.of_type("AWS::SNS::Topic").items()
    ]
    read = [
        query["MetricStat"]
        for alarm in alarms
        for query in alarm.get("Metrics", [])
        if "MetricStat" in query
    ]
    nodes = {
        dimension["Value"]
        for query in read
        for dimension in query["Metric"].get("Dimensions", [])
        if dimension["Name"] == "CacheClusterId"
    }
    reporter, reports_to = _reporter(monitoring, severities)
    dashboard = monitoring.only("AWS::CloudWatch::Dashboard")
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    return Alerts(
        topics=sorted(topics, key=lambda topic: topic.severity == "critical"),
        channels=_channels(monitoring, severities),
        nodes=len(nodes),
        periods=sorted({query["Period"] for query in read}),
        dashboard=dashboard["DashboardName"],
        graphs=sum(widget["type"] == "metric" for widget in widgets),
        reporter=reporter,
        reports_to=reports_to,
    )


def _reporter(monitoring: Stack, severities: dict[str, str]) -> tuple[str, str]:
    for function in monitoring.of_type("AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        # Reviews speak to the channel too, of what they found themselves.
        if "CHANNEL_TOPIC_ARN" in variables and "REVIEW" not in variables:
            return function["FunctionName"], severities[target(variables["CHANNEL_TOPIC_ARN"])]
    return "", ""


def _topic(name: str, topic: Document, severity: str, alarms: list[Document], prefix: str) -> Topic:
    ours = [
        alarm["AlarmName"].removeprefix(prefix)
        for alarm in alarms
        if name in map(target, alarm.get("AlarmActions", []))
    ]
    return Topic(
        severity=severity,
        alarms=len(ours),
        # With shards there is an alarm a shard, named after it behind the severity.
        subjects=sorted(
            {
                alarm.rsplit(f"-{severity}", 1)[0].replace("-", " ").replace("cpu", "CPU")
                for alarm in ours
            }
        ),
        encrypted="KmsMasterKeyId" in topic,
    )


def _channels(monitoring: Stack, severities: dict[str, str]) -> list[Channel]:
    slack = [
        Channel(
            "Slack",
            channel["SlackChannelId"],
            [severities[target(topic)] for topic in channel["SnsTopicArns"]],
        )
        for channel in monitoring.of_type("AWS::Chatbot::SlackChannelConfiguration").values()
    ]
    subscribed = [
        Channel(
            "PagerDuty" if "pagerduty" in name.lower() else subscription["Protocol"],
            _endpoint(subscription),
            [severities[target(subscription["TopicArn"])]],
        )
        for name, subscription in monitoring.of_type("AWS::SNS::Subscription").items()
        if subscription["Protocol"] != "lambda"  # a step on the way, where nobody reads
    ]
    return slack + subscribed


def _endpoint(subscription: Document) -> str:
    """The secret that holds the address: an address itself may be a credential."""
    secret = re.match(r"\{\{resolve:secretsmanager:([^:}]+)", str(subscription.get("Endpoint", "")))
    protocol: str = subscription["Protocol"]
    return secret[1] if secret else protocol
