"""The token's age and where its rotation stands."""

from datetime import timedelta

import pytest

from health.desired import Inside
from health.inside import check_token
from shared.auth_token import AuthToken
from shared.line import Line
from shared.versions import CURRENT, PENDING, PREVIOUS, UNFINISHED_SINCE, Versions
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
UNDER_WAY = {CURRENT: "v1", PENDING: "v2"}
UNRETIRED = {CURRENT: "v2", PREVIOUS: "v1"}


def checked(labels: dict[str, str], tags: dict[str, str], *, created_days: float = 1) -> list[Line]:
    token = AuthToken("T" * 64, NOW - timedelta(days=created_days))
    lines = list(check_token(Versions(labels, tags), token, SETTINGS, NOW))
    assert "T" * 64 not in f"{lines}"
    return lines


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(("days", "passed"), [(99.9, True), (100.1, False)])
def test_a_token_older_than_a_quarter_fails(days: float, passed: bool) -> None:
    assert checked(AT_REST, {}, created_days=days)[0].passed is passed


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(("hours", "passed"), [(5.9, True), (6.1, False)])
@pytest.mark.parametrize("labels", [AT_REST, UNDER_WAY, UNRETIRED])
def test_what_is_unfinished_is_well_until_it_is_late(
    labels: dict[str, str], hours: float, passed: bool
) -> None:
    begun = {UNFINISHED_SINCE: (NOW - timedelta(hours=hours)).isoformat()}
    assert checked(labels, begun)[1].passed is passed


@pytest.mark.parametrize("known", [True, False])
def test_an_old_token_that_clients_may_use_is_well(known: bool) -> None:
    moved = Versions(UNRETIRED, {}).since(NOW - timedelta(hours=23)) if known else {}
    (_, state) = checked(UNRETIRED, moved)
    assert state.passed
    assert state.found == "the old token is to be retired"


def test_a_quiet_state_is_said_to_be_one() -> None:
    retired = Versions(UNRETIRED, {}).since(NOW - timedelta(hours=24))
    for labels, tags in ((AT_REST, {}), (UNRETIRED, retired)):
        (_, state) = checked(labels, tags)
        assert state.passed
        assert state.found == "one token, no rotation under way"
