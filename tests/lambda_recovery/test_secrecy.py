"""No failure of a call repeats what it was given: it would stand in the execution's history."""

import traceback

import boto3
import pytest

from recovery.restore import token_of
from shared.auth_token import LENGTH
from shared.aws_calls import ask
from shared.errors import AwsRefusedError, NotYetError
from shared.secret import Secret
from tests.lambda_recovery.example import RUN, TOKEN, stubbed


def test_a_parameter_that_boto_refuses_is_not_repeated() -> None:
    client = boto3.client("elasticache")  # a stubbed one answers before it looks
    with pytest.raises(AwsRefusedError) as raised:
        ask(client.create_replication_group, "restore", AuthToken=[TOKEN])
    assert TOKEN not in "".join(traceback.format_exception(raised.value))
    assert str(raised.value) == "AWS refused to restore: ParamValidation"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InvalidParameterValue", AwsRefusedError),
        ("Throttling", NotYetError),
        ("InvalidReplicationGroupState", NotYetError),
    ],
)
def test_the_words_of_aws_are_not_passed_on(code: str, kind: type[Exception]) -> None:
    client, stubber = stubbed("elasticache")
    stubber.add_client_error("create_replication_group", code, f"Invalid token {TOKEN}")
    with pytest.raises(kind) as raised:
        ask(
            client.create_replication_group,
            "restore",
            ReplicationGroupId="x",
            ReplicationGroupDescription="x",
        )
    assert TOKEN not in "".join(traceback.format_exception(raised.value))
    assert code in str(raised.value)


def test_each_execution_makes_a_token_of_its_own() -> None:
    made = []
    for execution in ("one", "two"):
        manager, stubber = stubbed("secretsmanager")
        stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
        stubber.add_response("put_secret_value", {})
        made.append(token_of(Secret(manager, "secret"), RUN.group_id, execution))
        stubber.assert_no_pending_responses()
    assert made[0] != made[1]
    assert all(len(token) == LENGTH and token.isalnum() for token in made)
