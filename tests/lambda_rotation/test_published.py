from dataclasses import replace

import pytest

from tests.lambda_rotation.actions import act
from tests.lambda_rotation.model.elasticache import Promises
from tests.lambda_rotation.model.fake_aws import ServiceError
from tests.lambda_rotation.model.secrets_manager import PENDING
from tests.lambda_rotation.model.world import PASS, RETIRE_AFTER, World
from tests.lambda_rotation.test_dangerous_cases import moved

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
    assert "AWS refused to tag the secret" in world.states[-1].words
    # rotation-unfinished takes missing data for a breach; 0 hours would silence it.
    assert "RotationUnfinishedHours" not in found
    assert found["OldTokenUnretiredHours"] == pytest.approx(30, abs=1)


NAMELESS = {"ReplicationGroups": [{"ConfigurationEndpoint": {"Address": "c", "Port": 1}}]}


@pytest.mark.parametrize(
    ("operation", "wrong", "words"),
    [
        ("describe_secret", {"Tags": [{"Key": "only"}]}, "stopped: KeyError"),
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
