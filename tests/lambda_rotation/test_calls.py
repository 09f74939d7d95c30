"""The calls of AWS: what is asked, what becomes of an answer, and of a refusal.

The secret's are tried on moto and on the model: the model answers as moto does, or stricter.
"""

import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker
from moto import mock_aws

from shared.auth_token import AuthToken
from shared.aws_calls import ask
from shared.errors import AwsRefusedError, NotYetError, StoppedError, WrongVersionError
from shared.group import Endpoint, Group
from shared.secret import Secret
from shared.user import User, UserState
from shared.versions import CURRENT, PENDING
from tests.lambda_rotation.model.fake_aws import ServiceError, fake_service
from tests.lambda_rotation.model.services import SecretsManager
from tests.lambda_rotation.model.world import EPOCH

HOST = "vibewell-redis.abc.use1.cache.amazonaws.com"
TOKEN, FIRST, NEW, OTHER = "T" * 64, "First" * 12 + "1234", "A" * 64, "B" * 64
VERSION, SECOND = "v" * 32, "w" * 32
QUOTA = "LimitExceededException"
RETRIED = {  # private there, and with every version of botocore the latest
    *ThrottledRetryableChecker._THROTTLED_ERROR_CODES,  # noqa: SLF001
    *TransientRetryableChecker._TRANSIENT_ERROR_CODES,  # noqa: SLF001
}


def refusal(code: str, status: int = 400) -> ClientError:
    error = {"Code": code, "Message": f"{TOKEN} is wrong"}
    metadata = {"HTTPStatusCode": status}
    return ClientError({"Error": error, "ResponseMetadata": metadata}, "ModifyUser")


def problem(failure: Exception) -> StoppedError:
    def modify_user(**_: str) -> NoReturn:
        raise failure

    with pytest.raises(StoppedError) as raised:
        ask(modify_user, Passwords=[TOKEN])
    return raised.value


@pytest.mark.parametrize(
    "failure",
    [
        *map(refusal, sorted(RETRIED - {QUOTA})),
        *(
            refusal(f"Invalid{of}State")
            for of in ("ReplicationGroup", "User", "UserGroup", "Snapshot")
        ),
        *(refusal("Whatever", status) for status in (500, 503)),
        EndpointConnectionError(endpoint_url="https://elasticache"),
    ],
    ids=str,
)
def test_what_passes_by_itself_and_what_botocore_tries_again_is_waited_for(
    failure: Exception,
) -> None:
    assert isinstance(problem(failure), NotYetError)


@pytest.mark.parametrize(
    "code", [QUOTA, "AccessDeniedException", "InvalidParameterValue", "NoSuch"]
)
def test_what_does_not_pass_is_a_refusal_with_its_code(code: str) -> None:
    found = problem(refusal(code))
    assert isinstance(found, AwsRefusedError)
    assert found.code == code
    assert str(found) == f"AWS refused ModifyUser: {code}"


@pytest.mark.parametrize(
    "failure", [refusal("AccessDenied"), ParamValidationError(report=f"{TOKEN} is too short")]
)
def test_no_message_and_nothing_behind_it_repeats_what_was_sent(failure: Exception) -> None:
    assert TOKEN in str(failure)
    found = problem(failure)
    assert TOKEN not in "".join(traceback.format_exception(found))
    assert found.__context__ is found.__cause__ is None


def answering(answer: Any, service: str = "elasticache") -> tuple[Any, dict[str, Any]]:
    """A client that answers every operation so, and what it was asked last."""
    fake, kept = fake_service(service), dict[str, Any]()

    def call(operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        kept.update(asked)
        if isinstance(answer, str):
            raise ServiceError(answer)
        found: dict[str, Any] = answer(operation, asked) if callable(answer) else answer
        return found

    fake.answer = call
    return fake.client, kept


def address(name: str) -> dict[str, Any]:
    return {"Address": f"{name}.{HOST}", "Port": 6379}


def group(**of: Any) -> Group:
    return Group(answering({"ReplicationGroups": [{"NodeGroups": []} | of]})[0], "g")


def node(answer: Any) -> Endpoint | None:
    return Group(answering(answer)[0], "g").node("g-001")


MASTER = {"PrimaryEndpoint": address("master")}


@pytest.mark.parametrize(
    ("answer", "endpoints"),
    [
        (
            {"NodeGroups": [MASTER | {"ReaderEndpoint": address("replica")}]},
            {"primary": "master", "reader": "replica"},
        ),
        (
            {"NodeGroups": [{}, {}], "ConfigurationEndpoint": address("clustercfg")},
            {"configuration": "clustercfg"},
        ),
        *(
            ({"NodeGroups": [MASTER | {"ReaderEndpoint": known}]}, {"primary": "master"})
            for known in ({}, {"Port": 6379}, {"Address": HOST})
        ),
    ],
)
def test_clients_log_in_where_an_address_is_known(
    answer: dict[str, Any], endpoints: dict[str, str]
) -> None:
    state = group(**answer, MemberClusters=["g-001", "g-002"]).describe()
    assert state.members == ("g-001", "g-002")
    expected = [Endpoint(name, f"{host}.{HOST}", 6379) for name, host in endpoints.items()]
    assert list(state.endpoints) == expected


def test_a_group_without_an_address_is_waited_for() -> None:
    with pytest.raises(NotYetError, match="no address yet"):
        group(ConfigurationEndpoint={"Port": 6379}).describe()


def test_a_node_is_asked_for_by_its_name() -> None:
    nodes = [{"CacheNodeId": "0001", "Endpoint": address("g-001")}]
    client, asked = answering({"CacheClusters": [{"CacheNodes": nodes}]})
    assert Group(client, "g").node("g-001") == Endpoint("g-001", f"g-001.{HOST}", 6379)
    assert asked == {"CacheClusterId": "g-001", "ShowCacheNodeInfo": True}
    made: tuple[dict[str, Any], ...] = ({}, {"CacheNodes": []}, {"CacheNodes": [{"Port": 1}]})
    for cluster in made:
        assert node({"CacheClusters": [cluster]}) is None, "it is being made"
    assert node("CacheClusterNotFound") is None
    with pytest.raises(AwsRefusedError, match="AccessDenied"):
        node("AccessDenied")


@pytest.mark.parametrize(("kind", "passwords"), [("password", 2), ("no-password", None)])
def test_a_user_is_as_aws_describes_it(kind: str, passwords: int | None) -> None:
    kept = {"Type": kind} | ({"PasswordCount": passwords} if passwords else {})
    user = {"UserId": "u", "Status": "active", "Authentication": kept}
    expected = UserState("active", kind, passwords)
    client, asked = answering({"Users": [user]})
    assert User(client, "u").describe() == expected
    assert asked == {"UserId": "u"}


@pytest.mark.parametrize("close", [True, False])
def test_the_whole_list_of_passwords_is_sent_and_no_rights(close: bool) -> None:
    client, asked = answering({})
    tokens = [AuthToken(letter * 64, datetime.now(UTC)) for letter in "ab"]
    User(client, "u").replace_passwords(tokens, close=close)
    open_too = {"NoPasswordRequired": False} if close else {}
    assert asked == {"UserId": "u", "Passwords": ["a" * 64, "b" * 64]} | open_too


def secret_of(answer: Any) -> Secret:
    return Secret(answering(answer, "secretsmanager")[0], "token")


def in_the_model() -> Secret:
    model = SecretsManager(EPOCH)
    model.store("first-version-" + "0" * 32, FIRST, CURRENT)
    return secret_of(lambda operation, asked: getattr(model, operation)(asked))


@pytest.fixture(params=["moto", "model"])
def secret(request: pytest.FixtureRequest) -> Iterator[Secret]:
    if request.param == "model":
        yield in_the_model()
        return
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="us-east-1")
        made: dict[str, Any] = client.create_secret(Name="token", SecretString=FIRST)
        yield Secret(client, made["ARN"])


def test_a_value_and_its_label_are_stored_in_one_call(secret: Secret) -> None:
    first = secret.token(secret.versions().current)
    assert first.text == FIRST
    assert first.created.tzinfo is not None
    for _ in range(2):
        secret.put(VERSION, NEW)
        assert secret.versions().pending == VERSION != secret.versions().current
        assert secret.token(VERSION).text == NEW
    secret.put(SECOND, NEW)
    assert secret.versions().pending == SECOND
    secret.move(PENDING, origin=SECOND, to=None)
    assert secret.versions().pending is None
    assert secret.find_token("x" * 32) is None
    with pytest.raises(WrongVersionError):
        secret.token("x" * 32)


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


def test_tags_are_written_over_and_taken_away(secret: Secret) -> None:
    secret.tag({"redis-token:sent": "one", "other": "1", "third": "3"})
    secret.tag({"redis-token:sent": "two"})
    secret.untag("other", "third")
    assert secret.versions().tags == {"redis-token:sent": "two"}


def test_a_tag_without_a_value_is_an_empty_one() -> None:
    assert secret_of({"Tags": [{"Key": "owner"}]}).versions().tags == {"owner": ""}


@pytest.mark.parametrize("made", [{"SecretBinary": b"binary" * 9}, {"SecretString": ""}])
def test_a_secret_of_another_type_holds_no_usable_token(made: dict[str, Any]) -> None:
    assert not secret_of({"CreatedDate": EPOCH} | made).token(VERSION).usable
    with pytest.raises(AwsRefusedError, match="AccessDeniedException"):
        secret_of("AccessDeniedException").find_token(VERSION)  # is not taken for none
