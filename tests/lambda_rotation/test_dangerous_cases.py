"""Single cases that the searches do not tell apart: what is done, published, and for how long.

The world raises by itself when a client is locked out.
"""

from dataclasses import replace

import pytest

from shared.auth_token import AuthToken
from shared.errors import DisagreementError
from shared.group import Endpoint
from shared.login import Logins
from tests.lambda_rotation.actions import FOREIGN, UNUSABLE, act
from tests.lambda_rotation.model.fake_aws import ServiceError
from tests.lambda_rotation.model.services import CURRENT, PENDING, PREVIOUS, Passwords, Promises
from tests.lambda_rotation.model.world import PASS, RETIRE_AFTER, STEPS, World

HOUR, DAY = 3600, 24 * 3600


def figures(world: World) -> dict[str, float]:
    world.reconcile()
    return world.states[-1].figures


@pytest.fixture
def world() -> World:
    return World.rotated_before()


def test_a_quiet_state_is_all_zero_but_for_the_age(world: World) -> None:
    world.pass_by(90 * DAY)
    assert figures(world) == {
        "RotationUnfinishedHours": 0,
        "OldTokenUnretiredHours": 0,
        "TokenAgeDays": pytest.approx(90, abs=0.1),
        "TokenDisagreement": 0,
        "LoginWithoutPassword": 0,
    }


def test_what_is_unfinished_grows_older_from_when_it_was_first_seen(world: World) -> None:
    world.step("createSecret", world.rotate_secret())
    world.cache.busy_until = 100 * HOUR
    assert figures(world)["RotationUnfinishedHours"] == 0
    world.pass_by(5 * HOUR)
    world.secret.take_away(PENDING)  # cancelled and begun again, it grows no younger
    world.step("createSecret", world.rotate_secret())
    assert figures(world)["RotationUnfinishedHours"] == pytest.approx(5, abs=0.1)
    world.cache.busy_until = 0
    world.let_go()
    assert figures(world)["RotationUnfinishedHours"] == 0


def test_the_old_token_is_unretired_only_beyond_its_time(world: World) -> None:
    moved(world)
    assert figures(world)["OldTokenUnretiredHours"] == 0
    world.cache.busy_until = 100 * HOUR
    world.pass_by(RETIRE_AFTER + 5 * HOUR)
    assert figures(world)["OldTokenUnretiredHours"] == pytest.approx(5.2, abs=0.2)


def test_waiting_for_the_retirement_before_is_no_unfinished_rotation(world: World) -> None:
    moved(world)
    world.rotate_secret()
    world.pass_by(PASS)
    assert figures(world)["RotationUnfinishedHours"] == 0


@pytest.mark.parametrize("takes_tokens", [True, False])
def test_a_user_without_a_password_is_published_at_once_and_closed(takes_tokens: bool) -> None:
    world = World.rotated_before(Promises(open_takes_tokens=takes_tokens))
    act("no password required")(world)
    assert figures(world)["LoginWithoutPassword"] == 1  # what AWS says, before a node has it
    world.pass_by(PASS)
    assert figures(world)["LoginWithoutPassword"] == 1
    assert world.cache.user.open is False
    world.pass_by(PASS)
    assert figures(world)["LoginWithoutPassword"] == 0


def test_what_no_node_answers_is_not_published(world: World) -> None:
    moved(world)
    for name, node in world.cache.nodes.items():
        world.cache.nodes[name] = replace(node, silent_until=world.now + PASS)
    found = figures(world)
    assert found.keys().isdisjoint({"TokenDisagreement", "LoginWithoutPassword"})


def test_times_that_cannot_be_written_down_are_not_published_as_new(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise ServiceError("AccessDeniedException")

    moved(world)
    world.secret.tags.clear()
    monkeypatch.setattr(world.secret, "tag_resource", refuse)
    world.pass_by(RETIRE_AFTER + 30 * HOUR)
    found = figures(world)
    assert "AWS refused TagResource" in world.states[-1].words
    # rotation-unfinished takes missing data for a breach; 0 hours would silence it.
    assert "RotationUnfinishedHours" not in found
    assert found["OldTokenUnretiredHours"] == pytest.approx(30, abs=1)


NAMELESS = {"ReplicationGroups": [{"ConfigurationEndpoint": {"Address": "c", "Port": 1}}]}


@pytest.mark.parametrize(
    ("operation", "wrong", "words"),
    [
        ("describe_secret", {"Tags": [{"Value": "only"}]}, "stopped: KeyError"),
        ("describe_users", {"Users": [{"Status": "active"}]}, "stopped: KeyError"),
        ("describe_replication_groups", {"ReplicationGroups": []}, "stopped: IndexError"),
        ("describe_replication_groups", NAMELESS, "waiting: AWS names no node of the group"),
        ("describe_cache_clusters", None, "stopped: TypeError"),
    ],
)
def test_an_answer_that_cannot_be_read_ends_as_one_line_and_ages(
    world: World, monkeypatch: pytest.MonkeyPatch, operation: str, wrong: object, words: str
) -> None:
    service = world.secret if operation == "describe_secret" else world.cache
    monkeypatch.setattr(service, operation, lambda _: wrong)
    for hours in (0, 7):
        world.pass_by(hours * HOUR)
        assert world.reconcile({99: act("a snapshot")}) == words
        found = world.states[-1].figures.get("RotationUnfinishedHours")
        # Without labels and tags nothing is published, which the alarm takes for a breach.
        assert found == (None if service is world.secret else pytest.approx(hours, abs=0.1))


pytestmark = pytest.mark.plan("2.3")


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


@pytest.mark.parametrize("called", [0, 2])
def test_a_rotation_that_secrets_manager_gave_up_is_finished(world: World, called: int) -> None:
    version = world.rotate_secret()
    for step in STEPS[:called]:
        world.step(step, version)
    assert ("has the rotation in hand" in world.reconcile()) == (called == 0)
    world.let_go()
    assert world.secret.labels[CURRENT] == version


def test_a_second_rotation_waits_until_the_old_token_is_retired(world: World) -> None:
    moved(world)
    second = world.rotate_secret()
    assert "not retired" in str(world.step("createSecret", second))
    assert world.secret.value(PENDING) is None
    with pytest.raises(ServiceError):
        world.rotate_secret()
    world.let_go()
    assert world.secret.labels[CURRENT] == second


def test_awscurrent_does_not_move_while_the_user_is_being_changed(world: World) -> None:
    version = brought_in(world)
    world.foreign_change(Passwords((str(world.secret.value(CURRENT)),)))
    assert "the user is modifying" in str(world.step("finishSecret", version))


def test_a_step_out_of_order_moves_nothing(world: World) -> None:
    version = world.rotate_secret()
    assert "no token that the user" in str(world.step("finishSecret", version))
    world.step("createSecret", version)
    assert "refuse AWSPENDING's token" in str(world.step("finishSecret", version))
    world.secret.take_away(PENDING)
    for step in STEPS:
        assert "is not AWSPENDING" in str(world.step(step, version))


def test_awspending_on_a_copy_of_awscurrent_is_removed_when_nobody_tests_it(world: World) -> None:
    copy = world.rotate_secret()
    world.secret.store(copy, str(world.secret.value(CURRENT)))
    assert "in hand" in world.reconcile()
    assert world.step("testSecret", copy) is None
    assert "no token" in str(world.step("finishSecret", copy))
    world.let_go()
    assert PENDING not in world.secret.labels


@pytest.mark.parametrize("before", ["never", "once"])
def test_a_token_that_aws_refuses_ends_the_rotation_if_it_never_took_it(
    world: World, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    def refuse(_: object) -> None:
        raise ServiceError("InvalidParameterCombination")

    version = world.rotate_secret()
    world.steps(version) if before == "once" else world.step("createSecret", version)
    for happens in (lambda _: None, act("AWSCURRENT's token alone sent by CloudFormation")):
        happens(world)
        world.pass_by(PASS)
    monkeypatch.setattr(world.cache, "modify_user", refuse)
    assert "InvalidParameterCombination" in str(world.step("setSecret", version))
    assert (PENDING in world.secret.labels) == (before == "once")


def test_a_node_that_is_late_is_given_its_time(world: World) -> None:
    act("a node that is late with the next change")(world)
    world.steps(world.rotate_secret())
    assert sent(world, passes=3) == 0
    assert sent(world, passes=2) == 1
    world.let_go()


def test_a_change_that_takes_longer_than_aws_says_and_that_each_call_restarts_ends() -> None:
    slow = Promises(active_before_nodes=True, change_replaces_the_one_under_way=True)
    world = World.rotated_before(slow)
    world.takes(40 * 60)  # the user is active after 8 minutes, the first node has it after 20
    world.complete_one_more()
    world = World(slow, quick=True)
    world.takes(40 * 60)
    world.step("createSecret", world.rotate_secret())
    world.foreign_change(Passwords((FOREIGN,)))
    world.live(3 * HOUR)
    assert world.over


def test_labels_that_move_while_nodes_are_asked_are_what_counts(world: World) -> None:
    act("the user's passwords replaced by a person")(world)
    world.pass_by(PASS)
    world.reconcile({11: act("AWSCURRENT moved back")})
    expected = {world.secret.value(CURRENT), world.secret.value(PREVIOUS)}
    assert set(world.cache.user.tokens) == expected


def test_a_value_of_awscurrent_that_is_no_password_changes_nothing(world: World) -> None:
    before, version = world.cache.user, world.rotate_secret()
    world.secret.store(version, UNUSABLE)
    world.secret.move_current(version)
    assert "cannot be a password" in world.reconcile()
    assert world.states[-1].figures["TokenDisagreement"] == 1
    assert world.cache.user == before
    assert "none that the user is to have" in str(world.step("testSecret", version))
    assert isinstance(world.raised[-1], DisagreementError)


def test_secrets_manager_testing_a_deployment_is_answered_with_awscurrents_token(
    world: World,
) -> None:
    version = world.rotate_secret()
    assert world.step("testSecret", version) is None
    act("the user's passwords replaced by a person")(world)
    world.pass_by(200)
    assert "1 of 3 nodes refuse AWSCURRENT" in str(world.step("testSecret", version))


def logins_of(world: World) -> list[tuple[str, bool]]:
    """Takes each login from now on: the token, and whether a node accepted it."""
    logins: list[tuple[str, bool]] = []
    try_tokens = world.tools.try_tokens

    def recorded(node: Endpoint, tokens: list[AuthToken]) -> Logins:
        found = try_tokens(node, tokens)
        logins.extend((token.text, taken) for token, taken in found.taken.items())
        return found

    world.tools = replace(world.tools, try_tokens=recorded)
    return logins


def test_few_logins_are_refused_while_all_is_as_it_should_be() -> None:
    world = World.rotated_before(shards=3)
    logins = logins_of(world)
    for _ in range(20):
        logins.clear()
        sent(world)
        assert sum(not taken for _, taken in logins) == world.tools.most_refused == 4
    # In a rotation AWSPENDING's token is refused at first: no other is tried that must be.
    world.step("createSecret", world.rotate_secret())
    logins.clear()
    world.reconcile()
    assert {token for token, _ in logins} == {world.secret.value(of) for of in (CURRENT, PENDING)}


@pytest.mark.parametrize("value", [None, UNUSABLE])
def test_a_previous_version_without_another_password_is_not_tried(
    world: World, value: str | None
) -> None:
    current = str(world.secret.value(CURRENT))
    world.secret.store(world.secret.labels[PREVIOUS], value or current)
    logins = logins_of(world)
    assert world.reconcile() == "nothing to do"
    assert {token for token, _ in logins} == {current}


def test_where_nodes_are_too_many_for_one_pass_they_take_turns(world: World) -> None:
    world.seconds_a_call = 6  # a node has two calls, and 18 seconds go before the first
    seen = set()
    for _ in range(20):
        seen.add(world.reconcile())
        assert world.trace.count("describe_cache_clusters") == 2
        world.pass_by(PASS)
    assert seen == {f"waiting: no answer from g-00{number}" for number in (1, 2, 3)}


@pytest.mark.parametrize("seconds", [10, 15, 20, 24])
def test_nodes_that_answer_slowly_leave_the_pass_the_time_to_publish(seconds: int) -> None:
    world = World.rotated_before(shards=3)
    world.seconds_a_call, began, try_tokens = 0, world.now, world.tools.try_tokens

    def slow(node: Endpoint, tokens: list[AuthToken]) -> Logins:
        world.pass_by(seconds)
        return try_tokens(node, tokens)

    world.tools = replace(world.tools, try_tokens=slow)
    world.reconcile()
    assert world.now - began <= 54, "Lambda ends the function after 60 seconds"
