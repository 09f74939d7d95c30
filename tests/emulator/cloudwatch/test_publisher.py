"""What reaches CloudWatch of what the nodes read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.cloudwatch.evaluator import Clock
from emulator.cloudwatch.publisher import Publisher

READ = [
    {"member": "redis-001", "name": "CurrConnections", "value": 3.0, "unit": "Count"},
    {"member": "redis-002", "name": "CurrConnections", "value": 4.0, "unit": "Count"},
]


class Recorder:
    """Keeps what is put into it, as the parameters of PutMetricData."""

    def __init__(self) -> None:
        self.data: list[dict[str, Any]] = []

    def put_metric_data(self, **call: Any) -> None:
        assert call["Namespace"] == "AWS/ElastiCache"
        assert len(call["MetricData"]) <= 1000
        self.data += call["MetricData"]

    def values(self) -> dict[tuple[str, str], float]:
        return {
            (one["Dimensions"][0]["Value"], one["MetricName"]): one["Value"] for one in self.data
        }


@pytest.fixture
def cloudwatch() -> Recorder:
    return Recorder()


@pytest.fixture
def publisher(cloudwatch: Recorder) -> Publisher:
    return Publisher(cloudwatch, lambda: READ, "vibewell-redis")


def test_a_node_is_known_by_its_member_name_and_its_node_id(
    cloudwatch: Recorder, publisher: Publisher
) -> None:
    publisher.publish(60)
    assert cloudwatch.data[0] == {
        "MetricName": "CurrConnections",
        "Dimensions": [
            {"Name": "CacheClusterId", "Value": "redis-001"},
            {"Name": "CacheNodeId", "Value": "0001"},
        ],
        "Timestamp": datetime.fromtimestamp(60, UTC),
        "Value": 3.0,
    }


def test_a_value_can_be_published_in_the_place_of_what_one_node_reads(
    cloudwatch: Recorder, publisher: Publisher
) -> None:
    publisher.instead = {("redis-001", "CurrConnections"): 9.0, ("redis-001", "SwapUsage"): 1.0}
    publisher.publish(60)
    assert cloudwatch.values() == {
        ("redis-001", "CurrConnections"): 9.0,
        ("redis-001", "SwapUsage"): 1.0,
        ("redis-002", "CurrConnections"): 4.0,
    }


def test_a_silent_node_publishes_nothing(cloudwatch: Recorder, publisher: Publisher) -> None:
    publisher.silent = {"redis-001"}
    publisher.instead = {("redis-001", "SwapUsage"): 1.0}
    publisher.publish(60)
    assert cloudwatch.values() == {("redis-002", "CurrConnections"): 4.0}


def test_many_figures_go_in_calls_that_cloudwatch_takes(
    cloudwatch: Recorder, publisher: Publisher
) -> None:
    publisher.instead = {("redis-001", f"Metric{number}"): 1.0 for number in range(1500)}
    publisher.publish(60)
    assert len(cloudwatch.data) == 1502


def test_the_clock_says_how_fast_it_runs_and_never_runs_back() -> None:
    clock = Clock(0.001)
    began = clock.minute
    clock.tick()
    assert clock.minute == began + 60
    assert "at least 0.001 s here" in clock.speed
    assert "60000 times as fast" in clock.speed
    assert Clock(0.001, after=began + 3600).minute > began + 3600
