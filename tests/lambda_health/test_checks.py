"""Each check on AWS's answers: what differs from the template fails in its line, and only there."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from environments.access import access_string
from health.cache import NOT_GIVEN, check_group, check_parameters
from health.inside import check, check_token
from health.monitoring import YOUNG, check_alarms, check_topics
from health.user import check_user, rights
from shared.auth_token import AuthToken
from shared.group import Group
from shared.line import Line
from shared.secret import Secret
from shared.versions import CURRENT, PENDING, PREVIOUS, UNFINISHED_SINCE, Versions
from tests.lambda_health.world import DESIRED, NOW, SETTINGS, alarm, cluster, group, healthy, user
from tests.support import Answering, Refusing

pytestmark = pytest.mark.plan("2.4")

BUSY = user(Status="modifying")
OLD = NOW - YOUNG - timedelta(seconds=1)
ASKED = access_string([])


def failed(**answers: Any) -> dict[str, str]:
    lines = check_group(healthy(**answers), DESIRED)
    return {line.name: line.found for line in lines if not line.passed}


@pytest.mark.parametrize(
    ("changes", "answers", "line"),
    [
        ({}, {}, None),
        ({"Status": "snapshotting"}, {}, None),
        ({"Status": "modifying"}, {"user": BUSY}, None),
        ({"Status": "modifying"}, {"user_group": {"Status": "modifying"}}, None),
        ({"Status": "modifying"}, {}, "Status"),
        ({"Status": "deleting"}, {"user": BUSY}, "Status"),
        ({"MemberClusters": ["g-001"]}, {}, "nodes"),
        ({"KmsKeyId": "arn:aws:kms:us-east-1:1:key/other"}, {}, "KmsKeyId"),
        ({"KmsKeyId": None}, {}, "KmsKeyId"),
        *(({name: "other"}, {}, name) for name in DESIRED.group),
    ],
)
def test_a_group_that_differs_in_one_thing_fails_in_that_line_and_a_busy_one_in_none(
    changes: dict[str, Any], answers: dict[str, Any], line: str | None
) -> None:
    found = failed(group=group(**changes), **answers)
    assert found.keys() == ({f"group: {line}"} if line else set())


def parameters(name: str, status: str = "in-sync") -> dict[str, str]:
    return {"CacheParameterGroupName": name, "ParameterApplyStatus": status}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "7.0.7") for name in DESIRED.node),
        ("CacheParameterGroup", parameters("default.redis6.x")),
        ("CacheParameterGroup", parameters("params", "pending-reboot")),
        ("CacheParameterGroup", {"ParameterApplyStatus": "in-sync"}),
    ],
)
def test_one_node_that_differs_is_named(name: str, value: Any) -> None:
    ((line, found),) = failed(nodes={"g-002": cluster(**{name: value})}).items()
    assert line == f"nodes: {name}"
    assert found.startswith("g-002: ")


@pytest.mark.parametrize("name", ["Status", "KmsKeyId", *DESIRED.group])
def test_what_aws_leaves_out_of_the_group_fails_in_its_own_line(name: str) -> None:
    without = {key: value for key, value in group().items() if key != name}
    assert failed(group=without) == {f"group: {name}": NOT_GIVEN}


@pytest.mark.parametrize("name", ["CacheParameterGroup", *DESIRED.node])
def test_what_aws_leaves_out_of_a_node_fails_in_its_own_line(name: str) -> None:
    without = {key: value for key, value in cluster().items() if key != name}
    assert failed(nodes={"g-002": without}) == {f"nodes: {name}": f"g-002: {NOT_GIVEN}"}


def test_a_group_without_nodes_passes_in_none_of_their_lines() -> None:
    found = failed(group=group(MemberClusters=[]))
    assert (found["group: nodes"], found["nodes: Engine"]) == ("0", "no node")


@pytest.mark.parametrize("value", [{"ParameterValue": "600"}, {}])
def test_a_parameter_is_compared_on_whichever_page_and_fails_where_it_is_on_none(
    value: dict[str, str],
) -> None:
    assert [line.passed for line in check_parameters(healthy(), DESIRED)] == [True]
    (line,) = check_parameters(healthy(timeout=value), DESIRED)
    found = str(value.get("ParameterValue"))
    assert (line.passed, line.name, line.found) == (False, "parameter timeout", found)
    desired = dataclasses.replace(DESIRED, parameters={"unheard-of": "1"})
    assert [line.passed for line in check_parameters(healthy(), desired)] == [False]


@pytest.mark.plan("2.3", "6.2")
@pytest.mark.parametrize(
    ("answers", "lines"),
    [
        ({}, ()),
        ({"user": BUSY}, ()),
        ({"user": user(Authentication={"Type": "password", "PasswordCount": 2})}, ()),
        ({"user_group": {"Status": "modifying"}}, ()),
        ({"user": user(Status="deleting")}, ("user: Status",)),
        ({"user": user(Authentication={"Type": "password"})}, ("user: PasswordCount",)),
        (
            {"user": user(Authentication={"Type": "no-password"})},
            ("user: Authentication", "user: PasswordCount"),
        ),
        ({"user": user(AccessString="on ~* &* +@all")}, ("user: AccessString",)),
        ({"user_group": {"Status": "deleting"}}, ("user group: Status",)),
        ({"user_group": {"UserIds": ["default"]}}, ("user group: UserIds",)),
        ({"user_group": {"UserIds": ["g-default", "other"]}}, ("user group: UserIds",)),
    ],
)
def test_a_user_that_differs_in_one_thing_fails_in_that_line(
    answers: dict[str, Any], lines: tuple[str, ...]
) -> None:
    found = check_user(healthy(**answers), DESIRED)
    assert tuple(line.name for line in found if not line.passed) == lines


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        (ASKED, True),
        (ASKED.upper().replace("~*", "allkeys"), True),
        ("on ~* &* -@all +@all -@admin -@dangerous +cluster +client +info", True),
        *((f"{ASKED} {more}", False) for more in ("+keys", "-client", "-get", "+@admin")),
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


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"StateValue": "INSUFFICIENT_DATA", "StateUpdatedTimestamp": OLD}, "has no data since"),
        ({"ActionsEnabled": False}, "is disabled"),
        ({"AlarmActions": []}, "has no action"),
        ({"StateValue": "INSUFFICIENT_DATA", "StateUpdatedTimestamp": NOW - YOUNG}, None),
        ({"StateValue": "ALARM", "StateUpdatedTimestamp": OLD}, None),
        ({"StateValue": None, "StateUpdatedTimestamp": None}, "has no data"),  # AWS tells neither
    ],
)
def test_an_alarm_without_data_or_action_is_named_and_a_new_one_passes(
    changes: dict[str, Any], why: str | None
) -> None:
    alarms = [alarm("p-memory-warning-part-1"), alarm("p-memory-warning-part-2", **changes)]
    (line,) = check_alarms(healthy(alarms=alarms), DESIRED, NOW)
    assert line.passed is (why is None)
    expected = "2 there" if why is None else f"2 there; p-memory-warning-part-2 {why}"
    assert line.found.startswith(expected)


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


# --- Within the VPC ------------------------------------------------------------------------------

AT_REST = {CURRENT: "v1"}
UNDER_WAY = {CURRENT: "v1", PENDING: "v2"}
UNRETIRED = {CURRENT: "v2", PREVIOUS: "v1"}


def test_a_token_that_is_too_old_is_found_where_no_login_can_be_tried() -> None:
    value = {"SecretString": "T" * 64, "CreatedDate": NOW - timedelta(days=101)}
    stages = {"VersionIdsToStages": {"v1": ["AWSCURRENT"]}}
    client = Answering(describe_secret=stages, get_secret_value=value)
    lines = check(SETTINGS, Secret(client, "arn"), Group(Refusing(), "g"), NOW)
    expected = [("token: age", False), ("token: state", True), ("login", False)]
    assert [(line.name, line.passed) for line in lines] == expected


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
@pytest.mark.parametrize("labels", [AT_REST, UNDER_WAY, UNRETIRED])
def test_what_is_old_or_unfinished_passes_until_it_is_late(
    labels: dict[str, str], seconds: int, passed: bool
) -> None:
    begun = {UNFINISHED_SINCE: (NOW - timedelta(hours=6, seconds=seconds)).isoformat()}
    lines = checked(labels, begun, age=timedelta(days=100, seconds=seconds))
    assert [line.passed for line in lines] == [passed, passed]


@pytest.mark.parametrize(
    ("labels", "moved", "words"),
    [
        (AT_REST, None, "one token, no rotation under way"),
        (UNRETIRED, 24, "one token, no rotation under way"),
        (UNRETIRED, 23, "the old token is to be retired"),
        (UNRETIRED, None, "the old token is to be retired"),
    ],
)
def test_an_old_token_that_clients_may_use_passes(
    labels: dict[str, str], moved: int | None, words: str
) -> None:
    tags = Versions(labels, {}).since(NOW - timedelta(hours=moved)) if moved else {}
    (_, state) = checked(labels, tags)
    assert (state.passed, state.found) == (True, words)
