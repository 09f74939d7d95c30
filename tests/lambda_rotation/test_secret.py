"""The secret's calls, on moto and on the model: the model answers as moto does, or stricter."""

from collections.abc import Iterator
from typing import Any, NoReturn

import boto3
import pytest
from moto import mock_aws

from shared.errors import AwsRefusedError, WrongVersionError
from shared.secret import Secret
from shared.versions import CURRENT, PENDING, PREVIOUS, ROTATING
from tests.lambda_rotation.model.fake_aws import ServiceError, fake_service
from tests.lambda_rotation.model.secrets_manager import SecretsManager
from tests.lambda_rotation.model.time import Time

FIRST = "First" * 12 + "1234"
NEW = "A" * 64
VERSION = "v" * 32


def in_the_model() -> Secret:
    model = SecretsManager(Time(after_each=lambda: None), FIRST)
    service = fake_service("secretsmanager")
    service.answer = lambda operation, asked: getattr(model, operation)(asked)
    return Secret(service.client, "token")


@pytest.fixture(params=["moto", "model"])
def secret(request: pytest.FixtureRequest) -> Iterator[Secret]:
    if request.param == "model":
        yield in_the_model()
        return
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="us-east-1")
        made: dict[str, Any] = client.create_secret(Name="token", SecretString=FIRST)
        yield Secret(client, made["ARN"])


def test_the_value_of_awscurrent_is_the_token(secret: Secret) -> None:
    token = secret.token(secret.versions().current)
    assert token.text == FIRST
    assert token.created.tzinfo is not None


def test_a_value_that_aws_refuses_to_show_is_not_taken_for_none() -> None:
    def refuse(_operation: str, _asked: dict[str, Any]) -> NoReturn:
        raise ServiceError("AccessDeniedException")

    service = fake_service("secretsmanager")
    service.answer = refuse
    with pytest.raises(AwsRefusedError, match="AccessDeniedException"):
        Secret(service.client, "token").find_token(VERSION)


def test_a_value_and_both_labels_are_stored_in_one_call(secret: Secret) -> None:
    secret.put(VERSION, NEW)
    found = secret.versions()
    assert (found.pending, found.rotating) == (VERSION, VERSION)
    assert found.current != VERSION
    assert secret.token(VERSION).text == NEW


def test_storing_the_same_value_again_changes_nothing(secret: Secret) -> None:
    secret.put(VERSION, NEW)
    before = secret.versions()
    secret.put(VERSION, NEW)
    assert secret.versions() == before


def test_a_second_version_takes_the_labels_from_the_first(secret: Secret) -> None:
    secret.put(VERSION, NEW)
    secret.put("w" * 32, NEW)
    found = secret.versions()
    assert (found.pending, found.rotating) == ("w" * 32, "w" * 32)


def test_awsprevious_follows_awscurrent(secret: Secret) -> None:
    first = secret.versions().current
    secret.put(VERSION, NEW)
    secret.move(CURRENT, origin=first, to=VERSION)
    found = secret.versions()
    assert (found.current, found.previous) == (VERSION, first)
    secret.move(CURRENT, origin=VERSION, to=first)
    found = secret.versions()
    assert (found.current, found.previous) == (first, VERSION)
    assert secret.token(VERSION).text == NEW


def test_awscurrent_moves_only_from_where_it_is(secret: Secret) -> None:
    secret.put(VERSION, NEW)
    with pytest.raises(AwsRefusedError):
        secret.move(CURRENT, origin=VERSION, to=VERSION)
    with pytest.raises(AwsRefusedError):
        secret.move(CURRENT, origin=None, to=VERSION)


def test_a_label_can_be_put_on_and_taken_away(secret: Secret) -> None:
    current = secret.versions().current
    secret.move(ROTATING, origin=None, to=current)
    assert secret.versions().unretired
    secret.move(ROTATING, origin=current, to=None)
    assert secret.versions().rotating is None


def test_a_version_that_is_not_there_has_no_token(secret: Secret) -> None:
    assert secret.find_token("x" * 32) is None
    with pytest.raises(WrongVersionError):
        secret.token("x" * 32)


def test_tags_are_written_over_and_taken_away(secret: Secret) -> None:
    secret.tag({"redis-token:accepted": "two x", "other": "1"})
    secret.tag({"redis-token:accepted": "set x"})
    assert secret.versions().tags == {"redis-token:accepted": "set x", "other": "1"}
    secret.untag("other")
    assert secret.versions().tags == {"redis-token:accepted": "set x"}


def test_another_value_for_the_same_version_is_refused() -> None:
    """Only the model, as botocore documents it: moto writes the new value over the old."""
    secret = in_the_model()
    secret.put(VERSION, NEW)
    with pytest.raises(AwsRefusedError) as refused:
        secret.put(VERSION, "B" * 64)
    assert refused.value.code == "ResourceExistsException"


def test_our_label_is_not_taken_from_another_version_unasked() -> None:
    """Only the model: moto moves any label but AWSCURRENT from wherever it is, AWS refuses."""
    secret = in_the_model()
    secret.put(VERSION, NEW)
    with pytest.raises(AwsRefusedError):
        secret.move(ROTATING, origin=None, to=secret.versions().current)


def test_a_version_without_labels_is_gone_in_the_model() -> None:
    secret = in_the_model()
    secret.put(VERSION, NEW)
    for label in (PENDING, ROTATING):
        secret.move(label, origin=VERSION, to=None)
    assert secret.find_token(VERSION) is None
    assert PREVIOUS not in secret.versions().by_label
