"""The monthly cost of a stack at list price, worked out by hand beside it."""

import pytest

from tests.support import Stacks, SynthChanged
from tests.variants import SHARDED
from tools.prices import monthly


def test_productions_data_costs_three_nodes_a_key_and_a_secret(templates: Stacks) -> None:
    by_hand = 3 * 0.068 * 730 + 1.00 + 0.40
    assert monthly(templates["vibewell-redis-production-data"]) == pytest.approx(by_hand)


def test_productions_monitoring_costs_each_metric_that_an_alarm_reads(templates: Stacks) -> None:
    # 14 alarms on three metrics, two (hit rate, network allowance) on six, twenty-five on one.
    by_hand = (14 * 3 + 2 * 6 + 25) * 0.10 + 3.00 + 1.00
    assert monthly(templates["vibewell-redis-production-monitoring"]) == pytest.approx(by_hand)


def test_productions_operations_cost_two_endpoints_and_the_recovery_tests_secret(
    templates: Stacks,
) -> None:
    by_hand = 2 * 3 * 0.01 * 730 + 0.40
    assert monthly(templates["vibewell-redis-production-operations"]) == pytest.approx(by_hand)


def test_every_node_of_every_shard_is_counted(synth_changed: SynthChanged) -> None:
    by_hand = 9 * 0.068 * 730 + 1.00 + 0.40
    assert monthly(synth_changed(SHARDED)["data"]) == pytest.approx(by_hand)
