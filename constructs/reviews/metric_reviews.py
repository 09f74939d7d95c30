"""The week's metrics and the month's capacity (§7.2): two reviews that read CloudWatch."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from constructs import Construct
from constructs.alarms.metrics import OWN_NAMESPACE, AlarmSpec, Figure
from constructs.common.permissions import BY_PREFIX, allow, place
from constructs.reviews.review import Review, Shared
from constructs.reviews.review_kinds import CAPACITY, METRICS, SECURITY_UPDATES, UPDATES
from environments import growth
from environments.advice import HOURS_A_MONTH
from environments.engines import EXTENDED_SUPPORT_PERCENT
from environments.node_types import PRICE_REGION, PRICES_AS_OF
from environments.schema import Settings


def metric_reviews(scope: Construct, shared: Shared, specs: Sequence[AlarmSpec]) -> list[Review]:
    """Both get the warning thresholds of ``specs``, all alarms: they are defined there only."""
    settings, here = shared.settings, place(scope)
    group = here.arn("elasticache", f"replicationgroup:{settings.redis.replication_group_id}")
    lists = "Figures of CloudWatch take no resource but *"
    reads = [
        # Source: Service Authorization Reference.
        allow("cloudwatch:GetMetricData", on=["*"], because=lists),
        # Which nodes there are: one that was replaced or added has a number of its own.
        allow("elasticache:DescribeReplicationGroups", on=[group]),
    ]
    alarms, history = here.arn("cloudwatch", "alarm:{}"), "The history of this environment's alarms"
    of_ours = alarms.format(f"{settings.prefix}-*")
    of_alarms = [
        *reads,
        # Asked for by prefix, which is judged as a question about all.
        allow("cloudwatch:DescribeAlarms", on=[alarms.format("*")], because=BY_PREFIX),
        allow("cloudwatch:DescribeAlarmHistory", on=[of_ours], because=history),
    ]
    measures = {"MEASURES": _short(weekly(settings, specs)), "ALARM_PREFIX": f"{settings.prefix}-"}
    lines = {"LINES": _short(capacity(settings, specs))}
    return [
        Review(scope, "Weekly", shared, METRICS, "metrics.handler", measures, of_alarms),
        Review(scope, "Monthly", shared, CAPACITY, "capacity.handler", lines, reads),
    ]


def _short(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))


Document = dict[str, Any]

# From the metric's unit to the one that people read.
_FACTORS = {"replication-lag": 1000, "swap": 1 / 2**20}
_MEGABIT = 8 / 1e6  # of a byte
_NETWORK = {"network-in": "NetworkBytesIn", "network-out": "NetworkBytesOut"}
# Alarms on nothing having been sent, and a test: there is no figure.
_SILENCE = ("-not-run", "not-reporting", "notification-test", "-undelivered")


def weekly(settings: Settings, specs: Sequence[AlarmSpec]) -> list[Document]:
    """For lambda/reviews/metrics: the figures of ``specs``, and the network's."""
    found: dict[str, Document] = {}
    for spec in specs:
        if not spec.name.endswith(_SILENCE):
            found.setdefault(spec.name, _measure(spec, settings))  # a warning before its critical
    return [*found.values(), *_network(settings)]


def capacity(settings: Settings, specs: Sequence[AlarmSpec]) -> Mapping[str, Document]:
    """For lambda/reviews/capacity: the lines of what can fill up, and what to do then."""
    redis = settings.redis
    then = {
        "memory": growth.for_memory(redis),
        "engine-cpu": growth.for_engine_cpu(redis),
        "host-cpu": growth.for_host_cpu(redis),
        "connections": growth.for_connections(settings.application.connections),
    }
    lines: dict[str, Document] = {}
    for spec in specs:
        if spec.name in then:
            line = lines.setdefault(spec.name, {"critical": None, "then": then[spec.name]})
            line[spec.severity.value] = spec.threshold
    network = {"warning": _baseline(settings), "critical": None, "then": growth.for_network(redis)}
    return {**lines, **dict.fromkeys(_NETWORK, network)}


def _measure(spec: AlarmSpec, settings: Settings) -> Document:
    factor = _FACTORS.get(spec.name, 1)
    found: Document = {"name": spec.name, "warning": round(spec.threshold * factor, 9)}
    if factor != 1:
        found["factor"] = factor
    if spec.comparison == "below":
        found["beyond"] = "below"
    figure = spec.figure
    if figure.statistic != "Maximum":
        found["statistic"] = figure.statistic
    if isinstance(figure, Figure):
        found["metrics"] = list(figure.metrics)
        if spec.name == "hit-rate":
            least = settings.alarms.hit_rate.minimum_reads_per_minute
            found |= {"combined": "share", "least": least}
        elif figure.statistic == "Sum":
            found["combined"] = "total"
        elif spec.comparison == "below":
            found["combined"] = "lowest"
        return found
    ((namespace, metric, dimension, value),) = figure.series.values()
    if namespace == OWN_NAMESPACE:
        return found | {"published": metric}
    return found | {"metrics": [metric], "place": [namespace, dimension, value]}


def _network(settings: Settings) -> Iterator[Document]:
    for name, metric in _NETWORK.items():
        yield {
            "name": name,
            "metrics": [metric],
            "statistic": "Sum",
            "combined": "speed",
            "factor": _MEGABIT,
            "warning": _baseline(settings),
        }


def _baseline(settings: Settings) -> float:
    """Megabits a second that the node has without end, in each direction."""
    return round(1000 * settings.redis.node_type.baseline_gbps, 3)


def update_reviews(scope: Construct, shared: Shared) -> list[Review]:
    """Two reviews that read ElastiCache and change nothing: applying is a person's or CI's."""
    settings, here = shared.settings, place(scope)
    group_id = settings.redis.replication_group_id
    group = here.arn("elasticache", f"replicationgroup:{group_id}")
    nodes = here.arn("elasticache", f"cluster:{settings.redis.topology.member_pattern}")
    lists = "Lists of updates and versions take no resource but *"
    updates = [
        allow("elasticache:DescribeUpdateActions", on=[group]),
        allow("elasticache:DescribeServiceUpdates", on=["*"], because=lists),
    ]
    versions = [
        allow("elasticache:DescribeReplicationGroups", on=[group]),
        allow("elasticache:DescribeCacheClusters", on=[nodes]),
        allow("elasticache:DescribeCacheEngineVersions", on=["*"], because=lists),
    ]
    support = {"SUPPORT": json.dumps(_support(settings))}
    return [
        Review(scope, "Security", shared, SECURITY_UPDATES, "security", {}, updates),
        Review(scope, "Monthly", shared, UPDATES, "updates", support, [*updates, *versions]),
    ]


def _support(settings: Settings) -> dict[str, Any]:
    """The settings of lambda/reviews/updates.py."""
    redis = settings.redis
    engine, price = redis.engine, redis.node_type.price(redis.engine.engine)
    nodes = redis.topology.node_count
    return {
        "engine": f"{'Redis' if engine.engine == 'redis' else 'Valkey'} {engine.version}",
        "ends": engine.standard_support_ends and engine.standard_support_ends.isoformat(),
        "monthly": None if price is None else nodes * price * HOURS_A_MONTH,
        "percent": EXTENDED_SUPPORT_PERCENT,
        "price": f"{nodes} nodes at {PRICE_REGION}'s list price of {PRICES_AS_OF}",
    }
