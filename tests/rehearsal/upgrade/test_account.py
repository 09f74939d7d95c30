"""What the proof accepts of the applications and of the deployment, without deploying anything."""

from dataclasses import replace

import pytest

from rehearsal.common.errors import RehearsalError
from rehearsal.upgrade.deciding import REQUESTS, USERS, spent_by
from rehearsal.upgrade.engine import Identity
from rehearsal.upgrade.steps import require_limits_kept

pytestmark = pytest.mark.plan("7.1")

BEFORE = Identity(
    resources={("data", "Key"): "key-1", ("data", "Group"): "vibewell-redis"},
    group={"ReplicationGroupCreateTime": 1, "MemberClusters": ["a", "b"]},
    token="the old one",  # noqa: S106 - no token
)


def left() -> dict[str, int]:
    return {str(user): REQUESTS - spent_by(user) for user in range(USERS)}


def test_limits_that_are_as_they_were_are_accepted() -> None:
    require_limits_kept(left())


@pytest.mark.parametrize("lost", [{"5": REQUESTS}, {"1": REQUESTS - 2}])
def test_a_limit_that_was_forgotten_or_counted_twice_is_not(lost: dict[str, int]) -> None:
    (user,) = lost
    with pytest.raises(RehearsalError, match=f"lost a limit: user {user} had"):
        require_limits_kept(left() | lost)


def test_what_is_new_beside_what_was_there_is_accepted() -> None:
    more = BEFORE.resources | {("data", "Topic"): "topic"}
    assert "2 resources" in BEFORE.require_same(replace(BEFORE, resources=more))


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ({"resources": BEFORE.resources | {("data", "Key"): "key-2"}}, "lost Key of data"),
        ({"resources": {("data", "Key"): "key-1"}}, "was vibewell-redis, now it is gone"),
        ({"group": BEFORE.group | {"ReplicationGroupCreateTime": 2}}, "replaced the group"),
        ({"token": "another"}, "changed the token"),
    ],
)
def test_what_was_replaced_lost_or_changed_is_not(after: dict[str, object], says: str) -> None:
    with pytest.raises(RehearsalError, match=says) as refusal:
        BEFORE.require_same(replace(BEFORE, **after))  # type: ignore[arg-type]
    assert "the old one" not in str(refusal.value)
    assert "another" not in str(refusal.value)
