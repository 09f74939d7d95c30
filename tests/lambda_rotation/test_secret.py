"""The secret's calls, on moto and on the model: the model answers as moto does, or stricter."""

from collections.abc import Iterator
from typing import Any, NoReturn

import boto3
import pytest
from moto import mock_aws

from shared.errors import AwsRefusedError, WrongVersionError
from shared.secret import Secret
from shared.versions import CURRENT, PENDING, PREVIOUS
from tests.lambda_rotation.model.fake_aws import ServiceError, fake_service
from tests.lambda_rotation.model.secrets_manager import SecretsManager
from tests.lambda_rotation.model.world import EPOCH

FIRST = "First" * 12 + "1234"
NEW = "A" * 64
VERSION = "v" * 32


def in_the_model() -> Secret:
    model = SecretsManager(EPOCH)
    model.store("first-version-" + "0" * 32, FIRST, CURRENT)
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


def test_a_value_and_its_label_are_stored_in_one_call(secret: Secret) -> None:
    secret.put(VERSION, NEW)
    found = secret.versions()
    assert found.pending == VERSION != found.current
    assert secret.token(VERSION).text == NEW


@pytest.mark.parametrize("made", [{"SecretBinary": b"binary" * 9}, {"SecretString": ""}])
def test_a_secret_of_another_type_holds_no_usable_token(made: dict[str, Any]) -> None:
    service = fake_service("secretsmanager")
    service.answer = lambda _operation, _asked: {"CreatedDate": EPOCH} | made
    assert not Secret(service.client, "token").token(VERSION).usable


def test_storing_the_same_value_again_changes_nothing(secret: Secret) -> None:
    secret.put(VERSION, NEW)
    before = secret.versions()
    secret.put(VERSION, NEW)
    assert secret.versions() == before


def test_a_second_version_takes_the_label_from_the_first(secret: Secret) -> None:
    secret.put(VERSION, NEW)
    secret.put("w" * 32, NEW)
    assert secret.versions().pending == "w" * 32


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


def test_a_label_is_taken_away(secret: Secret) -> None:
    secret.put(VERSION, NEW)
    secret.move(PENDING, origin=VERSION, to=None)
    assert secret.versions().pending is None


def test_a_version_that_is_not_there_has_no_token(secret: Secret) -> None:
    assert secret.find_token("x" * 32) is None
    with pytest.raises(WrongVersionError):
        secret.token("x" * 32)


def test_tags_are_written_over_and_taken_away(secret: Secret) -> None:
    secret.tag({"redis-token:sent": "one", "other": "1", "third": "3"})
    secret.tag({"redis-token:sent": "two"})
    assert secret.versions().tags == {"redis-token:sent": "two", "other": "1", "third": "3"}
    secret.untag("other", "third")
    assert secret.versions().tags == {"redis-token:sent": "two"}


def test_another_value_for_the_same_version_is_refused() -> None:
    """Only the model, as botocore documents it: moto writes the new value over the old."""
    secret = in_the_model()
    secret.put(VERSION, NEW)
    with pytest.raises(AwsRefusedError) as refused:
        secret.put(VERSION, "B" * 64)
    assert refused.value.code == "ResourceExistsException"


def test_a_version_without_labels_is_gone_in_the_model() -> None:
    secret = in_the_model()
    secret.put(VERSION, NEW)
    secret.move(PENDING, origin=VERSION, to=None)
    assert secret.find_token(VERSION) is None
    assert PREVIOUS not in secret.versions().by_label
