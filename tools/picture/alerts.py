"""The right column: from metrics over topics to receivers."""

import json
import re
from collections import Counter
from typing import NamedTuple

from tools.assembly import Document, Stack
from tools.picture import redis
from tools.picture.deployment import target
from tools.picture.svg import Canvas
from tools.picture.words import counted

LEFT, RIGHT = 904, 1248
GUTTER = 16
PAD = 12
LISTS_Y = 164  # from the card's top to the lists of alarms
LIST_HEAD = 30
LINE = 17
TOPIC, CHANNEL = 56, 60
BETWEEN = 40


class Topic(NamedTuple):
    """A topic by severity, how many alarms write to it, and how many of them on what."""

    severity: str
    alarms: int
    subjects: dict[str, int]
    encrypted: bool


class Channel(NamedTuple):
    """Where people read it, and the severities that arrive there."""

    kind: str
    detail: str
    severities: list[str]


class Alerts(NamedTuple):
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

    def channels_of(self, topic: Topic) -> str:
        """The receivers of a topic's alarms."""
        kinds = (one.kind for one in self.channels if topic.severity in one.severities)
        return " and ".join(kinds) or "no receiver"


def alerts(monitoring: Stack) -> Alerts:
    """What a monitoring stack tells to whom, critical last."""
    alarms = list(monitoring.of_type("AWS::CloudWatch::Alarm").values())
    prefix = monitoring.name.removesuffix("monitoring")
    severities = {
        name: topic["TopicName"].removeprefix(prefix)
        for name, topic in monitoring.of_type("AWS::SNS::Topic").items()
    }
    topics = [
        _read(name, topic, severities[name], alarms)
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
        # Reviews send messages to the channel too.
        if "CHANNEL_TOPIC_ARN" in variables and "REVIEW" not in variables:
            return function["FunctionName"], severities[target(variables["CHANNEL_TOPIC_ARN"])]
    return "", ""


def _read(name: str, topic: Document, severity: str, alarms: list[Document]) -> Topic:
    ours = [alarm for alarm in alarms if name in map(target, alarm.get("AlarmActions", []))]
    return Topic(
        severity=severity,
        alarms=len(ours),
        subjects=dict(Counter(map(_subject, ours)).most_common()),
        encrypted="KmsMasterKeyId" in topic,
    )


def _subject(alarm: Document) -> str:
    """By the namespace of its first metric."""
    metrics = [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]
    namespace = metrics[0]["Namespace"] if metrics else ""
    return {"AWS/ElastiCache": "on nodes"}.get(
        namespace, "on deliveries" if namespace.startswith("AWS/") else "on checks"
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
        if subscription["Protocol"] != "lambda"  # a step on the way, which no person reads
    ]
    return slack + subscribed


def _endpoint(subscription: Document) -> str:
    """The secret that holds the address: an address itself may be a credential."""
    secret = re.match(r"\{\{resolve:secretsmanager:([^:}]+)", str(subscription.get("Endpoint", "")))
    protocol: str = subscription["Protocol"]
    return secret[1] if secret else protocol


def height(alerts: Alerts) -> int:
    """What the card with the alarms needs at least."""
    longest = max((len(topic.subjects) for topic in alerts.topics), default=0)
    return LISTS_Y + LIST_HEAD + longest * LINE + 2 * PAD


def draw(canvas: Canvas, alerts: Alerts, top: float, tall: float, lower: float) -> None:
    """The card from ``top``, ``tall`` pixels high; topics and channels from ``lower`` on."""
    canvas.box("card", LEFT, top, RIGHT - LEFT, tall)
    _watched(canvas, alerts, top)
    topics = _columns(len(alerts.topics))
    for topic, (x, width) in zip(alerts.topics, topics, strict=True):
        _list(canvas, topic, x, top + LISTS_Y, width, top + tall - PAD)
        _topic(canvas, topic, x, lower, width)
        if topic.alarms:
            centre = x + width / 2
            canvas.arrow(_tone(topic), (centre, top + tall), (centre, lower))
    for channel, (x, width) in zip(alerts.channels, _columns(len(alerts.channels)), strict=True):
        _channel(canvas, channel, x, lower + TOPIC + BETWEEN, width)
        _edges(canvas, alerts.topics, topics, channel, x, lower + TOPIC, width)


def _watched(canvas: Canvas, alerts: Alerts, top: float) -> None:
    canvas.arrow("teal", (redis.GROUP_RIGHT, top + 78), (LEFT, top + 78))
    graphs = f"{alerts.dashboard}, {counted(alerts.graphs, 'graph')}"
    every = f"{alerts.periods[0]} to {alerts.periods[-1]}" if alerts.periods else "0"
    count = counted(sum(topic.alarms for topic in alerts.topics), "alarm")
    for y, glyph, name, detail in (
        (14, "dashboard", "Dashboard", graphs),
        (64, "alarm", count, f"on {counted(alerts.nodes, 'node')}, every {every} s"),
        (112, "topic", "ElastiCache's events", _reporting(alerts)),
    ):
        canvas.glyph(glyph, "teal", LEFT + 14, top + y)
        canvas.text("name14 ink", LEFT + 54, top + y + 11, name, width=RIGHT - LEFT - 70)
        canvas.text("text11 soft", LEFT + 54, top + y + 28, detail, width=RIGHT - LEFT - 64)


def _reporting(alerts: Alerts) -> str:
    reporter = alerts.reporter.removeprefix(f"{alerts.dashboard}-")
    return f"{reporter}, to {alerts.reports_to}" if reporter else "have no receiver"


def _list(canvas: Canvas, topic: Topic, x: float, y: float, width: float, bottom: float) -> None:
    inset = PAD if x == LEFT else 0
    trimmed = width - PAD if x == LEFT or x + width == RIGHT else width
    canvas.box("zone", x + inset, y, trimmed, bottom - y)
    head = f"{topic.alarms} {topic.severity}"
    canvas.text(f"name14 {topic.severity}", x + inset + 14, y + 23, head, width=trimmed - 20)
    for number, (subject, count) in enumerate(topic.subjects.items()):
        line = y + LIST_HEAD + LINE * (number + 0.75)
        said = f"{count} {subject}"
        canvas.text("text12 soft", x + inset + 14, line, said, width=trimmed - 20)


def _topic(canvas: Canvas, topic: Topic, x: float, y: float, width: float) -> None:
    canvas.box("card", x, y, width, TOPIC)
    canvas.glyph("topic", _tone(topic), x + 12, y + 14)
    canvas.text("name14 ink", x + 46, y + 25, topic.severity, width=width - 72)
    canvas.text("text11 soft", x + 46, y + 42, "SNS topic", width=width - 54)
    if topic.encrypted:
        canvas.lock(x + width - 22, y + 12)


def _channel(canvas: Canvas, channel: Channel, x: float, y: float, width: float) -> None:
    canvas.box("card", x, y, width, CHANNEL)
    sign = channel.kind if channel.kind in ("Slack", "PagerDuty") else "topic"
    canvas.glyph(sign, "blue", x + 12, y + 16)
    canvas.text("name14 ink", x + 46, y + 27, channel.kind, width=width - 50)
    canvas.text("text11 soft", x + 46, y + 45, channel.detail, width=width - 50)


def _edges(
    canvas: Canvas,
    topics: list[Topic],
    columns: list[tuple[float, float]],
    channel: Channel,
    x: float,
    y: float,
    width: float,
) -> None:
    """From each topic that the channel receives, straight down if it is above."""
    heard = [
        pair for pair in zip(topics, columns, strict=True) if pair[0].severity in channel.severities
    ]
    for number, (topic, (left, topic_width)) in enumerate(heard):
        end = x + width * (0.5 + 0.25 * (number - (len(heard) - 1) / 2))
        start = min(max(end, left + 28), left + topic_width - 28)
        turn = y + BETWEEN / 2
        corners = [(start, turn), (end, turn)] if start != end else []
        canvas.arrow(_tone(topic), (start, y), *corners, (end, y + BETWEEN))


def _columns(count: int) -> list[tuple[float, float]]:
    """Left edge and width of each of ``count`` columns."""
    width = (RIGHT - LEFT - GUTTER * (count - 1)) / max(count, 1)
    return [(LEFT + number * (width + GUTTER), width) for number in range(count)]


def _tone(topic: Topic) -> str:
    return "red" if topic.severity == "critical" else "amber"
