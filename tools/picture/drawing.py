"""The page: columns and rows, and what is in each."""

from tools.picture import alerts, redis, services
from tools.picture.deployment import Deployment
from tools.picture.svg import Canvas
from tools.picture.words import counted

WIDTH = 1280
TOP = 96
GAP = 40
MARGIN = 32


def draw(facts: Deployment) -> str:
    """The picture as an SVG document; the same facts give the same bytes."""
    alerting = alerts.alerts(facts.monitoring)
    upper = max(redis.height(facts), alerts.height(alerting))
    lower = TOP + upper + GAP
    height = lower + services.HEIGHT + 56
    canvas = Canvas(WIDTH, height, title=_title(facts), description=_description(facts, alerting))
    canvas.box("page", 0.5, 0.5, WIDTH - 1, height - 1)
    canvas.text("name22 ink", MARGIN, 50, _title(facts), width=900)
    where = f"Account {facts.account} in {facts.region}"
    canvas.text("text12 soft", MARGIN, 74, where, width=900)
    bottoms = redis.draw(canvas, facts, TOP, upper)
    services.draw(canvas, facts, lower, bottoms)
    alerts.draw(canvas, alerting, TOP, upper, lower)
    canvas.lock(MARGIN, height - 31)
    note = height - 21
    canvas.text(
        "text11 soft",
        MARGIN + 18,
        note,
        "encrypted at rest with a customer managed KMS key",
        width=400,
    )
    source = "drawn by make picture from the synthesised templates"
    canvas.text("text11 soft end", WIDTH - MARGIN, note, source, width=500)
    return str(canvas)


def _title(facts: Deployment) -> str:
    return f"{facts.group['ReplicationGroupId']} in {facts.environment}"


def _description(facts: Deployment, alerting: alerts.Alerts) -> str:
    """The picture in words, for who cannot see it."""
    engine, size = redis.summary(facts)
    topics = "; ".join(
        f"{counted(topic.alarms, topic.severity + ' alarm')} to {alerting.channels_of(topic)}"
        for topic in alerting.topics
    )
    return (
        f"{', '.join(source.name for source in facts.sources)} connect by {redis.protocol(facts)} "
        f"to {size} of {engine} on {facts.group['CacheNodeType']}, in the zones "
        f"{', '.join(subnet.zone for subnet in facts.subnets)} of {facts.vpc}. Snapshots are kept "
        f"{counted(facts.group.get('SnapshotRetentionLimit', 0), 'day')}. {topics}."
    )
