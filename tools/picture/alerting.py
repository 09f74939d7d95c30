"""The right column: from metrics to subscribers."""

from tools.picture import redis
from tools.picture.alerts import Alerts, Channel, Topic
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
    every = " and ".join(map(str, alerts.periods))
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
    return f"{alerts.reporter}, to {alerts.reports_to}" if alerts.reporter else "reach nobody"


def _list(canvas: Canvas, topic: Topic, x: float, y: float, width: float, bottom: float) -> None:
    inset = PAD if x == LEFT else 0
    trimmed = width - PAD if x == LEFT or x + width == RIGHT else width
    canvas.box("zone", x + inset, y, trimmed, bottom - y)
    head = f"{topic.alarms} {topic.severity}"
    canvas.text(f"name14 {topic.severity}", x + inset + 14, y + 23, head, width=trimmed - 20)
    for number, subject in enumerate(topic.subjects):
        line = y + LIST_HEAD + LINE * (number + 0.75)
        canvas.text("text12 soft", x + inset + 14, line, subject, width=trimmed - 20)


def _topic(canvas: Canvas, topic: Topic, x: float, y: float, width: float) -> None:
    canvas.box("card", x, y, width, TOPIC)
    canvas.glyph("topic", _tone(topic), x + 12, y + 14)
    canvas.text("name14 ink", x + 46, y + 25, topic.severity, width=width - 72)
    canvas.text("text11 soft", x + 46, y + 42, "SNS topic", width=width - 54)
    if topic.encrypted:
        canvas.lock(x + width - 22, y + 12)


def _channel(canvas: Canvas, channel: Channel, x: float, y: float, width: float) -> None:
    canvas.box("card", x, y, width, CHANNEL)
    canvas.glyph(channel.glyph, "blue", x + 12, y + 16)
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
    """From each topic of the channel, straight down if it is above."""
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
