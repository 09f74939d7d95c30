"""The handler as Lambda calls it; all that it gives away is searched for tokens."""

import json
import logging
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, timedelta

import pytest

from rotation import handler
from rotation.handler import handler as invoke
from rotation.handler import tools_once
from shared.errors import NotYetError, StoppedError, WrongVersionError
from tests.lambda_rotation.actions import ACTIONS, UNUSABLE, act
from tests.lambda_rotation.model.services import PENDING
from tests.lambda_rotation.model.world import ARN, GROUP, PASS, STEPS, USER, World
from tests.support import ROOT

VERSION = "v" * 32
TIMES = {"RETIRE_AFTER_SECONDS": "86400", "CLIENT_CACHE_SECONDS": "300"}
NAMES = {"SECRET_ARN": ARN, "USER_ID": USER, "REPLICATION_GROUP_ID": GROUP}
SCHEDULE = {"reconcile": True}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in (NAMES | TIMES | {"MOST_REFUSED_LOGINS": "4"}).items():
        monkeypatch.setenv(name, value)
    yield
    tools_once.cache_clear()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World.rotated_before()
    monkeypatch.setattr(handler, "tools_once", lambda: world.tools)
    return world


def event(step: str, version: str = VERSION, secret: str = ARN) -> dict[str, str]:
    sample = json.loads((ROOT / "tests/emulator/samples/events.json").read_text())["rotation"]
    given = {"Step": step, "SecretId": secret, "ClientRequestToken": version}
    return dict(sample["event"]) | given


def test_secrets_managers_events_run_the_four_steps(world: World) -> None:
    version = world.rotate_secret()
    for step in STEPS[:2]:
        invoke(event(step, version), None)
    with pytest.raises(NotYetError):
        invoke(event("testSecret", version), None)
    world.pass_by(900)
    for step in STEPS[2:]:
        invoke(event(step, version), None)
    assert world.secret.labels["AWSCURRENT"] == version


@pytest.mark.usefixtures("world")
def test_our_schedules_event_is_one_pass_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    invoke(SCHEDULE, None)
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert (said["rotation"], said["ReplicationGroup"]) == ("nothing to do", GROUP)


def test_another_secret_is_refused(world: World) -> None:
    with pytest.raises(WrongVersionError, match="another secret"):
        invoke(event("createSecret", secret=ARN + "x"), None)
    assert not world.calls


def test_an_error_that_nobody_foresaw_leaves_a_step_as_the_name_of_its_type(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError(world.secret.value("AWSCURRENT"))

    monkeypatch.setattr(world.secret, "describe_secret", fail)
    with pytest.raises(StoppedError) as raised:
        invoke(event("createSecret", VERSION), None)
    assert str(raised.value) == "RuntimeError"
    assert raised.value.__context__ is None


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(("seconds", "safe"), [("301", True), ("300", False)])
def test_tools_are_made_once_and_never_retire_a_token_that_a_client_may_still_cache(
    seconds: str, safe: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETIRE_AFTER_SECONDS", seconds)
    if not safe:
        with pytest.raises(ValueError, match="clients would be locked out"):
            tools_once()
        return
    tools = tools_once()
    assert tools is tools_once()
    assert (tools.secret.arn, tools.user.user_id, tools.group.group_id) == (ARN, USER, GROUP)
    assert (tools.retire_after, tools.most_refused) == (timedelta(seconds=301), 4)
    assert tools.clock().tzinfo is UTC


def given_away(raised: BaseException | None) -> Iterator[str]:
    """What Lambda would log of an error, and more."""
    while raised is not None:
        yield "".join(traceback.format_exception(raised))
        yield f"{raised!r} {raised} {raised.args} {vars(raised)}"
        raised = raised.__cause__ or raised.__context__


def rotated(world: World) -> list[str]:
    """What the function may be seen by in the whole of a rotation."""
    act("RotateSecret")(world)
    version = world.secret.labels.get(PENDING, "none")
    events: list[Mapping[str, object]] = [event(step, version) for step in STEPS]
    texts: list[str] = []
    for one in [*events, SCHEDULE] * 3 + [SCHEDULE] * 4:
        try:
            invoke(dict(one), None)
        except Exception as raised:  # noqa: BLE001 - Lambda logs whatever is raised
            texts += given_away(raised)
        world.pass_by(PASS // 2)
    found = world.tools.secret.versions()
    seen = (world.tools, found, world.tools.secret.token(found.current), world.secret.tags)
    return [*texts, *map(repr, (*seen, *world.states))]


@pytest.mark.parametrize(
    "happens", [*(act(name) for name in ACTIONS if "killed" not in name), lambda _: None]
)
def test_a_rotation_shows_no_token(
    happens: Callable[[World], object],
    world: World,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    happens(world)
    world.throttled = 1
    texts = rotated(world)
    standard = capfd.readouterr()
    read = [standard.out, standard.err, caplog.text, *texts, repr(dict(os.environ))]
    assert any("not possible now: Throttling" in text for text in read)
    tokens = world.tokens | {UNUSABLE}
    assert not [token for token in tokens for text in read if token[:16] in text]
