"""Single cases: what a rotation that is not built for them would do wrong, and what must be done.

The world raises by itself when a client is locked out.
"""

from dataclasses import replace

import pytest

from shared.auth_token import AuthToken
from shared.group import Endpoint
from shared.login import Logins
from shared.versions import CURRENT_SINCE
from tests.lambda_rotation.actions import UNUSABLE, act
from tests.lambda_rotation.model.elasticache import Passwords, Promises
from tests.lambda_rotation.model.fake_aws import ServiceError
from tests.lambda_rotation.model.secrets_manager import CURRENT, PENDING, PREVIOUS
from tests.lambda_rotation.model.world import PASS, RETIRE_AFTER, STEPS, World

pytestmark = pytest.mark.plan("2.3")


@pytest.fixture
def world() -> World:
    return World.rotated_before()


def brought_in(world: World) -> str:
    """Every node takes the new token, and nobody has moved AWSCURRENT."""
    version = world.rotate_secret()
    world.steps(version)
    world.pass_by(PASS - 60)
    return version


def moved(world: World) -> str:
    """AWSCURRENT has moved, and the token before it is accepted too."""
    version = brought_in(world)
    world.steps(version)
    assert world.secret.labels[CURRENT] == version
    assert len(world.cache.user.tokens) == 2
    return version


def sent(world: World, passes: int = 1) -> int:
    """How often passwords are sent in so many passes."""
    done = 0
    for _ in range(passes):
        world.pass_by(PASS)
        world.reconcile()
        done += world.trace.count("modify_user")
    return done


def test_a_rotation_that_is_cancelled_by_removing_awspending_leaves_nothing(world: World) -> None:
    before = world.secret.value(CURRENT)
    brought_in(world)
    world.secret.take_away(PENDING)
    world.let_go()
    assert world.secret.value(CURRENT) == before
    assert world.cache.user.tokens == (before,)


@pytest.mark.parametrize("called", ["setSecret", "nothing"])
def test_a_rotation_that_secrets_manager_gave_up_is_finished(world: World, called: str) -> None:
    version = world.rotate_secret()
    if called == "setSecret":
        for step in STEPS[:2]:
            world.step(step, version)
    else:
        assert "Secrets Manager has the rotation in hand" in world.reconcile()
    world.let_go()
    assert world.secret.labels[CURRENT] == version


def test_a_second_rotation_waits_until_the_old_token_is_retired(world: World) -> None:
    moved(world)
    second = world.rotate_secret()
    assert "not retired" in str(world.step("createSecret", second))
    assert world.secret.value(PENDING) is None
    world.let_go()
    assert world.secret.labels[CURRENT] == second


def test_a_second_rotate_secret_at_once_is_refused(world: World) -> None:
    brought_in(world)
    with pytest.raises(ServiceError):
        world.rotate_secret()


@pytest.mark.parametrize("early", [True, False])
def test_awscurrent_does_not_move_before_every_node_takes_the_token(early: bool) -> None:
    world = World.rotated_before(Promises(active_before_nodes=early))
    world.takes(20 * 60)
    version = world.rotate_secret()
    for _ in range(25):
        assert world.secret.labels[CURRENT] != version or world.now > world.cache.active_from
        world.steps(version)
        world.live(60)
    assert world.secret.labels[CURRENT] == version


def test_awscurrent_does_not_move_while_the_user_is_being_changed(world: World) -> None:
    version = brought_in(world)
    world.foreign_change(Passwords((str(world.secret.value(CURRENT)),)))
    assert "the user is modifying" in str(world.step("finishSecret", version))
    world.let_go()


def test_a_step_out_of_order_moves_nothing(world: World) -> None:
    version = world.rotate_secret()
    assert "no token that the user" in str(world.step("finishSecret", version))
    world.step("createSecret", version)
    assert "refuse AWSPENDING's token" in str(world.step("finishSecret", version))
    world.secret.take_away(PENDING)
    for step in STEPS:
        assert "is not AWSPENDING" in str(world.step(step, version))


def test_a_crash_between_the_move_and_its_time_makes_retirement_later(world: World) -> None:
    version = brought_in(world)
    world.step("finishSecret", version, {13: act("the process killed")})
    assert world.secret.labels[CURRENT] == version
    world.pass_by(3 * RETIRE_AFTER)
    assert sent(world) == 0
    world.pass_by(RETIRE_AFTER - 2 * PASS - 60)
    assert sent(world, passes=2) == 1


def test_the_old_token_is_not_retired_while_a_client_may_cache_it(world: World) -> None:
    moved(world)
    since = world.now
    while len(world.cache.user.tokens) == 2:
        world.pass_by(60)
        world.reconcile()
    assert world.now - since >= RETIRE_AFTER


def test_a_rollback_by_hand_brings_the_old_token_back_and_counts_from_then(world: World) -> None:
    act("AWSCURRENT moved back")(world)
    assert sent(world) == 1
    assert set(world.cache.user.tokens) == {
        world.secret.value(CURRENT),
        world.secret.value(PREVIOUS),
    }
    world.let_go()
    world.complete_one_more()


def test_awsprevious_removed_by_hand_locks_nobody_out_that_caches_its_token(world: World) -> None:
    moved(world)
    world.secret.take_away(PREVIOUS)  # the world still asks for its token, as long as it is cached
    world.let_go()


def test_awspending_on_a_copy_of_awscurrent_is_removed_when_nobody_tests_it(world: World) -> None:
    copy = world.rotate_secret()
    world.secret.store(copy, str(world.secret.value(CURRENT)))
    assert "in hand" in world.reconcile()
    assert world.step("testSecret", copy) is None
    assert "no token" in str(world.step("finishSecret", copy))
    world.let_go()
    assert PENDING not in world.secret.labels


def test_a_token_that_aws_refuses_ends_the_rotation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise ServiceError("InvalidParameterCombination")

    version = world.rotate_secret()
    world.step("createSecret", version)
    monkeypatch.setattr(world.cache, "modify_user", refuse)
    assert "InvalidParameterCombination" in str(world.step("setSecret", version))
    assert PENDING not in world.secret.labels
    world.let_go()


def test_a_node_that_does_not_answer_is_no_difference_and_no_proof(world: World) -> None:
    version = brought_in(world)
    act("a failover")(world)
    for step in ("testSecret", "finishSecret"):
        assert "no answer from" in str(world.step(step, version))
    world.reconcile()
    assert "modify_user" not in world.trace
    assert world.states[-1].figures["RotationUnfinishedHours"] == 0
    world.let_go()


def test_a_node_that_is_late_is_given_its_time(world: World) -> None:
    act("a node that is late with the next change")(world)
    version = world.rotate_secret()
    world.steps(version)
    assert sent(world, passes=3) == 0
    assert sent(world, passes=2) == 1
    world.let_go()
    assert world.secret.labels[CURRENT] == version


def test_a_change_that_takes_longer_than_aws_says_is_let_finish() -> None:
    slow = Promises(active_before_nodes=True, change_replaces_the_one_under_way=True)
    world = World.rotated_before(slow)
    world.takes(40 * 60)  # the user is active after 8 minutes, the first node has it after 20
    world.complete_one_more()


@pytest.mark.parametrize("refused", ["InvalidReplicationGroupState", "InvalidUserState"])
def test_a_refusal_that_passes_is_waited_for(world: World, refused: str) -> None:
    if refused == "InvalidUserState":
        act("a second password by a person")(world)
    else:
        act("a snapshot")(world)
    version = world.rotate_secret()
    world.step("createSecret", version)
    assert refused in str(world.step("setSecret", version)) or "modifying" in str(world.raised[-1])
    world.let_go()
    assert world.secret.labels[CURRENT] == version


def test_labels_that_move_while_nodes_are_asked_are_what_counts(world: World) -> None:
    act("the user's passwords replaced by a person")(world)
    world.pass_by(PASS)
    world.reconcile({11: act("AWSCURRENT moved back")})
    assert set(world.cache.user.tokens) == {
        world.secret.value(CURRENT),
        world.secret.value(PREVIOUS),
    }
    assert len(world.cache.user.tokens) == 2


def test_a_value_of_awscurrent_that_is_no_password_changes_nothing(world: World) -> None:
    before = world.cache.user
    version = world.rotate_secret()
    world.secret.store(version, UNUSABLE)
    world.secret.move_current(version)
    world.reconcile()
    assert "cannot be a password" in world.states[-1].words
    assert world.states[-1].figures["TokenDisagreement"] == 1
    assert world.cache.user == before
    assert "none that the user is to have" in str(world.step("testSecret", version))


def test_secrets_manager_testing_a_deployment_is_answered_with_awscurrents_token(
    world: World,
) -> None:
    version = world.rotate_secret()
    assert world.step("testSecret", version) is None
    act("the user's passwords replaced by a person")(world)
    world.pass_by(200)
    assert "1 of 3 nodes refuse AWSCURRENT" in str(world.step("testSecret", version))
    world.secret.take_away(PENDING)


def test_few_logins_are_refused_while_all_is_as_it_should_be() -> None:
    world = World.rotated_before(shards=3)
    asked: list[int] = []
    try_tokens = world.tools.try_tokens

    def counted(node: Endpoint, tokens: list[AuthToken]) -> Logins:
        found = try_tokens(node, tokens)
        asked.append(list(found.taken.values()).count(False))
        return found

    world.tools = replace(world.tools, try_tokens=counted)
    for _ in range(20):
        asked.clear()
        sent(world)
        assert sum(asked) == world.tools.most_refused == 4


def test_where_nodes_are_too_many_for_one_pass_they_take_turns(world: World) -> None:
    world.seconds_a_call = 6  # a node has two calls, and 18 seconds go before the first
    seen = set()
    for _ in range(20):
        seen.add(world.reconcile())
        assert world.trace.count("describe_cache_clusters") == 2
        world.pass_by(PASS)
    assert seen == {f"waiting: no answer from g-00{number}" for number in (1, 2, 3)}


def test_a_first_rotation_needs_no_previous_version() -> None:
    world = World()
    assert CURRENT_SINCE not in world.secret.tags
    world.complete_one_more()


def test_the_world_that_was_put_together_is_as_a_rotation_leaves_it() -> None:
    made, rotated = World.rotated_before(), World()
    rotated.complete_one_more()
    rotated.clean_up(rotated.secret.labels[CURRENT])
    assert made.over
    assert rotated.over
    assert made.secret.tags.keys() == rotated.secret.tags.keys()
    assert made.secret.labels.keys() == rotated.secret.labels.keys()
