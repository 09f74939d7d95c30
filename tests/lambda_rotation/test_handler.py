import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import boto3
import pytest
from moto import mock_aws

from rotation import handler
from rotation.handler import handler as invoke
from rotation.handler import made_once
from shared.errors import NotYetError, StoppedError, WrongVersionError
from tests.lambda_rotation.model.world import ARN, GROUP, STEPS, USER, World
from tests.support import ROOT

VERSION = "v" * 32
TIMES = {"RETIRE_AFTER_SECONDS": "86400", "CLIENT_CACHE_SECONDS": "300"}
NAMES = {"SECRET_ARN": ARN, "USER_ID": USER, "REPLICATION_GROUP_ID": GROUP}
ENVIRONMENT = NAMES | TIMES | {"MOST_REFUSED_LOGINS": "4"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    yield
    made_once.cache_clear()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World.rotated_before()
    monkeypatch.setattr(handler, "made_once", lambda: world.tools)
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
    invoke({"reconcile": True}, None)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["rotation"] == "nothing to do"


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
def test_tools_are_made_once_a_container_from_its_environment() -> None:
    tools = made_once()
    assert tools is made_once()
    assert (tools.secret.arn, tools.user.user_id, tools.group.group_id) == (ARN, USER, GROUP)
    assert (tools.retire_after, tools.most_refused) == (timedelta(days=1), 4)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("retire_after", ["299", "300"])
def test_an_old_token_that_a_client_may_still_cache_is_never_retired(
    retire_after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETIRE_AFTER_SECONDS", retire_after)
    with pytest.raises(ValueError, match="clients would be locked out"):
        made_once()


@pytest.mark.usefixtures("environment")
def test_a_token_is_in_no_debug_line_even_if_somebody_turns_them_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with mock_aws():
        client = boto3.client("secretsmanager")
        arn = client.create_secret(Name="token", SecretString="F" * 64)["ARN"]
        monkeypatch.setenv("SECRET_ARN", arn)
        value = {"SecretString": "G" * 64, "VersionStages": ["AWSPENDING"]}
        client.put_secret_value(SecretId=arn, ClientRequestToken=VERSION, **value)
        with caplog.at_level(logging.DEBUG):
            for library in ("boto3", "botocore", "urllib3"):
                logging.getLogger(library).setLevel(logging.NOTSET)
            client.get_secret_value(SecretId=arn)
            assert "F" * 64 in caplog.text
            caplog.clear()
            invoke(event("createSecret", VERSION, secret=arn), None)
            assert caplog.text.count("G" * 64) == 0
