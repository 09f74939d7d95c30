"""What the deployment publishes is what the client reads."""

import re
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from environments.schema import Settings as Environment
from tests.client.conftest import LIMITS
from tests.support import Document, Synth
from tools.assembly import Stack
from vibewell_redis import Settings, SettingsError
from vibewell_redis.settings import TIERS

PATH = "/vibewell/production/redis"
ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:token-AbCdEf"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.Session(region_name="us-east-1")


def publish(session: boto3.Session, data: Stack) -> None:
    """The parameters of the template, as CloudFormation would make them."""
    ssm = session.client("ssm")
    for parameter in data.of_type("AWS::SSM::Parameter").values():
        value = parameter["Value"]
        if not isinstance(value, str):
            secret = parameter["Name"].endswith("SECRET_ARN")
            value = ARN if secret else "rediss://primary.example:6379"
        ssm.put_parameter(Name=parameter["Name"], Value=value, Type=parameter["Type"])


@pytest.mark.plan("2.4")
def test_the_templates_parameters_are_settings(session: boto3.Session, data: Stack) -> None:
    publish(session, data)
    settings = Settings.from_parameter_store(PATH, session)
    assert settings.password_secret_arn == ARN
    assert settings.password is None
    assert (settings.pool_size, settings.pool_idle_seconds, settings.instances) == (20, 60, 40)
    published = {f"RATE_LIMIT_{name.upper()}": str(item) for name, item in settings.tiers.items()}
    assert published == LIMITS


@pytest.mark.plan("2.4")
def test_tiers_of_ones_own_are_published_like_the_plans(
    session: boto3.Session, synth: Synth, document: Document
) -> None:
    limits = document["application"]["rate_limits"]
    hour, second = {"requests": 1000, "seconds": 3600}, {"requests": 10, "seconds": 1}
    # The last two differ by nothing that a logical id may hold.
    own = {"free": [hour, second], "pro-plus": hour, "a_1b": hour, "a1_b": second}
    limits |= own | {"auth": [limits["auth"], hour]}
    publish(
        session, synth([Environment.model_validate(document)])["vibewell-redis-production-data"]
    )
    tiers = Settings.from_parameter_store(PATH, session).tiers
    assert list(tiers) == [*TIERS, *own]
    assert (str(tiers["free"]), str(tiers["auth"])) == ("10,1;1000,3600", "30,60;1000,3600")
    assert str(tiers["pro-plus"]) == str(tiers["a_1b"]) == "1000,3600"


# What release 1.0 of the client reads, by the forms that it takes; the stack of that release
# publishes the first of each pair. There is no tag of it: these are its parameters, kept.
OF_1_0 = {
    "REDIS_ENABLED": ("true", "true|false"),
    "REDIS_URL": ("rediss://primary.example:6379", r"rediss://[\w.-]+:6379"),
    "REDIS_PASSWORD_SECRET_ARN": (ARN, "arn:aws:.*"),
    "REDIS_TLS": ("true", "true|false"),
    "REDIS_TIMEOUT": ("5000", r"\d+"),
    "REDIS_MAX_RECONNECT_ATTEMPTS": ("10", r"\d+"),
    "REDIS_POOL_SIZE": ("20", r"\d+"),
    "REDIS_POOL_IDLE_SECONDS": ("60", r"\d+"),
    "REDIS_INSTANCES": ("40", r"\d+"),
    **{name: (limit, r"\d+,\d+") for name, limit in LIMITS.items()},
}


@pytest.mark.plan("2.4")
def test_this_client_reads_the_stack_of_the_release_before(session: boto3.Session) -> None:
    for name, (value, _) in OF_1_0.items():
        session.client("ssm").put_parameter(Name=f"{PATH}/{name}", Value=value, Type="String")
    settings = Settings.from_parameter_store(PATH, session)
    assert list(settings.tiers) == list(TIERS)
    assert (settings.password_secret_arn, settings.pool_size) == (ARN, 20)


@pytest.mark.plan("2.4")
def test_the_release_before_reads_this_stack(session: boto3.Session, data: Stack) -> None:
    publish(session, data)
    pages = session.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=PATH)
    found = {one["Name"].rpartition("/")[2]: one["Value"] for p in pages for one in p["Parameters"]}
    for name, (_, form) in OF_1_0.items():
        assert re.fullmatch(form, found[name]), name


def test_a_parameter_that_is_not_there_is_named_with_its_path(
    session: boto3.Session, data: Stack
) -> None:
    publish(session, data)
    session.client("ssm").delete_parameter(Name=f"{PATH}/RATE_LIMIT_MFA")
    with pytest.raises(SettingsError, match=f"^RATE_LIMIT_MFA in {PATH} is missing"):
        Settings.from_parameter_store(PATH, session)


def test_an_empty_path_is_told_from_a_missing_parameter(session: boto3.Session) -> None:
    with pytest.raises(SettingsError, match=f"^{PATH} holds no parameters"):
        Settings.from_parameter_store(PATH, session)


@pytest.mark.parametrize("path", ["vibewell/production/redis", "/vibewell/production/redis/"])
def test_a_malformed_path_is_refused(path: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"{path!r} is not an SSM path")):
        Settings.from_parameter_store(path)


def test_an_aws_that_refuses_is_a_message_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(SettingsError, match="cannot be read: Unable to locate credentials"):
        Settings.from_parameter_store(PATH, boto3.Session(region_name="us-east-1"))
