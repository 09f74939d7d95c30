"""Everything that the function gives away in whole rotations is read and searched for tokens."""

import logging
import os
import traceback
from collections.abc import Callable, Iterator, Mapping

import pytest

from rotation import handler
from tests.lambda_rotation.actions import ACTIONS, UNUSABLE, act
from tests.lambda_rotation.model.secrets_manager import PENDING
from tests.lambda_rotation.model.world import ARN, PASS, STEPS, World
from tests.lambda_rotation.search import Line
from tests.lambda_rotation.test_interruptions import killed


def invoke(event: Mapping[str, object]) -> list[str]:
    """Call the handler as Lambda does; what Lambda would log of an error, and more."""
    try:
        handler.handler(dict(event), None)
    except Exception as raised:  # noqa: BLE001 - Lambda logs whatever is raised
        return list(all_of(raised))
    return []


def all_of(raised: BaseException | None) -> Iterator[str]:
    while raised is not None:
        yield "".join(traceback.format_exception(raised))
        yield f"{raised!r} {raised} {raised.args} {vars(raised)}"
        raised = raised.__cause__ or raised.__context__


def rotated(world: World) -> list[str]:
    """What the function may be seen by in the whole of a rotation, through the handler."""
    act("RotateSecret")(world)
    step = {"SecretId": ARN, "ClientRequestToken": world.secret.labels.get(PENDING, "none")}
    events: list[Mapping[str, object]] = [*(step | {"Step": name} for name in STEPS)]
    texts = []
    for event in [*events, {"reconcile": True}] * 3 + [{"reconcile": True}] * 4:
        texts += invoke(event)
        world.pass_by(PASS // 2)
    found = world.tools.secret.versions()
    seen = (world.tools, found, world.tools.secret.token(found.current), world.secret.tags)
    return [*texts, *map(repr, seen)]


@pytest.mark.parametrize(
    "happens", [*(act(name) for name in ACTIONS if "killed" not in name), lambda _: None]
)
def test_a_rotation_shows_no_token(
    happens: Callable[[World], object],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    world = World.rotated_before()
    monkeypatch.setattr(handler, "made_once", lambda: world.tools)
    happens(world)
    world.throttled = 1
    texts = rotated(world)
    standard = capfd.readouterr()
    read = [standard.out, standard.err, caplog.text, *texts, repr(dict(os.environ))]
    assert any("AWS could not" in text for text in read)
    tokens = world.tokens | {UNUSABLE}
    assert not [token for token in tokens for text in read if token[:16] in text]


def test_no_reason_given_in_any_interrupted_rotation_shows_a_token() -> None:
    for line in Line.of(World.rotated_before(quick=True), rotating=True).to_rest():
        for after in killed(line):
            world = after.world
            world.let_go()
            given = [text for raised in world.raised for text in all_of(raised)]
            given += [*map(repr, world.states), repr(world.secret.tags)]
            assert not [token for token in world.tokens for text in given if token in text]
