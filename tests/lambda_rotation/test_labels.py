"""Versions and labels that are not as a rotation leaves them: each step says so, or goes on."""

import pytest

from tests.lambda_rotation.model.secrets_manager import PENDING, PREVIOUS
from tests.lambda_rotation.model.world import RETIRE_AFTER, World
from tests.lambda_rotation.test_dangerous_cases import moved


@pytest.mark.plan("2.3")
def test_a_version_that_is_not_awspending_is_given_no_token() -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    world.secret.take_away(PENDING)
    before = set(world.tokens)
    assert "is not AWSPENDING" in str(world.step("createSecret", version))
    assert world.secret.holding("ROTATING") is None
    assert world.tokens == before


@pytest.mark.plan("2.3")
def test_testing_awscurrent_before_the_old_token_is_retired_tells_of_a_disagreement() -> None:
    world = World.rotated_before()
    version = moved(world)
    assert world.step("testSecret", version) is None
    world.token_is_changed_by_hand()
    assert "refuses AWSCURRENT" in str(world.step("testSecret", version))


@pytest.mark.plan("2.3")
def test_a_rotation_ends_although_awsprevious_was_removed_by_hand() -> None:
    world = World.rotated_before()
    moved(world)
    world.secret.take_away(PREVIOUS)
    world.pass_by(RETIRE_AFTER)
    assert world.let_go() > 0
    world.complete_one_more()
