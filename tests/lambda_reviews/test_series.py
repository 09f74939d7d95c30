"""CloudWatch is asked about every node; no data and a refusal are different."""

from datetime import UTC, datetime

import pytest

from reviews.series import UnreadableMetricError, ever, nodes, of_node, read
from tests.lambda_reviews.world import CloudWatch, elasticache, hours

pytestmark = pytest.mark.plan("7.2")

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)


def test_all_pages_of_all_series_are_read() -> None:
    cloudwatch = CloudWatch(page=7)
    for node in ("g-001", "g-002"):
        cloudwatch.series["M", node] = {at: float(at.hour) for at in hours(START, END)}
    one, two = of_node("M", "g-001", "Maximum"), of_node("M", "g-002", "Maximum")
    found = read(cloudwatch, [one, two], START, END, 3600)
    assert found[one] == found[two] == {at: float(at.hour) for at in hours(START, END)}


def test_more_series_than_one_call_takes_are_read_in_several() -> None:
    cloudwatch = CloudWatch()
    asked = [of_node("M", f"g-{number:03}", "Maximum") for number in range(1, 602)]
    cloudwatch.series["M", "g-601"] = {START: 3.0}
    assert read(cloudwatch, asked, START, END, 3600)[asked[-1]] == {START: 3.0}


def test_a_series_that_never_was_is_empty_and_one_that_cannot_be_read_is_no_zero() -> None:
    cloudwatch = CloudWatch()
    asked = of_node("M", "g-001", "Maximum")
    assert read(cloudwatch, [asked], START, END, 3600) == {asked: {}}
    cloudwatch.status["M"] = "InternalError"
    with pytest.raises(UnreadableMetricError, match="could not read M: InternalError"):
        read(cloudwatch, [asked], START, END, 3600)


def test_nodes_that_are_gone_are_asked_for_too() -> None:
    assert nodes(elasticache("g-002", "g-004"), "g") == ["g-001", "g-002", "g-003", "g-004"]
    assert list(ever(["g-0001-002", "g-0002-001"])) == ["g-0001-001", "g-0001-002", "g-0002-001"]
