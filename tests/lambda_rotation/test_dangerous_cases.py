"""The cases in which a rotation that is not built for them locks clients out or never ends.

The world raises by itself when a client is locked out or a third token evicts one in use.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.versions import CURRENT_SINCE
from tests.lambda_rotation.model.elasticache import Unknowns
from tests.lambda_rotation.model.fake_aws import ServiceError
from tests.lambda_rotation.model.secrets_manager import CURRENT, PENDING, PREVIOUS
from tests.lambda_rotation.model.world import PASS, RETIRE_AFTER, Kill, World

KEEPS = Unknowns(rotating_a_present_token_evicts_the_other=False)


def accepted(world: World) -> set[str]:
    return set(world.group.nodes["primary"]) | set(world.group.nodes["reader"])


def value(world: World, label: str) -> str | None:
    holder = world.secret.holding(label)
    return world.secret.versions[holder].value if holder else None


def rotated_in(world: World) -> str:
    """ROTATE is done, and nobody has moved AWSCURRENT."""
    version = world.rotate_secret()
    world.steps(version)
    world.pass_by(PASS)
    return version


def moved(world: World) -> str:
    """AWSCURRENT has moved, and the token before it is accepted too."""
    version = rotated_in(world)
    world.steps(version)
    assert world.secret.holding(CURRENT) == version
    assert len(accepted(world)) == 2
    return version


def stopped_by(world: World, step: str, operation: Callable[[], bool], version: str) -> None:
    """Kill a step before the first call after which ``operation`` would be true."""
    for call in range(1, 20):
        assert world.step(step, version, Kill(call, "after")) == "killed"
        if operation():
            return
    raise AssertionError("the step did not do that")


def test_a_cancelled_rotation_is_resumed_with_the_same_token() -> None:
    world = World.rotated_before()
    rotated_in(world)
    brought_in = value(world, PENDING)
    world.secret.take_away(PENDING)
    version = world.rotate_secret()
    world.steps(version)
    assert value(world, CURRENT) == brought_in
    assert world.secret.holding(CURRENT) == version
    world.let_go()


def test_a_cancelled_rotation_is_finished_without_anybody_starting_another() -> None:
    world = World.rotated_before()
    version = rotated_in(world)
    world.secret.take_away(PENDING)
    world.let_go()
    assert world.secret.holding(CURRENT) == version


def test_many_cancelled_rotations_never_bring_a_third_token() -> None:
    world = World.rotated_before()
    tokens = set()
    for _ in range(6):
        rotated_in(world)
        tokens |= accepted(world)
        world.secret.take_away(PENDING)
    assert len(tokens) == 2


def test_a_second_rotation_in_a_row_waits_until_the_old_token_is_retired() -> None:
    world = World.rotated_before()
    world.service_cleans_up = True
    first = moved(world)
    second = world.rotate_secret()
    assert "not retired" in str(world.step("createSecret", second))
    assert world.secret.versions[second].value is None
    world.steps(second)
    assert world.secret.holding(CURRENT) == first
    world.let_go()
    assert world.secret.holding(CURRENT) == second


def test_a_second_rotate_secret_at_once_is_refused_and_changes_nothing() -> None:
    world = World.rotated_before()
    rotated_in(world)
    with pytest.raises(ServiceError):
        world.rotate_secret()
    world.let_go()


def test_a_crash_between_the_value_and_rotate_brings_the_same_token_in() -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    world.step("createSecret", version)
    stored = value(world, PENDING)
    world.secret.take_away(PENDING)
    world.steps(world.rotate_secret())
    world.let_go()
    assert world.secret.current == stored


def test_a_crash_right_after_rotate_leads_to_no_second_rotate() -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    world.step("createSecret", version)
    stopped_by(world, "setSecret", lambda: not world.group.settled, version)
    assert "modifying" in str(world.step("setSecret", version))
    world.pass_by(PASS)
    assert world.step("setSecret", version) is None
    assert world.group.settled
    world.let_go()


def test_awscurrent_does_not_move_before_every_node_takes_the_token() -> None:
    for reader_first in (True, False):
        world = World.rotated_before(Unknowns(reader_first=reader_first))
        version = world.rotate_secret()
        world.group.seconds = 20 * 60
        world.steps(version)
        for _ in range(30):
            world.pass_by(timedelta(minutes=1))
            world.steps(version)
        assert world.secret.holding(CURRENT) == version
        world.let_go()


def test_a_step_out_of_order_moves_nothing() -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    for step in ("finishSecret", "setSecret", "finishSecret"):
        assert world.step(step, version)
    world.step("createSecret", version)
    assert world.step("finishSecret", version)
    assert world.secret.holding(CURRENT) != version
    world.let_go()


def test_a_crash_between_the_move_and_its_time_makes_retirement_later() -> None:
    world = World.rotated_before()
    version = rotated_in(world)
    stopped_by(world, "finishSecret", lambda: world.secret.holding(CURRENT) == version, version)
    world.pass_by(3 * RETIRE_AFTER)
    assert "counted from now" in str(world.reconcile())
    assert "clients may use" in str(world.reconcile())
    world.let_go()


def test_a_crash_between_set_and_its_tag_sends_set_again_until_it_is_proven() -> None:
    for unknowns in (Unknowns(), KEEPS, Unknowns(set_needs_a_rotate_right_before=False)):
        world = World.rotated_before(unknowns)
        moved(world)
        world.pass_by(RETIRE_AFTER)
        for call in range(1, 20):
            assert world.reconcile(Kill(call, "after")) == "killed"
            if not world.group.settled:
                break
        assert world.group.token_status == "SETTING"  # noqa: S105 - a state
        world.let_go()


def test_a_set_that_came_to_nothing_is_sent_again() -> None:
    world = World.rotated_before()
    moved(world)
    world.pass_by(RETIRE_AFTER)
    world.group.come_to_nothing = 1
    assert "SET was sent" in str(world.reconcile())
    world.pass_by(PASS)
    assert len(accepted(world)) == 2
    assert "still accepted" in str(world.reconcile())
    world.let_go()


def test_a_set_that_is_always_refused_does_not_keep_the_group_busy() -> None:
    world = World.rotated_before()
    moved(world)
    world.pass_by(RETIRE_AFTER)
    changes = 0
    for _ in range(6 * 4):
        world.group.forget_what_was_rotated()
        world.reconcile()
        changes += not world.group.settled
        world.pass_by(PASS)
    assert 5 <= changes <= 7
    assert world.states[-1].metrics()["OldTokenUnretiredHours"] > 5


def test_the_old_token_is_not_retired_while_a_client_may_cache_it() -> None:
    world = World.rotated_before()
    moved(world)
    while "clients may use" in str(world.reconcile()):
        assert len(accepted(world)) == 2
        world.pass_by(timedelta(minutes=1))
    assert world.time.now - world.read[-1][0] >= RETIRE_AFTER
    world.let_go()


def test_a_rollback_by_hand_counts_the_time_of_the_old_token_anew() -> None:
    world = World.rotated_before()
    version = moved(world)
    world.pass_by(RETIRE_AFTER - PASS)
    previous = world.secret.holding(PREVIOUS)
    assert previous is not None
    world.secret.move_current(previous)
    world.check()
    world.pass_by(PASS)
    for call in range(1, 40):
        killed = world.reconcile(Kill(call, "after"))
        if world.secret.holding(CURRENT) == version:
            assert killed == "killed"
            break
    else:
        raise AssertionError("AWSCURRENT never moved again")
    world.let_go()


def test_awscurrent_moved_by_hand_long_after_an_interrupted_finish_starts_the_time() -> None:
    for call in range(1, 20):
        world = World.rotated_before()
        version = rotated_in(world)
        killed = world.step("finishSecret", version, Kill(call, "before"))
        if world.secret.holding(CURRENT) == version:
            break
        assert killed == "killed"
        world.pass_by(2 * RETIRE_AFTER)
        world.secret.move_current(version)
        world.check()
        world.let_go()
    assert 1 < call < 20, "it was interrupted before the move, and moves at last"


def test_our_label_and_awspending_removed_by_hand_after_rotate_bring_no_third_token() -> None:
    for unknowns in (Unknowns(), KEEPS):
        world = World.rotated_before(unknowns)
        rotated_in(world)
        for label in (PENDING, "ROTATING"):
            world.secret.take_away(label)
        version = world.rotate_secret()
        assert "removed by hand" in str(world.step("createSecret", version))
        world.let_go()
        assert world.secret.holding(CURRENT) == version


def test_our_label_and_tags_lost_before_retirement_bring_no_third_token() -> None:
    world = World.rotated_before()
    moved(world)
    world.secret.take_away(PENDING)
    world.secret.take_away("ROTATING")
    world.secret.tags.clear()
    version = world.rotate_secret()
    world.step("createSecret", version)
    assert "AWSPREVIOUS" in str(world.step("setSecret", version))
    assert world.secret.holding("ROTATING") == world.secret.holding(CURRENT)
    world.let_go()
    assert world.secret.holding(CURRENT) == version


def test_a_rotation_that_secrets_manager_gave_up_is_completed() -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    assert "in hand" in str(world.reconcile())
    assert world.secret.versions[version].value is None
    world.let_go()
    assert world.secret.holding(CURRENT) == version


def test_awspending_left_on_a_copy_of_awscurrent_is_removed() -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    world.secret.versions[version].value = world.secret.current
    assert "is removed" in str(world.reconcile())
    world.complete_one_more()


def test_a_version_with_a_value_of_its_own_waits_for_the_one_that_is_rotated_in() -> None:
    world = World.rotated_before()
    first = rotated_in(world)
    world.secret.take_away(PENDING)
    second = world.rotate_secret()
    world.secret.versions[second].value = "Other" * 12 + "1234"
    assert first in str(world.step("createSecret", second))
    world.let_go()
    assert world.secret.holding(CURRENT) == second


def test_a_deployment_between_rotations_that_sends_the_token_again_harms_nobody() -> None:
    for unknowns in (Unknowns(), KEEPS):
        world = World(unknowns)
        for _ in range(3):
            assert world.deployable
            world.rotate_again_by_cloudformation()
            world.complete_one_more()


def test_a_deployment_is_refused_from_the_first_step_to_the_last() -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    refused = [world.deployable]
    world.steps(version)
    for _ in range(20):
        world.pass_by(PASS)
        if not (world.group.settled and "is over" in str(world.reconcile())):
            refused.append(world.deployable)
        else:
            break
    assert len(refused) > 3
    assert not any(refused)
    assert world.deployable


def test_a_deployment_forced_through_before_the_move_is_recovered_from() -> None:
    for unknowns in (Unknowns(), KEEPS):
        world = World.rotated_before(unknowns)
        version = rotated_in(world)
        world.rotate_again_by_cloudformation()
        world.let_go()
        assert world.secret.holding(CURRENT) == version
        world.complete_one_more()


def test_a_deployment_forced_through_after_the_cache_and_before_set_is_recovered_from() -> None:
    for unknowns in (Unknowns(), KEEPS):
        world = World.rotated_before(unknowns)
        moved(world)
        world.pass_by(RETIRE_AFTER)
        world.rotate_again_by_cloudformation()
        world.let_go()
        world.complete_one_more()


def test_a_deployment_forced_through_after_set_is_recovered_from() -> None:
    world = World.rotated_before()
    moved(world)
    world.pass_by(RETIRE_AFTER)
    world.reconcile()
    world.pass_by(PASS)
    world.rotate_again_by_cloudformation()
    world.let_go()
    world.complete_one_more()


def test_a_rotation_goes_on_after_throttling_a_snapshot_a_failover_and_a_slow_change() -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    world.throttled = 3
    world.steps(version)
    world.group.occupy("snapshotting", 1800)
    world.steps(version)
    world.pass_by(2 * PASS)
    world.group.fail_over("primary", 600)
    world.steps(version)
    world.pass_by(PASS)
    world.group.seconds = 20 * 60
    world.steps(version)
    world.group.fail_over("reader", 600)
    world.let_go()
    assert world.secret.holding(CURRENT) == version


def test_a_disagreement_stops_everything_and_is_published() -> None:
    for start in (rotated_in, moved):
        world = World.rotated_before()
        version = start(world)
        world.pass_by(RETIRE_AFTER)
        world.token_is_changed_by_hand()
        labels = world.secret.describe_secret({})["VersionIdsToStages"]
        assert "refuses AWSCURRENT" in str(world.reconcile())
        assert world.states[-1].metrics()["TokenDisagreement"] == 1
        if start is rotated_in:
            assert "refuses AWSCURRENT" in str(world.step("setSecret", version))
        assert world.group.settled
        assert world.secret.describe_secret({})["VersionIdsToStages"] == labels


def test_a_reader_that_refuses_awscurrent_stops_the_retirement() -> None:
    world = World.rotated_before()
    moved(world)
    world.pass_by(RETIRE_AFTER)
    world.token_is_changed_by_hand()
    world.group.nodes["primary"] = (world.secret.current,)
    assert "reader endpoint refuses AWSCURRENT" in str(world.reconcile())
    assert world.group.settled


def test_silence_is_no_refusal() -> None:
    world = World.rotated_before()
    moved(world)
    world.pass_by(RETIRE_AFTER)
    world.group.fail_over("primary", 600)
    assert "cannot be connected to" in str(world.reconcile())
    assert "TokenDisagreement" not in world.states[-1].metrics()
    assert world.group.settled


def test_a_first_rotation_needs_no_previous_version() -> None:
    world = World()
    assert CURRENT_SINCE not in world.secret.tags
    world.complete_one_more()


def test_secrets_manager_testing_a_deployment_is_answered_with_awscurrents_token() -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    assert world.step("testSecret", version) is None
    world.token_is_changed_by_hand()
    assert "refuses AWSCURRENT" in str(world.step("testSecret", version))


def test_the_world_that_was_put_together_is_as_a_rotation_leaves_it() -> None:
    made, rotated = World.rotated_before(), World()
    rotated.complete_one_more()
    rotated.clean_up(str(rotated.secret.holding(CURRENT)))
    assert made.over
    assert rotated.over
    assert made.secret.tags.keys() == rotated.secret.tags.keys()
    assert _labels(made) == _labels(rotated)


def _labels(world: World) -> list[list[str]]:
    labels = world.secret.describe_secret({})["VersionIdsToStages"]
    return sorted(held for held in labels.values())
