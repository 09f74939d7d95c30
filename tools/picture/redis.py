"""The VPC: who may connect, and the members in their zones."""

from typing import NamedTuple

from tools.picture.deployment import Deployment, Subnet
from tools.picture.svg import Canvas
from tools.picture.words import counted, window

LEFT, RIGHT = 32, 864
SOURCE_X, SOURCE_WIDTH, SOURCE_HEIGHT = 56, 184, 92
GROUP_X, GROUP_RIGHT = 336, 840
PAD = 16
GROUP_PAD = 40  # from the VPC's top to the group's; below the group it is PAD
ZONES_Y = 126  # from the VPC's top to that of the zones
ZONE_HEAD = 42
BUS = 18  # above each row of members: the line on which the primary replicates
ROW_GAP = 10
FOOT = 84  # from the zones' bottom to the VPC's
TALLEST_NODE = 110


class Bottoms(NamedTuple):
    """Where arrows may begin: under the group's box and under the last of those who connect."""

    group: float
    sources: float


def height(facts: Deployment) -> int:
    """What the VPC needs at least."""
    members = _rows(facts) * ((44 if facts.clustered else 64) + BUS + ROW_GAP)
    callers = _sources_height(facts) + 2 * GROUP_PAD
    return max(ZONES_Y + ZONE_HEAD + members + FOOT, callers)


def draw(canvas: Canvas, facts: Deployment, top: float, tall: float) -> Bottoms:
    """Draw it ``tall`` pixels high."""
    canvas.box("vpc", LEFT, top, RIGHT - LEFT, tall)
    name = f"VPC {facts.vpc}" + (f", {facts.cidr}" if facts.cidr else "")
    canvas.text("text12 soft", LEFT + 24, top + 26, name, width=500)
    bottom = top + tall - PAD
    canvas.box("group", GROUP_X, top + GROUP_PAD, GROUP_RIGHT - GROUP_X, bottom - top - GROUP_PAD)
    _head(canvas, facts, top + GROUP_PAD)
    zones_bottom = top + tall - FOOT
    _members(canvas, facts, top + ZONES_Y, zones_bottom)
    _foot(canvas, facts, zones_bottom)
    middle = (top + GROUP_PAD + bottom) / 2
    _sources(canvas, facts, middle)
    return Bottoms(bottom, middle + _sources_height(facts) / 2)


def protocol(facts: Deployment) -> str:
    """How a client connects."""
    tls = facts.group.get("TransitEncryptionEnabled")
    auth = "with AUTH" if facts.group.get("UserGroupIds") else "without AUTH"
    return f"{'TLS' if tls else 'plain text'} on {facts.group['Port']} {auth}"


def summary(facts: Deployment) -> tuple[str, str]:
    """Engine and number of members, in words."""
    replicas = len(facts.shards[0]) - 1
    each = "1 primary" + (f" + {counted(replicas, 'replica')}" if replicas else "")
    size = f"{len(facts.shards)} × ({each})" if facts.clustered else each
    return f"{facts.group['Engine'].title()} {facts.group['EngineVersion']}", size


def _head(canvas: Canvas, facts: Deployment, top: float) -> None:
    group, (engine, size) = facts.group, summary(facts)
    canvas.glyph("database", "red", GROUP_X + PAD, top + 16)
    canvas.text("name18 ink", GROUP_X + 56, top + 29, group["ReplicationGroupId"], width=400)
    what = f"{engine}, {group['CacheNodeType']}, {size}"
    canvas.text("text12 soft", GROUP_X + 56, top + 48, what, width=420)
    if "KmsKeyId" in group:
        canvas.lock(GROUP_RIGHT - PAD - 10, top + 17)
    promises = ["Multi-AZ"] if group.get("MultiAZEnabled") else []
    promises += ["automatic failover" if group.get("AutomaticFailoverEnabled") else "no failover"]
    promises += [f"maintenance {window(group['PreferredMaintenanceWindow'])} UTC"]
    canvas.text("text12 soft", GROUP_X + 56, top + 67, ", ".join(promises), width=440)


def _members(canvas: Canvas, facts: Deployment, top: float, bottom: float) -> None:
    subnets, group = facts.subnets, facts.group["ReplicationGroupId"]
    width = (GROUP_RIGHT - GROUP_X - 2 * PAD - 12 * (len(subnets) - 1)) / len(subnets)
    lefts = [GROUP_X + PAD + index * (width + 12) for index in range(len(subnets))]
    for left, subnet in zip(lefts, subnets, strict=True):
        _zone(canvas, subnet, left, top, width, bottom - top)
    row = (bottom - top - ZONE_HEAD) / _rows(facts)
    tall = min(row - BUS - ROW_GAP, TALLEST_NODE)
    inset = BUS + (row - BUS - ROW_GAP - tall) / 2
    for number, shard in enumerate(facts.shards):
        first = top + ZONE_HEAD + number * row * _rows_of_a_shard(facts)
        boxes = [
            # ElastiCache spreads the members of a shard over the zones, and primaries too.
            (lefts[(number + node) % len(subnets)] + 10, first + node // len(subnets) * row + inset)
            for node in range(len(shard))
        ]
        _replication(canvas, boxes, width - 20)
        for node, (name, (x, y)) in enumerate(zip(shard, boxes, strict=True)):
            shown = name.replace(group, "…") if facts.clustered else name
            _member(canvas, shown, x, y, width - 20, tall, primary=node == 0)


def _zone(
    canvas: Canvas, subnet: Subnet, left: float, top: float, width: float, tall: float
) -> None:
    canvas.box("zone", left, top, width, tall)
    canvas.text("name12 ink middle", left + width / 2, top + 20, subnet.zone, width=width - 10)
    canvas.text("text11 soft middle", left + width / 2, top + 36, subnet.cidr, width=width - 10)


def _member(
    canvas: Canvas, name: str, x: float, y: float, width: float, tall: float, *, primary: bool
) -> None:
    canvas.box("primary" if primary else "replica", x, y, width, tall)
    role, tone, softer = ("primary", "on", "on") if primary else ("replica", "ink", "soft")
    middle = y + tall / 2
    canvas.text(f"name14 {tone} middle", x + width / 2, middle - 2, role, width=width - 8)
    canvas.text(f"mono11 {softer} middle", x + width / 2, middle + 15, name, width=width - 4)


def _replication(canvas: Canvas, boxes: list[tuple[float, float]], width: float) -> None:
    """From the first box to each other: up to a line over its row, along it, and down."""
    (start, top), *replicas = boxes
    margin = min(x for x, _ in boxes) - 5
    for x, y in replicas:
        aside = [(margin, top - 10), (margin, y - 10)] if y > top else []
        centre = x + width / 2
        corners = [(start + width / 2, top), (start + width / 2, top - 10), *aside]
        canvas.arrow("red", *corners, (centre, y - 10), (centre, y))


def _foot(canvas: Canvas, facts: Deployment, zones_bottom: float) -> None:
    left = [f"Security group {facts.security_group}", f"Subnets {facts.subnet_group}"]
    right = [
        f"{name} {facts.parameters.get(name, 'default')}"
        for name in ("maxmemory-policy", "timeout")
    ]
    for number, (words, setting) in enumerate(zip(left, right, strict=True)):
        y = zones_bottom + 25 + 18 * number
        canvas.text("text11 soft", GROUP_X + PAD, y, words, width=284)
        canvas.text("text11 soft end", GROUP_RIGHT - PAD, y, setting, width=188)


def _sources(canvas: Canvas, facts: Deployment, middle: float) -> None:
    group = facts.group
    top = middle - _sources_height(facts) / 2
    for number, source in enumerate(facts.sources):
        y = top + number * (SOURCE_HEIGHT + PAD)
        canvas.box("card", SOURCE_X, y, SOURCE_WIDTH, SOURCE_HEIGHT)
        canvas.glyph("servers", "blue", SOURCE_X + 14, y + 12)
        canvas.text("name14 ink", SOURCE_X + 14, y + 60, source.name, width=SOURCE_WIDTH - 22)
        shown = source.security_group
        canvas.text("mono11 soft", SOURCE_X + 14, y + 78, shown, width=SOURCE_WIDTH - 22)
        line = y + SOURCE_HEIGHT / 2
        start = SOURCE_X + SOURCE_WIDTH
        canvas.arrow("blue", (start, line), (GROUP_X, line))
        centre = (start + GROUP_X) / 2 - 3
        secure = f"{'TLS' if group.get('TransitEncryptionEnabled') else 'plain'} {group['Port']}"
        canvas.text("name12 ink middle", centre, line - 9, secure, width=92)
        login = "AUTH token" if group.get("UserGroupIds") else "no AUTH"
        canvas.text("text11 soft middle", centre, line + 18, login, width=92)


def _sources_height(facts: Deployment) -> int:
    return len(facts.sources) * (SOURCE_HEIGHT + PAD) - PAD


def _rows_of_a_shard(facts: Deployment) -> int:
    return -(-len(facts.shards[0]) // len(facts.subnets))


def _rows(facts: Deployment) -> int:
    return len(facts.shards) * _rows_of_a_shard(facts)
