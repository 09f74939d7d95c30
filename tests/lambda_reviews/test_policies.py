"""Who is a stranger in a policy, and who is one of ours."""

import json
from typing import Any

import pytest

from reviews.configuration.access import strangers

ACCOUNT = "111122223333"
ROOT_OF_ACCOUNT = f"arn:aws:iam::{ACCOUNT}:root"
OURS = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def found(principal: Any, condition: Any = None, **besides: Any) -> list[str]:
    statement = {"Effect": "Allow", "Action": "sns:Publish", "Condition": condition, **besides}
    return list(
        strangers(json.dumps({"Statement": [statement | {"Principal": principal}]}), ACCOUNT)
    )


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        ({"AWS": ROOT_OF_ACCOUNT}, None),
        ({"AWS": ACCOUNT}, None),
        ({"Service": "cloudwatch.amazonaws.com"}, OURS),
        ({"AWS": "*"}, {"StringEquals": {"aws:SourceOwner": ACCOUNT}}),
        ("*", OURS),
    ],
)
def test_our_own_are_no_strangers(principal: Any, condition: Any) -> None:
    assert found(principal, condition) == []


@pytest.mark.plan("7.3")
@pytest.mark.parametrize(
    ("principal", "condition", "who"),
    [
        ("*", None, "anybody"),
        ({"AWS": "*"}, None, "anybody"),
        ({"AWS": "*"}, {"StringEquals": {"aws:SourceOwner": "999988887777"}}, "anybody"),
        ({"AWS": "*"}, {"StringEquals": {"aws:SourceOwner": [ACCOUNT, "9"]}}, "anybody"),
        ({"AWS": "*"}, {"StringLike": {"aws:SourceOwner": "*"}}, "anybody"),
        ({"AWS": "*"}, {"Bool": {"aws:SecureTransport": "true"}}, "anybody"),
        ({"AWS": ["999988887777", ACCOUNT]}, None, "999988887777"),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/eve"}, None, "user/eve"),
        ({"Federated": "accounts.example.com"}, None, "accounts.example.com"),
        ({"Service": "cloudwatch.amazonaws.com"}, None, "for any account"),
        (None, None, "everybody but a few"),
    ],
)
def test_a_stranger_is_named(principal: Any, condition: Any, who: str) -> None:
    (words,) = found(principal, condition)
    assert who in words
    assert words.endswith("may sns:Publish")


def test_a_refusal_and_no_policy_let_nobody_in() -> None:
    assert found("*", Effect="Deny") == list(strangers(None, ACCOUNT)) == []
