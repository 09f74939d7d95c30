"""The measures of the metric reviews: every metric with an alarm, with its warning threshold.

It stands in a function's environment, whose variables together are 4 KB at most, so whatever has an
obvious value is left out, and the names that people read are in lambda/reviews/metrics/measures.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from constructs.alarms.alarm_specs import AlarmSpec
from constructs.alarms.metrics import Figure, PublishedFigure, ServiceFigure
from environments import growth
from environments.schema import Settings

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
    network = {
        "warning": _baseline(settings),
        "critical": None,
        "then": growth.for_network(redis),
    }
    return {**lines, **dict.fromkeys(_NETWORK, network)}


def _measure(spec: AlarmSpec, settings: Settings) -> Document:
    factor = _FACTORS.get(spec.name, 1)
    found: Document = {"name": spec.name, "warning": round(spec.threshold * factor, 9)}
    if factor != 1:
        found["factor"] = factor
    if spec.beyond == "below":
        found["beyond"] = "below"
    figure = spec.figure
    if isinstance(figure, Figure | ServiceFigure) and figure.statistic != "Maximum":
        found["statistic"] = figure.statistic
    if isinstance(figure, Figure):
        found["metrics"] = list(figure.metrics)
        if spec.name == "hit-rate":
            least = settings.alarms.hit_rate.minimum_reads_per_minute
            found |= {"combined": "share", "least": least}
        elif figure.statistic == "Sum":
            found["combined"] = "total"
        elif spec.beyond == "below":
            found["combined"] = "lowest"
    elif isinstance(figure, PublishedFigure):
        found["published"] = figure.metric
    elif isinstance(figure, ServiceFigure):
        place = [figure.namespace, figure.dimension, figure.value]
        found |= {"metrics": [figure.metric], "place": place}
    return found


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
