"""The token's age and where its rotation stands."""

from datetime import timedelta

import pytest

from health.desired import Inside
from health.token import check_token
from shared.auth_token import AuthToken
from shared.line import Line
from shared.versions import (
    CURRENT,
    CURRENT_SINCE,
    PENDING,
    ROTATING,
    UNFINISHED_SINCE,
    Versions,
    accepted,
    since,
)
from tests.lambda_health.world import NOW

SETTINGS = Inside(
    secret_arn="arn",  # noqa: S106 - the name of a secret
    group_id="g",
    replicas=2,
    cluster_mode=False,
    oldest_token=timedelta(days=100),
    retire_after=timedelta(hours=24),
    late=timedelta(hours=6),
)
AT_REST = {CURRENT: "v1"}
UNDER_WAY = {CURRENT: "v1", PENDING: "v2", ROTATING: "v2"}
UNRETIRED = {CURRENT: "v2", ROTATING: "v2"}


def checked(labels: dict[str, str], tags: dict[str, str], *, created_days: float = 1) -> list[Line]:
    token = AuthToken("T" * 64, NOW - timedelta(days=created_days))
    lines = list(check_token(Versions(labels, tags), token, SETTINGS, NOW))
    assert "T" * 64 not in f"{lines}"
    return lines


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(("days", "passed"), [(99.9, True), (100.1, False)])
def test_a_token_older_than_a_quarter_fails(days: float, passed: bool) -> None:
    assert checked(AT_REST, {}, created_days=days)[0].passed is passed


def test_its_age_counts_from_when_clients_got_it() -> None:
    moved = since("v1", NOW - timedelta(days=101))
    assert not checked(AT_REST, moved, created_days=1)[0].passed


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(("hours", "passed"), [(5.9, True), (6.1, False)])
def test_an_unfinished_rotation_is_well_until_it_is_late(hours: float, passed: bool) -> None:
    begun = {UNFINISHED_SINCE: (NOW - timedelta(hours=hours)).isoformat()}
    assert checked(UNDER_WAY, begun)[1].passed is passed


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(("hours", "passed"), [(1, True), (29.9, True), (30.1, False)])
def test_an_old_token_is_well_until_its_retirement_is_late(hours: float, passed: bool) -> None:
    moved = {CURRENT_SINCE: f"v2 {(NOW - timedelta(hours=hours)).isoformat()}"}
    assert checked(UNRETIRED, moved)[1].passed is passed


def test_an_old_token_is_not_late_before_anybody_wrote_down_since_when() -> None:
    (_, state) = checked(UNRETIRED, {})
    assert state.passed
    assert state.found == "the old token is to be retired"


def test_a_quiet_state_is_said_to_be_one() -> None:
    (_, state) = checked(AT_REST, accepted("one", "v1", NOW))
    assert state.passed
    assert state.found == "one token, no rotation under way"
