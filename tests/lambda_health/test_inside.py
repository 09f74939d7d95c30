"""The part within the VPC asks for the token and for logins, each by itself."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from health.inside import check
from shared.group import Group
from shared.secret import Secret
from tests.lambda_health.test_token import SETTINGS
from tests.lambda_health.world import NOW


class Refusing:
    """A client that AWS refuses everything, with words that must not be repeated."""

    def __getattr__(self, operation: str) -> Any:
        def refuse(**_parameters: str) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "hush"}}, operation)

        return refuse


@pytest.mark.plan("2.4")
def test_a_token_that_cannot_be_read_fails_its_own_check_and_the_login() -> None:
    refusing = Refusing()
    lines = list(check(SETTINGS, Secret(refusing, "arn"), Group(refusing, "g"), NOW))
    assert [(line.name, line.passed) for line in lines] == [("token", False), ("login", False)]
    assert all("AccessDenied" in line.found and "hush" not in line.found for line in lines)
