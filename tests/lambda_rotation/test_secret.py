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
NEW, OTHER = "A" * 64, "B" * 64
VERSION, SECOND = "v" * 32, "w" * 32


def answering(answer: Any) -> Secret:
    service = fake_service("secretsmanager")
    service.answer = answer
    return Secret(service.client, "token")


def in_the_model() -> Secret:
    model = SecretsManager(EPOCH)
    model.store("first-version-" + "0" * 32, FIRST, CURRENT)
    return answering(lambda operation, asked: getattr(model, operation)(asked))


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


def test_a_value_and_its_label_are_stored_in_one_call(secret: Secret) -> None:
    for _ in range(2):
        secret.put(VERSION, NEW)
        assert secret.versions().pending == VERSION != secret.versions().current
        assert secret.token(VERSION).text == NEW
    secret.put(SECOND, NEW)
    assert secret.versions().pending == SECOND
    secret.move(PENDING, origin=SECOND, to=None)
    assert secret.versions().pending is None


def test_awsprevious_follows_awscurrent_which_moves_only_from_where_it_is(secret: Secret) -> None:
    first = secret.versions().current
    secret.put(VERSION, NEW)
    for origin, to in ((first, VERSION), (VERSION, first)):
        for wrong in (to, None):
            with pytest.raises(AwsRefusedError):
                secret.move(CURRENT, origin=wrong, to=to)
        secret.move(CURRENT, origin=origin, to=to)
        found = secret.versions()
        assert (found.current, found.previous) == (to, origin)


def test_a_version_that_is_not_there_has_no_token(secret: Secret) -> None:
    assert secret.find_token("x" * 32) is None
    with pytest.raises(WrongVersionError):
        secret.token("x" * 32)


def test_tags_are_written_over_and_taken_away(secret: Secret) -> None:
    secret.tag({"redis-token:sent": "one", "other": "1", "third": "3"})
    secret.tag({"redis-token:sent": "two"})
    secret.untag("other", "third")
    assert secret.versions().tags == {"redis-token:sent": "two"}


@pytest.mark.parametrize("made", [{"SecretBinary": b"binary" * 9}, {"SecretString": ""}])
def test_a_secret_of_another_type_holds_no_usable_token(made: dict[str, Any]) -> None:
    secret = answering(lambda _operation, _asked: {"CreatedDate": EPOCH} | made)
    assert not secret.token(VERSION).usable


def test_a_value_that_aws_refuses_to_show_is_not_taken_for_none() -> None:
    def refuse(_operation: str, _asked: dict[str, Any]) -> NoReturn:
        raise ServiceError("AccessDeniedException")

    with pytest.raises(AwsRefusedError, match="AccessDeniedException"):
        answering(refuse).find_token(VERSION)


def test_only_the_model_refuses_another_value_and_forgets_what_has_no_label() -> None:
    """As botocore documents it: moto writes the new value over the old."""
    secret = in_the_model()
    secret.put(VERSION, NEW)
    with pytest.raises(AwsRefusedError, match="ResourceExistsException"):
        secret.put(VERSION, OTHER)
    secret.move(PENDING, origin=VERSION, to=None)
    assert secret.find_token(VERSION) is None
    assert PREVIOUS not in secret.versions().by_label
