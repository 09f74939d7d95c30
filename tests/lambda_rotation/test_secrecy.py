"""Everything that the function gives away in whole rotations is read and searched for tokens."""

import logging
import os
import traceback
from collections.abc import Iterator

import pytest

from rotation import handler
from rotation.settings import Settings
from tests.lambda_rotation.actions import ACTIONS, UNUSABLE, act
from tests.lambda_rotation.model.secrets_manager import PENDING
from tests.lambda_rotation.model.world import ARN, GROUP, PASS, STEPS, USER, World
from tests.lambda_rotation.search import Line
from tests.lambda_rotation.test_interruptions import killed


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
            self.texts += _all_of(raised)

    def rotate(self, passes: int = 8) -> None:
        """The whole of a rotation, through the handler."""
        act("RotateSecret")(self.world)
        version = self.world.secret.labels.get(PENDING, "none")
        for _ in range(3):
            for step in STEPS:
                self.invoke({"SecretId": ARN, "ClientRequestToken": version, "Step": step})
            self.world.pass_by(PASS)
        for _ in range(passes):
            self.invoke({"reconcile": True})
            self.world.pass_by(PASS)
        tools = self.world.tools
        found = tools.secret.versions()
        self.texts += [repr(tools), repr(found), repr(tools.secret.token(found.current))]
        self.texts += [repr(tools.user.describe()), repr(self.world.secret.tags)]


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
    settings = Settings(ARN, USER, GROUP, world.tools.retire_after, world.tools.most_refused)
    monkeypatch.setattr(handler, "made_once", lambda: (settings, world.tools))
    return Emitted(world)


def _search(
    emitted: Emitted, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    standard = capfd.readouterr()
    read = [standard.out, standard.err, caplog.text, *emitted.texts, repr(dict(os.environ))]
    tokens = emitted.world.tokens | {UNUSABLE}
    assert len(tokens) > 2
    assert not [token for token in tokens for text in read if token[:16] in text]


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
    for name in ACTIONS:
        if name != "the process killed":
            act(name)(world)
            world.throttled = len(name) % 2
            emitted.rotate(passes=2)
    assert any("refuse" in text for text in emitted.texts)
    _search(emitted, caplog, capfd)


def test_no_reason_given_in_any_interrupted_rotation_shows_a_token() -> None:
    for line in Line.of(World.rotated_before(quick=True), rotating=True).to_rest():
        for after in killed(line):
            world = after.world
            world.let_go()
            given = [text for raised in world.raised for text in _all_of(raised)]
            given += [*map(repr, world.states), repr(world.secret.tags)]
            assert not [token for token in world.tokens for text in given if token in text]
