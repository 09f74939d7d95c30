"""Everything that the function gives away in whole rotations is read and searched for tokens."""

import logging
import os
import traceback
from collections.abc import Iterator

import pytest

from rotation import handler
from rotation.settings import Settings
from tests.lambda_rotation.histories import HISTORIES, play, points
from tests.lambda_rotation.model.world import (
    ARN,
    GROUP,
    PASS,
    RETIRE_AFTER,
    STEPS,
    World,
)


class Emitted:
    """What a function may be seen by, collected."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.texts: list[str] = []

    def invoke(self, event: dict[str, object]) -> None:
        """Call the handler as Lambda does; keep what Lambda would log of an error, and more."""
        try:
            handler.handler(event, None)
        except Exception as raised:  # noqa: BLE001 - Lambda logs whatever is raised
            self.texts += list(_all_of(raised))

    def rotate(self) -> None:
        """The whole of a rotation, through the handler."""
        version = self.world.rotate_secret()
        for _ in range(3):
            for step in STEPS:
                self.invoke({"SecretId": ARN, "ClientRequestToken": version, "Step": step})
            self.world.pass_by(PASS)
        for _ in range(8):
            self.invoke({"reconcile": True})
            self.world.pass_by(PASS)
        tools = self.world.tools
        found = tools.secret.versions()
        self.texts += [repr(tools), repr(found), repr(tools.secret.token(found.current))]
        self.texts += [repr(tools.group.describe()), repr(self.world.secret.tags)]


def _all_of(raised: BaseException) -> Iterator[str]:
    seen: BaseException | None = raised
    while seen is not None:
        yield "".join(traceback.format_exception(seen))
        yield f"{seen!r} {seen} {seen.args} {vars(seen)}"
        seen = seen.__cause__ or seen.__context__


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Emitted:
    caplog.set_level(logging.DEBUG)
    world = World.rotated_before()
    settings = Settings(ARN, GROUP, RETIRE_AFTER)
    monkeypatch.setattr(handler, "made_once", lambda: (settings, world.tools))
    return Emitted(world)


def _search(
    emitted: Emitted, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    standard = capfd.readouterr()
    read = [standard.out, standard.err, caplog.text, *emitted.texts, repr(dict(os.environ))]
    assert len(emitted.world.tokens) > 2
    for text in read:
        for token in emitted.world.tokens:
            assert token not in text
            assert token[:16] not in text


def test_a_rotation_shows_no_token(
    emitted: Emitted, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    emitted.rotate()
    assert emitted.world.over
    assert emitted.texts
    _search(emitted, caplog, capfd)


def test_a_rotation_that_aws_and_redis_refuse_shows_no_token(
    emitted: Emitted, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    world = emitted.world
    version = world.rotate_secret()
    world.step("createSecret", version)
    written = world.secret.versions[version]
    for spoilt in ("short", "x" * 200, "Third" * 12 + "1234"):
        written.value = spoilt
        world.tokens.add(spoilt * 4 if spoilt == "short" else spoilt)
        emitted.invoke({"SecretId": ARN, "ClientRequestToken": version, "Step": "setSecret"})
    world.throttled = 1
    emitted.invoke({"reconcile": True})
    world.group.fail_over("primary", 60)
    emitted.invoke({"reconcile": True})
    world.time.pass_by(60)
    world.token_is_changed_by_hand()
    emitted.invoke({"reconcile": True})
    emitted.invoke({"SecretId": ARN, "ClientRequestToken": version, "Step": "testSecret"})
    assert any("AWS refused to ROTATE" in text for text in emitted.texts)
    _search(emitted, caplog, capfd)


def test_no_reason_given_in_any_interrupted_rotation_shows_a_token() -> None:
    for history in HISTORIES:
        for number, kill in points(history, World.rotated_before())[::23]:
            world = World.rotated_before()
            play(history, world, number, kill)
            world.let_go()
            given = [text for raised in world.raised for text in _all_of(raised)]
            given += [repr(state) for state in world.states]
            given.append(repr(world.secret.tags))
            assert not [token for token in world.tokens for text in given if token in text]
