"""What the limiter counts reaches an OpenTelemetry SDK, and needs none."""

import asyncio
import sys
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Sum

from tests.client.conftest import MakeSettings
from vibewell_redis import RateLimiter
from vibewell_redis.asyncio import RateLimiter as TaskLimiter
from vibewell_redis.metrics import instrument

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


def test_every_count_is_published_as_it_is_at_the_time(rate_limit_settings: MakeSettings) -> None:
    reader = InMemoryMetricReader()
    settings = rate_limit_settings(mfa="1,60")
    limiter = RateLimiter.from_settings(settings)
    # Those of a process are added up; one that is switched off has no storage.
    off = RateLimiter.from_settings(replace(settings, enabled=False))
    assert instrument(limiter, off, meter_provider=MeterProvider([reader]))
    for _ in range(3):
        limiter.hit("mfa", user="alice")
        off.hit("mfa", user="alice")
    assert limiter.storage is not None
    counts = limiter.storage.counts
    counts["ConnectionError"] += 4  # as a Redis that is away adds them
    first = read(reader)
    for outcome, number in {"allowed": 1, "denied_from_memory": 2, "disabled": 3}.items():
        assert decisions(first, "mfa", outcome) == number
    storage_part = {
        name.removeprefix("vibewell.rate_limit.redis."): value
        for (name, attributes), value in first.items()
        if not attributes
    }
    assert storage_part == {"commands": 1, "decisions": 1, "late_decisions": 0, "outages": 0}
    errors = frozenset({("error.type", "ConnectionError")})
    assert first["vibewell.rate_limit.redis.errors", errors] == 4

    limiter.hit("mfa", user="bob")
    counts["late"] += 3
    second = read(reader)
    assert decisions(second, "mfa", "allowed") == 2
    assert second["vibewell.rate_limit.redis.late_decisions", frozenset()] == 3


def test_what_was_published_only_grows_when_a_limiter_is_closed_and_used_again(
    rate_limit_settings: MakeSettings,
) -> None:
    settings, readers = rate_limit_settings(), [InMemoryMetricReader() for _ in range(2)]
    of_threads, of_tasks = RateLimiter.from_settings(settings), TaskLimiter.from_settings(settings)
    for limiter, reader in zip((of_threads, of_tasks), readers, strict=True):
        assert instrument(limiter, meter_provider=MeterProvider([reader]))

    def commands() -> list[int]:
        name = "vibewell.rate_limit.redis.commands", frozenset[tuple[str, Any]]()
        return [read(reader)[name] for reader in readers]

    async def use(*, again: bool) -> None:
        of_threads.hit("general", user="alice")
        await of_tasks.hit("general", user="alice")
        of_threads.close()
        await of_tasks.aclose()
        assert await asyncio.to_thread(commands) == [1 + again] * 2

    for again in (False, True):
        asyncio.run(use(again=again))
        assert commands() == [1 + again] * 2


def test_without_opentelemetry_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)  # as if it were not installed
    assert instrument() is False
