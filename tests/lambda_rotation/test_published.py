import json
from datetime import timedelta

import pytest

from shared.emitted import DIMENSION, NAMESPACE
from tests.lambda_rotation.model.fake_aws import ServiceError
from tests.lambda_rotation.model.secrets_manager import PENDING
from tests.lambda_rotation.model.world import CACHE, GROUP, PASS, RETIRE_AFTER, World


def metrics(world: World) -> dict[str, float]:
    world.reconcile()
    return world.states[-1].metrics()


def test_a_quiet_state_is_all_zero_but_for_the_age() -> None:
    world = World.rotated_before()
    world.pass_by(timedelta(days=90))
    assert metrics(world) == {
        "RotationUnfinishedHours": 0,
        "OldTokenUnretiredHours": 0,
        "TokenAgeDays": pytest.approx(90, abs=0.1),
        "TokenDisagreement": 0,
    }


def test_a_token_that_was_never_rotated_is_as_old_as_its_version() -> None:
    world = World()
    world.pass_by(timedelta(days=7))
    assert metrics(world)["TokenAgeDays"] == pytest.approx(7, abs=0.01)


def test_an_unfinished_rotation_grows_older_from_when_it_was_first_seen() -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    world.step("createSecret", version)
    world.group.occupy("snapshotting", 100 * 3600)
    assert metrics(world)["RotationUnfinishedHours"] == 0
    world.pass_by(timedelta(hours=5))
    assert metrics(world)["RotationUnfinishedHours"] == pytest.approx(5, abs=0.1)


def test_a_rotation_that_is_cancelled_and_resumed_does_not_grow_younger() -> None:
    world = World.rotated_before()
    world.step("createSecret", world.rotate_secret())
    world.group.occupy("snapshotting", 100 * 3600)
    metrics(world)
    world.pass_by(timedelta(hours=5))
    world.secret.take_away(PENDING)
    world.step("createSecret", world.rotate_secret())
    assert metrics(world)["RotationUnfinishedHours"] == pytest.approx(5, abs=0.1)


def test_a_rotation_that_is_over_is_forgotten() -> None:
    world = World.rotated_before()
    world.step("createSecret", world.rotate_secret())
    metrics(world)
    world.let_go()
    world.pass_by(timedelta(days=90))
    world.step("createSecret", world.rotate_secret())
    assert metrics(world)["RotationUnfinishedHours"] == 0


def test_the_old_token_is_unretired_only_beyond_its_time() -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    for _ in range(2):
        world.steps(version)
        world.pass_by(PASS)
    assert metrics(world)["OldTokenUnretiredHours"] == 0
    world.group.occupy("snapshotting", 100 * 3600)
    world.pass_by(RETIRE_AFTER + timedelta(hours=5))
    found = metrics(world)
    assert found["OldTokenUnretiredHours"] == pytest.approx(5.2, abs=0.2)
    assert found["RotationUnfinishedHours"] == 0


def test_waiting_for_the_retirement_before_is_no_unfinished_rotation() -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    for _ in range(2):
        world.steps(version)
        world.pass_by(PASS)
    world.clean_up(version)
    world.steps(world.rotate_secret())
    assert metrics(world)["RotationUnfinishedHours"] == 0


def test_a_refusal_of_aws_is_published_with_the_age_that_an_alarm_sees() -> None:
    world = World.rotated_before()
    world.step("createSecret", world.rotate_secret())
    metrics(world)
    world.pass_by(timedelta(hours=30))
    labels = world.secret.holding("ROTATING")
    assert labels is not None
    world.secret.versions[labels].value = "short"  # ElastiCache refuses it
    found = metrics(world)
    assert world.states[-1].words.startswith("stopped: AWS refused to ROTATE")
    assert found["RotationUnfinishedHours"] == pytest.approx(30, abs=1)
    assert found["TokenDisagreement"] == 0


def _refuses_tags(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: object) -> dict[str, object]:
        raise ServiceError("AccessDeniedException")

    monkeypatch.setattr(world.secret, "tag_resource", refused)


def test_an_unfinished_rotation_whose_time_cannot_be_kept_is_not_published_as_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World.rotated_before()
    world.step("createSecret", world.rotate_secret())
    _refuses_tags(world, monkeypatch)
    for _ in range(2):
        assert "AWS refused to tag the secret" in (world.reconcile() or "")
        world.pass_by(timedelta(hours=30))
    # The alarm rotation-unfinished takes missing data for a breach; 0 hours would silence it.
    assert world.states == []


def test_an_old_token_ages_though_nobody_could_write_down_when_it_was_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World.rotated_before()
    version = world.rotate_secret()
    for name in ("createSecret", "setSecret"):
        world.step(name, version)
    world.pass_by(PASS)
    _refuses_tags(world, monkeypatch)
    assert (
        world.step("finishSecret", version)
        == "AWS refused to tag the secret: AccessDeniedException"
    )
    assert world.secret.holding("AWSCURRENT") == version
    assert metrics(world)["OldTokenUnretiredHours"] == 0
    world.pass_by(RETIRE_AFTER + timedelta(hours=30))
    assert metrics(world)["OldTokenUnretiredHours"] == pytest.approx(30, abs=1)


def test_the_line_is_what_cloudwatch_makes_metrics_of() -> None:
    world = World.rotated_before()
    world.reconcile()
    line = world.states[-1].line(GROUP)
    document = json.loads(line)
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert "\n" not in line
    assert document["_aws"]["Timestamp"] == int(world.states[-1].time.timestamp() * 1000)
    assert directive["Namespace"] == NAMESPACE
    assert directive["Dimensions"] == [[DIMENSION]]
    assert document[DIMENSION] == GROUP
    assert document["rotation"] == "nothing to do"
    named = {metric["Name"] for metric in directive["Metrics"]}
    assert named == set(world.states[-1].metrics())
    assert all(isinstance(document[name], float | int) for name in named)


def test_the_model_retires_later_than_it_caches() -> None:
    assert RETIRE_AFTER > CACHE > PASS
