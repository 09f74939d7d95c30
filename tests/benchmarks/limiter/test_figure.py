from typing import Any

import pytest

from benchmarks.limiter.figure import Figure, table


@pytest.mark.parametrize(
    ("value", "bounds", "missed"),
    [
        (7.0, {"at_least": 7.0}, False),
        (6.99, {"at_least": 7.0}, True),
        (0.0, {"at_most": 0.0}, False),
        (0.001, {"at_most": 0.0}, True),
        (float("nan"), {"at_least": 7.0}, True),
        (float("nan"), {"at_most": 7.0}, True),
        (1e9, {}, False),
    ],
)
def test_a_bound_is_kept_or_missed(value: float, bounds: dict[str, Any], missed: bool) -> None:
    assert Figure("figure", value, **bounds).missed is missed


def test_the_table_says_of_each_figure_what_was_asked_for_and_what_was_measured() -> None:
    lines = table(
        [
            Figure("throughput", 6.5, "x", at_least=7.0),
            Figure("memory", 576, " B", at_most=640),
            Figure("told only", 3),
        ]
    ).splitlines()

    assert [line.split() for line in lines[1:]] == [
        ["throughput", ">=", "7x", "6.5x", "MISSED"],
        ["memory", "<=", "640", "B", "576", "B", "pass"],
        ["told", "only", "3"],
    ]
