"""What reaches Slack and PagerDuty, and what never would."""

import json
from typing import Any

import pytest

from emulator.aws.inbox import alarm_problem, custom_problem

CUSTOM = {"version": "1.0", "source": "custom", "content": {"description": "the token is new"}}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": "2.0"}, "version"),
        ({"source": "ours"}, "source"),
        ({"content": {"title": "no description"}}, "description"),
        ({"content": {"description": "x", "textType": "html"}}, "client-markdown"),
        ({"content": {"description": "x", "picture": "https://…"}}, "picture"),
        ({"content": {"description": "x", "nextSteps": "one"}}, "nextSteps"),
        ({"metadata": {"threadId": 7}}, "threadId"),
        ({"severity": "high"}, "severity"),
    ],
)
def test_a_custom_notification_of_another_shape_is_never_shown(
    change: dict[str, Any], problem: str
) -> None:
    assert custom_problem(json.dumps(CUSTOM)) is None
    assert problem in str(custom_problem(json.dumps(CUSTOM | change)))


def test_only_an_alarm_message_has_the_fields_of_one() -> None:
    assert alarm_problem("down") == "it is not JSON"
    assert "NewStateValue" in str(alarm_problem('{"AlarmName": "a"}'))
