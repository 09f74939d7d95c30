"""Alarms that can speak, and topics that are heard: each fault, and none."""

from datetime import timedelta
from typing import Any

import pytest

from health.monitoring import YOUNG, check_alarms, check_topics
from tests.lambda_health.world import DESIRED, NOW, alarm, healthy

pytestmark = pytest.mark.plan("2.4")

OLD = NOW - YOUNG - timedelta(seconds=1)


def test_alarms_on_a_later_page_are_counted() -> None:
    (line,) = check_alarms(healthy(), DESIRED, NOW)
    assert line.passed
    assert line.found == "2 there"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"StateValue": "INSUFFICIENT_DATA", "StateUpdatedTimestamp": OLD}, "has no data since"),
        ({"ActionsEnabled": False}, "is disabled"),
        ({"AlarmActions": []}, "has no action"),
        ({"StateValue": "INSUFFICIENT_DATA", "StateUpdatedTimestamp": NOW - YOUNG}, None),
        ({"StateValue": "ALARM", "StateUpdatedTimestamp": OLD}, None),
        ({"StateValue": None, "StateUpdatedTimestamp": None}, "has no data"),  # AWS tells neither
    ],
)
def test_an_alarm_that_cannot_speak_is_named_and_one_that_is_new_or_speaks_is_well(
    changes: dict[str, Any], why: str | None
) -> None:
    alarms = [alarm("p-memory-warning-part-1"), alarm("p-memory-warning-part-2", **changes)]
    (line,) = check_alarms(healthy(alarms=alarms), DESIRED, NOW)
    assert line.passed is (why is None)
    assert why is None or f"p-memory-warning-part-2 {why}" in line.found


@pytest.mark.parametrize(
    "names",
    [
        ["p-memory-warning"],
        ["p-memory-warning", "p-memory-warning-by-hand"],
        ["p-memory-warning-part-1", "p-memory-warning-part-2", "p-memory-warning-part-3"],
    ],
)
def test_too_few_or_too_many_alarms_fail(names: list[str]) -> None:
    (line,) = check_alarms(healthy(alarms=[alarm(name) for name in names]), DESIRED, NOW)
    assert not line.passed


@pytest.mark.parametrize(
    ("arns", "passed"),
    [
        (["arn:a", "arn:b"], True),
        (["arn:a", "arn:b", "arn:c"], True),
        (["arn:a"], False),
        ([""], False),
        (["arn:a", "PendingConfirmation"], False),
        (["arn:a", "arn:b", "PendingConfirmation"], False),
    ],
)
def test_a_topic_has_its_subscribers_and_all_have_confirmed(arns: list[str], passed: bool) -> None:
    (line,) = check_topics(healthy(subscriptions=arns), DESIRED)
    assert line.passed is passed
    assert "a-secret" not in f"{line}"
