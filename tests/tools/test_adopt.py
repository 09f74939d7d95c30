"""What `make adopt` refuses, by answers of AWS's own shapes; rehearsal/adoption does the rest."""

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from environments.schema import Settings
from shared.auth_token import AuthToken
from shared.group import Endpoint
from shared.login import Logins
from tests.lambda_rotation.model.fake_aws import ServiceError, fake_service
from tests.stacks.test_attached import ATTACHED
from tests.support import Document
from tests.variants import changed
from tools.adopt import login
from tools.adopt.__main__ import main
from tools.adopt.described import check
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
            "describe_replication_groups": self._group,
            "describe_cache_clusters": {"CacheClusters": [{"CacheClusterId": "a"}]},
            "describe_users": {"Users": [USER]},
            "describe_stack_resources": ServiceError("ValidationError"),
            "get_secret_value": {"SecretString": "t" * 32, "CreatedDate": datetime.now(UTC)},
            "get_caller_identity": {"Arn": "arn:aws:iam::111122223333:user/a"},
            **answers,
        }

    def _group(self) -> Document:
        users = {"UserGroupIds": ["vibewell-redis-users"]} if self.made else {}
        return {"ReplicationGroups": [GROUP | users]}

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
        found: Document = answer() if callable(answer) else answer
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


def test_an_answer_from_before_the_switch_is_no_proof_of_it(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Available, and still without users: the group's own token is what would log in."""
    monkeypatch.setattr(login, "endpoints", lambda *_: [])
    group, ours = [GROUP], GROUP | {"UserGroupIds": ["vibewell-redis-users"]}
    states = iter([[GROUP], [GROUP], [ours | {"Status": "modifying"}], [ours]])

    def described() -> Document:
        group[:] = next(states)
        return {"ReplicationGroups": list(group)}

    def prove(*given: Any) -> None:
        assert group == [ours if world.made else GROUP]
        said.append(given[2:])

    said: list[Any] = []
    monkeypatch.setattr(login, "prove", prove)
    world = World(describe_replication_groups=described)
    assert world.switch(document).attach("vibewell-redis", released=True)
    before, (after,) = said
    assert not before
    assert "has its users by now" in after


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
    with pytest.raises(Answer, match="is not available with this change after 0 min"):
        world.switch(document).deliver("logs", "vibewell-redis")


@pytest.mark.parametrize(
    ("text", "taken", "is_open", "says"),
    [
        ("short", True, False, "cannot be the password"),
        ("t" * 32, False, False, "refuses the token"),
        ("t" * 32, True, True, "serves clients that send no token"),
    ],
)
def test_a_token_that_is_not_what_every_client_sends_is_refused_without_being_shown(
    text: str, taken: bool, is_open: bool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = AuthToken(text, created=datetime.now(UTC))
    monkeypatch.setattr(login, "try_tokens", lambda *_: Logins({token: taken}, is_open))
    with pytest.raises(Answer, match=f"{says}.*Nothing was changed") as refused:
        login.prove(token, [Endpoint("primary", "localhost", 6379)])
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    ("stored", "taken", "says"),
    [
        (None, False, ""),
        ("t" * 32, True, ""),
        ("u" * 32, False, ""),
        ("u" * 32, True, "holds another token that Redis takes"),
    ],
)
@mock_aws
def test_the_token_becomes_awscurrent_unless_another_is_in_use(
    stored: str | None,
    taken: bool,
    says: str,
    production: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets = boto3.client("secretsmanager", region_name="us-east-1")
    if stored:
        secrets.create_secret(Name="vibewell-redis-production-token", SecretString=stored)
    tried = Logins({AuthToken(str(stored), datetime.now(UTC)): taken}, open=False)
    monkeypatch.setattr(login, "try_tokens", lambda *_: tried)
    token, where = AuthToken("t" * 32, datetime.now(UTC)), [Endpoint("primary", "localhost", 1)]
    with pytest.raises(Answer, match=says) if says else nullcontext():
        arn = login.store(secrets, production, token, where)
        assert login.stored(secrets, arn).text == token.text
    (secret,) = secrets.list_secrets()["SecretList"]
    versions = secrets.list_secret_version_ids(SecretId=secret["ARN"])["Versions"]
    assert len(versions) == (2 if stored == "u" * 32 and not says else 1)


@pytest.mark.parametrize("arguments", [[], ["production", "", "logs alarms"]])
def test_a_command_that_says_too_little_or_too_much_is_usage(arguments: list[str]) -> None:
    assert main(arguments) == 2
