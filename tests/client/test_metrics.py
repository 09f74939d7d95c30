"""What the limiter counts reaches an OpenTelemetry SDK, and needs none."""

import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Sum

from vibewell_redis.metrics import instrument


class Storage:
    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = Counter(counts)


class Limiter:
    """The counts of a limiter, and no more of it."""

    def __init__(
        self, counts: Mapping[tuple[str, str], int], storage: Storage | None = None
    ) -> None:
        self.counts = Counter(counts)
        self.storage = storage


Read = dict[tuple[str, frozenset[tuple[str, Any]]], int]


def read(reader: InMemoryMetricReader) -> Read:
    data = reader.get_metrics_data()
    assert data is not None
    (resource,) = data.resource_metrics
    (scope,) = resource.scope_metrics
    assert scope.scope.name == "vibewell_redis"
    values: Read = {}
    for metric in scope.metrics:
        assert isinstance(metric.data, Sum)
        assert metric.data.is_monotonic
        # OpenTelemetry's conventions: units are annotations in the singular, names hold no total.
        assert "total" not in metric.name
        assert str(metric.unit).strip("{}") + "s" in metric.name.rpartition(".")[2]
        for point in metric.data.data_points:
            attributes = frozenset((point.attributes or {}).items())
            values[metric.name, attributes] = int(point.value)
    return values


def decisions(values: Read, tier: str, outcome: str) -> int:
    prefix = "vibewell.rate_limit"
    attributes = frozenset({(f"{prefix}.tier", tier), (f"{prefix}.outcome", outcome)})
    return values[f"{prefix}.decisions", attributes]


def test_every_count_is_published_as_it_is_when_it_is_read() -> None:
    reader = InMemoryMetricReader()
    storage = Storage({"commands": 2, "decisions": 90, "ConnectionError": 4})
    limiter = Limiter({("auth", "allowed"): 5, ("mfa", "denied_from_memory"): 2}, storage)
    # Those of a process are added up; one that is switched off has no storage.
    off = Limiter({("auth", "disabled"): 7, ("auth", "allowed"): 2})
    assert instrument(limiter, off, meter_provider=MeterProvider([reader]))
    first = read(reader)
    assert decisions(first, "auth", "allowed") == 7
    assert decisions(first, "mfa", "denied_from_memory") == 2
    assert decisions(first, "auth", "disabled") == 7
    storage_part = {
        name.removeprefix("vibewell.rate_limit.redis."): value
        for (name, attributes), value in first.items()
        if not attributes
    }
    assert storage_part == {"commands": 2, "decisions": 90, "late_decisions": 0, "outages": 0}
    errors = frozenset({("error.type", "ConnectionError")})
    assert first["vibewell.rate_limit.redis.errors", errors] == 4

    limiter.counts["auth", "allowed"] += 1
    storage.counts["late"] += 3
    second = read(reader)
    assert decisions(second, "auth", "allowed") == 8
    assert second["vibewell.rate_limit.redis.late_decisions", frozenset()] == 3


def test_without_opentelemetry_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)  # as if it were not installed
    assert instrument(Limiter({})) is False
