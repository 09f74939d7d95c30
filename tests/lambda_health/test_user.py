"""The user that clients log in as: what differs from what was asked for, by meaning."""

from typing import Any

import pytest

from environments.access import access_string
from health.user import check_user, rights
from tests.lambda_health.world import DESIRED, healthy, user

ASKED = access_string([])


def failed(**answers: Any) -> set[str]:
    return {line.name for line in check_user(healthy(**answers), DESIRED) if not line.passed}


@pytest.mark.plan("2.3")
@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ({}, None),
        ({"user": user(Status="modifying")}, None),
        ({"user": user(Authentication={"Type": "password", "PasswordCount": 2})}, None),
        ({"user_group": {"Status": "modifying"}}, None),
        ({"user": user(Status="deleting")}, "user: Status"),
        ({"user": user(Authentication={"Type": "password"})}, "user: PasswordCount"),
        ({"user": user(AccessString="on ~* &* +@all")}, "user: AccessString"),
        ({"user_group": {"Status": "deleting"}}, "user group: Status"),
        ({"user_group": {"UserIds": ["default"]}}, "user group: UserIds"),
        ({"user_group": {"UserIds": ["g-default", "other"]}}, "user group: UserIds"),
    ],
)
def test_a_user_that_differs_in_one_thing_fails_in_that_line(
    answers: dict[str, Any], line: str | None
) -> None:
    assert failed(**answers) == ({line} if line else set())


@pytest.mark.plan("2.3", "6.2")
def test_a_user_without_a_password_fails() -> None:
    opened = user(Authentication={"Type": "no-password"})
    assert failed(user=opened) == {"user: Authentication", "user: PasswordCount"}


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        (ASKED, True),
        (ASKED.upper().replace("~*", "allkeys"), True),
        ("on ~* &* -@all +@all -@admin -@dangerous +cluster +client +info", True),
        (f"{ASKED} +keys", False),
        (f"{ASKED} -client", False),
        (f"{ASKED} -get", False),
        (f"{ASKED} +@admin", False),
        (f"{ASKED} +config|get", False),
        (ASKED.replace("on ", "off "), False),
        (ASKED.replace("on ", ""), False),
        (ASKED.replace("~*", "~app:*"), False),
        (f"{ASKED} resetchannels", False),
        ("", False),
    ],
)
def test_rights_are_compared_by_what_they_mean(shown: str, same: bool) -> None:
    assert (rights(shown) == rights(ASKED)) is same
