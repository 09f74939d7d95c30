"""What `make adopt` refuses, by answers of AWS's own shapes; rehearsal/adoption does the rest."""

from datetime import UTC, datetime
from typing import Any

import pytest

from environments.schema import Settings
from shared.auth_token import AuthToken
from tests.lambda_rotation.model.fake_aws import ServiceError, fake_service
from tests.stacks.test_attached import ATTACHED, SECRET
from tests.support import Document
from tests.variants import changed
from tools.adopt import login
from tools.adopt.__main__ import main
from tools.adopt.described import check, credit_floor
from tools.adopt.switch import Switch
from tools.command import Answer

GROUP: Document = {
    "ReplicationGroupId": "vibewell-redis",
    "Status": "available",
    "TransitEncryptionEnabled": True,
    "AuthTokenEnabled": True,
    "MemberClusters": ["vibewell-redis-001"],
}
USER: Document = {
    "Status": "active",
    "Authentication": {"Type": "password", "PasswordCount": 1},
}
LOG: Document = {
    "LogType": "slow-log",
    "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": "/owner/slow-log"}},
}
TOPIC = {"TopicArn": "arn:aws:sns:us-east-1:111122223333:owner", "TopicStatus": "active"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"Status": "modifying"}, "is modifying"),
        ({"TransitEncryptionEnabled": False}, "is without TLS"),
        ({"UserGroupIds": ["owner-users"]}, "has the user group owner-users"),
        ({"AuthTokenEnabled": False}, "would lock its clients out"),
    ],
)
def test_a_group_that_cannot_be_attached_is_refused(change: Document, says: str) -> None:
    check(GROUP)
    with pytest.raises(Answer, match=says):
        check(GROUP | change)


class World:
    """AWS with one group; ``made`` are the modifications that were asked for."""

    def __init__(self, **answers: Any) -> None:
        self.made: list[Document] = []
        self.said: list[str] = []
        self._answers: Document = {
            "describe_replication_groups": {"ReplicationGroups": [GROUP]},
            "describe_cache_clusters": {"CacheClusters": [{"CacheClusterId": "a"}]},
            "describe_users": {"Users": [USER]},
            "describe_stack_resources": ServiceError("ValidationError"),
            "get_secret_value": {"SecretString": "t" * 32, "CreatedDate": datetime.now(UTC)},
            "get_caller_identity": {"Arn": "arn:aws:iam::111122223333:user/a"},
            **answers,
        }

    def client(self, name: str) -> Any:
        service = fake_service(name)
        service.answer = self._answer
        return service.client

    def _answer(self, operation: str, asked: Document) -> Document:
        if operation == "modify_replication_group":
            self.made.append(asked)
            return {}
        answer = self._answers[operation]
        if isinstance(answer, ServiceError):
            raise answer
        found: Document = answer
        return found

    def switch(self, document: Document) -> Switch:
        settings = Settings.model_validate(changed(document, ATTACHED))
        return Switch(self.client, settings, self.said.append, lambda _: None)


@pytest.fixture
def logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address takes the stored token."""
    monkeypatch.setattr(login, "endpoints", lambda *_: [])


OWNED = {"StackResources": [{"StackName": "owner"}]}


@pytest.mark.usefixtures("logged_in")
@pytest.mark.parametrize(
    ("answers", "released", "says"),
    [
        (
            {
                "describe_stack_resources": OWNED,
                "get_template": {"TemplateBody": "G: {Properties: {AuthToken: !Ref T}}"},
            },
            True,
            "the template of owner has an AuthToken",
        ),
        ({}, False, "terraform state rm"),
        ({"describe_users": ServiceError("UserNotFound")}, True, "make deploy ENV=production"),
        ({"describe_users": {"Users": [USER | {"Status": "modifying"}]}}, True, "is modifying"),
        (
            {
                "describe_users": {
                    "Users": [USER | {"Authentication": {"Type": "password", "PasswordCount": 2}}]
                }
            },
            True,
            "with 2 passwords",
        ),
    ],
)
def test_nothing_is_switched_while_something_could_lock_clients_out(
    answers: Document, released: bool, says: str, document: Document
) -> None:
    world = World(**answers)
    with pytest.raises(Answer, match=says):
        world.switch(document).attach("vibewell-redis", released=released)
    assert not world.made


@pytest.mark.usefixtures("logged_in")
def test_a_group_is_switched_by_one_call_and_only_when_its_id_confirms_it(
    document: Document,
) -> None:
    world = World()
    assert not world.switch(document).attach("vibewell-redis-staging", released=True)
    assert not world.made
    assert world.switch(document).attach("vibewell-redis", released=True)
    assert world.made == [
        {
            "ReplicationGroupId": "vibewell-redis",
            "ApplyImmediately": True,
            "AuthTokenUpdateStrategy": "DELETE",
            "UserGroupIdsToAdd": ["vibewell-redis-users"],
        }
    ]


@pytest.mark.parametrize(
    ("also", "answers", "says"),
    [
        (
            "logs",
            {
                "describe_replication_groups": {
                    "ReplicationGroups": [GROUP | {"LogDeliveryConfigurations": [LOG]}]
                }
            },
            "delivers its slow-log elsewhere",
        ),
        (
            "events",
            {"describe_cache_clusters": {"CacheClusters": [{"NotificationConfiguration": TOPIC}]}},
            "sends its events to arn:aws:sns:us-east-1:111122223333:owner already",
        ),
    ],
)
def test_what_the_owner_listens_to_is_not_taken(
    also: str, answers: Document, says: str, document: Document
) -> None:
    world = World(**answers)
    with pytest.raises(Answer, match=says):
        world.switch(document).deliver(also, "vibewell-redis")
    assert world.switch(document).release("vibewell-redis")  # nothing of ours to take back
    assert not world.made


def test_a_change_that_does_not_end_is_said_and_not_waited_for_longer(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = {"ReplicationGroups": [GROUP | {"Status": "modifying"}]}
    monkeypatch.setattr("tools.adopt.switch.LONGEST", 10.0)
    world = World(describe_replication_groups=busy)
    with pytest.raises(Answer, match="is not available after 0 minutes"):
        world.switch(document).deliver("logs", "vibewell-redis")


def test_a_token_that_cannot_be_a_password_is_refused_without_being_shown() -> None:
    token = AuthToken("short", created=datetime.now(UTC))
    with pytest.raises(Answer, match="cannot be the password") as refused:
        login.prove(token, [])
    assert "short" not in str(refused.value)


def test_the_token_is_kept_when_the_secret_has_it_already(production: Settings) -> None:
    asked: list[str] = []
    service = fake_service("secretsmanager")

    def answer(operation: str, _asked: Document) -> Document:
        asked.append(operation)
        return {"ARN": SECRET, "SecretString": "t" * 32, "CreatedDate": datetime.now(UTC)}

    service.answer = answer

    def token(text: str) -> AuthToken:
        return AuthToken(text, datetime.now(UTC))

    assert login.store(service.client, production, token("t" * 32)) == SECRET
    assert asked == ["get_secret_value"]
    login.store(service.client, production, token("u" * 32))
    assert asked[1:] == ["get_secret_value", "put_secret_value"]


@pytest.mark.parametrize(
    ("kind", "floor"),
    [
        ("cache.t3.medium", 115),
        ("cache.t4g.small", 115),
        ("cache.t3.micro", 57),
        ("cache.m6g.large", None),
    ],
)
def test_the_credit_alarm_follows_the_node_type(
    kind: str, floor: int | None, production: Settings
) -> None:
    assert credit_floor(production, kind) == floor


@pytest.mark.parametrize("arguments", [[], ["production", "", "logs alarms"]])
def test_a_command_that_says_too_little_or_too_much_is_usage(arguments: list[str]) -> None:
    assert main(arguments) == 2
