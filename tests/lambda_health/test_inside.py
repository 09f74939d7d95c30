"""The part within the VPC asks for the token and for logins, each by itself."""

from datetime import timedelta
from typing import Any

import pytest

from health.inside import check
from shared.group import Group
from shared.secret import Secret
from tests.lambda_health.test_token import SETTINGS
from tests.lambda_health.world import NOW
from tests.support import Refusing


class Secrets:
    """A client of Secrets Manager with one version, which was never rotated."""

    def describe_secret(self, **_: str) -> dict[str, Any]:
        return {"VersionIdsToStages": {"v1": ["AWSCURRENT"]}}

    def get_secret_value(self, **asked: str) -> dict[str, Any]:
        assert asked["VersionId"] == "v1"
        return {"SecretString": "T" * 64, "CreatedDate": NOW - timedelta(days=101)}


@pytest.mark.plan("2.4")
def test_a_token_that_is_too_old_is_found_where_no_login_can_be_tried() -> None:
    lines = list(check(SETTINGS, Secret(Secrets(), "arn"), Group(Refusing(), "g"), NOW))
    assert [(line.name, line.passed) for line in lines] == [
        ("token: age", False),
        ("token: state", True),
        ("login", False),
    ]


@pytest.mark.plan("2.4")
def test_a_token_that_cannot_be_read_fails_its_own_check_and_the_login() -> None:
    refusing = Refusing()
    lines = list(check(SETTINGS, Secret(refusing, "arn"), Group(refusing, "g"), NOW))
    assert [(line.name, line.passed) for line in lines] == [("token", False), ("login", False)]
    assert all("AccessDenied" in line.found and "hush" not in line.found for line in lines)
