"""The part within the VPC: the token's age, where its rotation stands, and a refused call."""

import json
from datetime import timedelta

import pytest

from health.desired import Inside
from health.inside import check, check_token
from shared.auth_token import AuthToken
from shared.group import Group
from shared.line import Line
from shared.secret import Secret
from shared.versions import CURRENT, PENDING, PREVIOUS, UNFINISHED_SINCE, Versions
from tests.lambda_health.world import NOW, SETTINGS
from tests.support import Answering, Refusing

pytestmark = pytest.mark.plan("2.4")

AT_REST = {CURRENT: "v1"}
UNDER_WAY = {CURRENT: "v1", PENDING: "v2"}
UNRETIRED = {CURRENT: "v2", PREVIOUS: "v1"}


def test_the_templates_variable_is_read_with_its_units() -> None:
    given = {"secret_arn": "arn", "group_id": "g", "replicas": 2, "cluster_mode": False}
    given |= {"oldest_token_days": 100, "retire_after_hours": 24, "late_hours": 6}
    assert Inside.read({"DESIRED": json.dumps(given)}) == SETTINGS


def test_a_token_that_is_too_old_is_found_where_no_login_can_be_tried() -> None:
    value = {"SecretString": "T" * 64, "CreatedDate": NOW - timedelta(days=101)}
    client = Answering(
        describe_secret={"VersionIdsToStages": {"v1": ["AWSCURRENT"]}}, get_secret_value=value
    )
    lines = list(check(SETTINGS, Secret(client, "arn"), Group(Refusing(), "g"), NOW))
    assert [(line.name, line.passed) for line in lines] == [
        ("token: age", False),
        ("token: state", True),
        ("login", False),
    ]


def test_a_token_that_cannot_be_read_fails_its_own_check_and_the_login() -> None:
    refusing = Refusing()
    lines = list(check(SETTINGS, Secret(refusing, "arn"), Group(refusing, "g"), NOW))
    assert [(line.name, line.passed) for line in lines] == [("token", False), ("login", False)]
    assert [line.section for line in lines] == ["health-token", "health-login"]
    assert all("AccessDenied" in line.found and "hush" not in line.found for line in lines)


def checked(
    labels: dict[str, str], tags: dict[str, str], *, age: timedelta = timedelta()
) -> list[Line]:
    token = AuthToken("T" * 64, NOW - age)
    lines = list(check_token(Versions(labels, tags), token, SETTINGS, NOW))
    assert "T" * 64 not in f"{lines}"
    return lines


@pytest.mark.parametrize(("seconds", "passed"), [(0, True), (1, False)])
def test_a_token_older_than_a_quarter_fails(seconds: int, passed: bool) -> None:
    age = timedelta(days=100, seconds=seconds)
    assert checked(AT_REST, {}, age=age)[0].passed is passed


@pytest.mark.parametrize(("seconds", "passed"), [(0, True), (1, False)])
@pytest.mark.parametrize("labels", [AT_REST, UNDER_WAY, UNRETIRED])
def test_what_is_unfinished_is_well_until_it_is_late(
    labels: dict[str, str], seconds: int, passed: bool
) -> None:
    begun = {UNFINISHED_SINCE: (NOW - timedelta(hours=6, seconds=seconds)).isoformat()}
    assert checked(labels, begun)[1].passed is passed


@pytest.mark.parametrize(
    ("labels", "moved", "words"),
    [
        (AT_REST, None, "one token, no rotation under way"),
        (UNRETIRED, 24, "one token, no rotation under way"),
        (UNRETIRED, 23, "the old token is to be retired"),
        (UNRETIRED, None, "the old token is to be retired"),
    ],
)
def test_an_old_token_that_clients_may_use_is_well(
    labels: dict[str, str], moved: int | None, words: str
) -> None:
    tags = Versions(labels, {}).since(NOW - timedelta(hours=moved)) if moved else {}
    (_, state) = checked(labels, tags)
    assert (state.passed, state.found) == (True, words)
