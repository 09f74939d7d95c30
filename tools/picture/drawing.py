"""The page: the VPC with the group, what is around it, and who is notified."""

from collections.abc import Iterator, Sequence

from tools.picture.deployment import Deployment
from tools.picture.svg import PAD, Canvas, Card

WIDTH, MARGIN, TOP, GAP = 1280, 32, 96, 40
# Left edge and width. A service is under the middle of what uses it.
VPC, SOURCES, GROUP, MONITORING = (32, 830), (48, 234), (320, 526), (902, 346)
BUS = 20  # above each row of members: there is the line on which the primary replicates
ROW = BUS + 60


def draw(facts: Deployment) -> str:
    """The picture as an SVG document; the same facts give the same bytes."""
    canvas = Canvas()
    tall = max(_group_height(facts), _height(facts.sources), _height(facts.watched))
    middle, upper = TOP + GAP + tall / 2, TOP + GAP + tall + PAD
    lower = upper + GAP
    receivers = lower + max(topic.height for topic in facts.topics.values()) + GAP
    bottom = receivers + max((card.height for card, _ in facts.receivers), default=0)
    canvas.box("page", 0.5, 0.5, WIDTH - 1, bottom + 55)
    canvas.text("title", MARGIN, 50, facts.title, 900)
    canvas.text("soft", MARGIN, 74, facts.account, 900)
    for kind, (x, width), name in (("vpc", VPC, facts.vpc), ("frame", MONITORING, "Monitoring")):
        canvas.box(kind, x, TOP, width, upper - TOP)
        canvas.text("soft", x + PAD, TOP + 26, name, width - 2 * PAD)
    canvas.arrow("teal", (sum(GROUP), middle), (MONITORING[0], middle))
    _services(canvas, facts, middle, lower, bottom)
    _group(canvas, facts, middle - _group_height(facts) / 2)
    for card, y in _centred(facts.sources, middle):
        canvas.card(card, SOURCES[0], y, SOURCES[1])
        line = y + card.height / 2
        canvas.arrow("blue", (sum(SOURCES), line), (GROUP[0], line))
    for card, y in _centred(facts.watched, middle):
        canvas.card(card, MONITORING[0] + PAD, y, MONITORING[1] - 2 * PAD)
    _notifications(canvas, facts, upper, lower, receivers)
    canvas.glyph("lock", "lock", MARGIN, bottom + 25)
    legend = "encrypted at rest with a customer managed KMS key; drawn by make picture"
    canvas.text("soft", MARGIN + 18, bottom + 35, legend, 900)
    return canvas.document(WIDTH, bottom + 56, facts.title, _description(facts))


def _services(
    canvas: Canvas, facts: Deployment, middle: float, lower: float, bottom: float
) -> None:
    """A column under those who connect, the others under the group."""
    height = (bottom - lower - PAD) / 2
    columns = _columns(VPC, len(facts.services))
    for number, (cards, (x, width)) in enumerate(zip(facts.services, columns, strict=True)):
        user = _group_height(facts) if number else _height(facts.sources)
        # From below: what is drawn later covers an arrow to a card further down.
        for y, card in ((lower + height + PAD, cards[1]), (lower, cards[0])):
            if card.used:
                centre = x + width / 2
                canvas.arrow(card.tone, (centre, middle + user / 2), (centre, y))
            canvas.card(card, x, y, width, height)


def _group(canvas: Canvas, facts: Deployment, top: float) -> None:
    """The group, its zones side by side, and in them a row of members for each shard or more."""
    height = _group_height(facts)
    canvas.card(facts.group, GROUP[0], top, GROUP[1], height, kind="group")
    columns = _columns((GROUP[0] + PAD, GROUP[1] - 2 * PAD), len(facts.zones))
    zones = top + facts.group.height
    for zone, (x, width) in zip(facts.zones, columns, strict=True):
        canvas.card(zone, x, zones, width, top + height - PAD - zones, kind="zone")
    for number, shard in enumerate(facts.shards):
        start = zones + facts.zones[0].height + BUS + number * _shard_height(facts)
        # ElastiCache spreads the members of a shard over the zones, and primaries too.
        places = [
            (*columns[(number + node) % len(columns)], start + node // len(columns) * ROW)
            for node in range(len(shard))
        ]
        margin, primary = min(x for x, _, _ in places) + 2, places[0][0] + places[0][1] / 2
        for node, (x, width, y) in enumerate(places):
            role = "replica" if node else "primary"
            canvas.card(Card("", "", [role, shard[node]]), x + 5, y, width - 10, kind=role)
            if node:
                aside = [(margin, start - 10), (margin, y - 10)] if y > start else []
                centre = x + width / 2
                along = [(primary, start - 10), *aside, (centre, y - 10)]
                canvas.arrow("red", (primary, start), *along, (centre, y))


def _notifications(
    canvas: Canvas, facts: Deployment, upper: float, lower: float, bottom: float
) -> None:
    """Each topic under the alarms, and each receiver under the topics."""
    topics = _columns(MONITORING, len(facts.topics))
    receivers = _columns(MONITORING, len(facts.receivers))
    for number, (severity, topic) in enumerate(facts.topics.items()):
        x, width = topics[number]
        end = canvas.card(topic, x, lower, width)
        if topic.used:
            canvas.arrow(topic.tone, (x + width / 2, upper), (x + width / 2, lower))
        for place, (_, severities) in enumerate(facts.receivers):
            if severity in severities:
                left, wide = receivers[place]
                start = x + width * (place + 1) / (len(receivers) + 1)
                stop = left + wide * (number + 1) / (len(topics) + 1)
                turn = end + GAP / 2
                canvas.arrow(topic.tone, (start, end), (start, turn), (stop, turn), (stop, bottom))
    for (card, _), (x, width) in zip(facts.receivers, receivers, strict=True):
        canvas.card(card, x, bottom, width)


def _description(facts: Deployment) -> str:
    """The picture in words, for who cannot see it."""
    cards = [*facts.sources, facts.group, *facts.zones, *(cards[0] for cards in facts.services)]
    topics = [
        f"{topic.lines[0]} alarms to {facts.receivers_of(name)}"
        for name, topic in facts.topics.items()
    ]
    return ". ".join([facts.vpc, *(", ".join(card.lines) for card in cards), *topics])


def _columns(place: tuple[float, float], count: int) -> list[tuple[float, float]]:
    """Left edge and width of each of ``count`` columns of a place."""
    width = (place[1] - PAD * (count - 1)) / max(count, 1)
    return [(place[0] + number * (width + PAD), width) for number in range(count)]


def _centred(cards: Sequence[Card], middle: float) -> Iterator[tuple[Card, float]]:
    """Each with its top, one under the other."""
    top = middle - _height(cards) / 2
    for card in cards:
        yield card, top
        top += card.height + PAD


def _height(cards: Sequence[Card]) -> float:
    return sum(card.height + PAD for card in cards) - PAD


def _group_height(facts: Deployment) -> float:
    members = len(facts.shards) * _shard_height(facts)
    return facts.group.height + facts.zones[0].height + members + PAD


def _shard_height(facts: Deployment) -> float:
    return -(-len(facts.shards[0]) // len(facts.zones)) * ROW
