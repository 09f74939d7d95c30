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
from rotation.settings import Settings
from shared.errors import NotYetError, UnknownError, WrongVersionError
from tests.lambda_rotation.model.world import ARN, GROUP, USER, World
from tests.lambda_rotation.test_settings import ENVIRONMENT

VERSION = "v" * 32


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    yield
    made_once.cache_clear()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World.rotated_before()
    settings = Settings(ARN, USER, GROUP, timedelta(days=1), 4)
    monkeypatch.setattr(handler, "made_once", lambda: (settings, world.tools))
    return world


def event(step: str, version: str, secret: str = ARN) -> dict[str, str]:
    """The event as Secrets Manager sends it."""
    return {
        "Step": step,
        "SecretId": secret,
        "ClientRequestToken": version,
        "RotationToken": "00000000-0000-0000-0000-000000000000",
    }


def test_secrets_managers_events_run_the_four_steps(world: World) -> None:
    version = world.rotate_secret()
    invoke(event("createSecret", version), None)
    invoke(event("setSecret", version), None)
    with pytest.raises(NotYetError):
        invoke(event("testSecret", version), None)
    world.pass_by(900)
    invoke(event("testSecret", version), None)
    invoke(event("finishSecret", version), None)
    assert world.secret.labels["AWSCURRENT"] == version


@pytest.mark.usefixtures("world")
def test_our_schedules_event_is_one_pass_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    invoke({"reconcile": True}, None)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["rotation"] == "nothing to do"


def test_another_secret_is_refused(world: World) -> None:
    with pytest.raises(WrongVersionError, match="another secret"):
        invoke(event("createSecret", "v" * 32, secret=ARN + "x"), None)
    assert not world.calls


def test_an_error_that_nobody_foresaw_leaves_a_step_as_the_name_of_its_type(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError(world.secret.value("AWSCURRENT"))

    monkeypatch.setattr(world.secret, "describe_secret", fail)
    with pytest.raises(UnknownError) as raised:
        invoke(event("createSecret", VERSION), None)
    assert str(raised.value) == "RuntimeError"
    assert raised.value.__context__ is None


@pytest.mark.usefixtures("environment")
def test_clients_are_made_once_a_container() -> None:
    assert made_once() is made_once()


@pytest.mark.usefixtures("environment")
def test_a_token_is_in_no_debug_line_even_if_somebody_turns_them_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with mock_aws():
        client = boto3.client("secretsmanager")
        arn = client.create_secret(Name="token", SecretString="F" * 64)["ARN"]
        monkeypatch.setenv("SECRET_ARN", arn)
        client.put_secret_value(
            SecretId=arn,
            ClientRequestToken=VERSION,
            SecretString="G" * 64,
            VersionStages=["AWSPENDING"],
        )
        with caplog.at_level(logging.DEBUG):
            for library in ("boto3", "botocore", "urllib3"):
                logging.getLogger(library).setLevel(logging.NOTSET)
            client.get_secret_value(SecretId=arn)
            assert "F" * 64 in caplog.text
            caplog.clear()
            invoke(event("createSecret", VERSION, secret=arn), None)
            assert caplog.text.count("G" * 64) == 0
