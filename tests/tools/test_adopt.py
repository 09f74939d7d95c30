"""What `make adopt` refuses, by answers of AWS's own shapes; rehearsal/adoption does the rest."""

import re
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
from tests.stacks.test_attached import ATTACHED
from tests.support import Document
from tests.tools.account import ACTIVE_USER, ANSWERS, GROUPS, ID, OWNERS, SWITCHED, Case, Run
from tools.adopt import login
from tools.adopt.__main__ import main
from tools.command import Answer

MODIFY = "elasticache:ModifyReplicationGroup"
NODES, USERS = "elasticache:DescribeCacheClusters", "elasticache:DescribeUsers"
TOPIC = "arn:aws:sns:us-east-1:111122223333:owner"
LOG: Document = {
    "LogType": "slow-log",
    "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": "/owner/slow-log"}},
}


def adopted(run: Run, arguments: str, answers: Document, **after: Any) -> Any:
    return run(Case(main, arguments, "", OWNERS | answers, after, settings=ATTACHED))


def owners(**change: object) -> Document:
    return {GROUPS: OWNERS[GROUPS] | {f"ReplicationGroups[].{key}": change[key] for key in change}}


ATTACH = f"production {ID} - 1"


@pytest.mark.parametrize(
    ("arguments", "answers", "says"),
    [
        (ATTACH, owners(Status="modifying"), f"{ID} is modifying"),
        (ATTACH, owners(TransitEncryptionEnabled=False), "is without TLS"),
        (ATTACH, owners(UserGroupIds=["owner-users"]), "has the user group owner-users"),
        (ATTACH, owners(AuthTokenEnabled=False), "would lock its clients out"),
        (
            ATTACH,
            {
                "cloudformation:DescribeStackResources": {"StackResources[].StackName": "owner"},
                "cloudformation:GetTemplate": {"TemplateBody": "G: {AuthToken: !Ref T}"},
            },
            "the template of owner has an AuthToken",
        ),
        (f"production {ID}", {}, "terraform state rm"),
        (ATTACH, {USERS: "UserNotFound"}, "make deploy ENV=production"),
        (ATTACH, {USERS: ACTIVE_USER | {"Users[].Status": "modifying"}}, "is modifying"),
        (
            ATTACH,
            {USERS: ACTIVE_USER | {"Users[].Authentication.PasswordCount": 2}},
            "with 2 passwords",
        ),
        (
            f"production {ID} logs",
            {GROUPS: SWITCHED[GROUPS] | {"ReplicationGroups[].LogDeliveryConfigurations": [LOG]}},
            "delivers its slow-log elsewhere",
        ),
        (
            f"production {ID} events",
            SWITCHED
            | {
                NODES: {
                    "CacheClusters[].NotificationConfiguration": {
                        "TopicArn": TOPIC,
                        "TopicStatus": "active",
                    }
                }
            },
            f"sends its events to {TOPIC} already",
        ),
    ],
)
def test_nothing_is_changed_while_it_could_lock_clients_out_or_take_what_the_owner_reads(
    arguments: str, answers: Document, says: str, run: Run
) -> None:
    ended = adopted(run, arguments, answers)
    assert ended.status == 1
    assert re.search(says, ended.said), ended.said
    assert ended.changes == []
    undone = adopted(run, f"production - - - {ID}", answers)
    assert (undone.status, undone.changes) == (0, []), "nothing is ours"
    assert "The group, its data, its addresses and its login stay" in undone.said


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (owners(TransitEncryptionEnabled=False), "is without TLS"),
        ({NODES: ANSWERS[NODES] | {"CacheClusters[].SecurityGroups": None}}, "no security group"),
    ],
)
def test_a_group_that_cannot_be_attached_is_refused_before_its_token_is_stored(
    answers: Document, says: str, run: Run
) -> None:
    ended = run(Case(main, "production", "", OWNERS | answers))
    assert (ended.status, ended.changes) == (1, [])
    assert says in ended.said


def test_a_group_is_switched_by_one_call_and_only_when_its_id_confirms_it(run: Run) -> None:
    shown = adopted(run, f"production {ID}-staging - 1", {})
    assert (shown.status, shown.changes) == (0, [])
    assert f"add ATTACH={ID}" in shown.said
    ended = adopted(run, ATTACH, {}, **{MODIFY: SWITCHED})
    assert ended.status == 0, ended.said
    assert ended.request(MODIFY) == {
        "ReplicationGroupId": ID,
        "ApplyImmediately": True,
        "AuthTokenUpdateStrategy": "DELETE",
        "UserGroupIdsToAdd": ["vibewell-redis-users"],
    }


def test_an_answer_from_before_the_switch_is_no_proof_of_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Available, and still without users: the group's own token is what would log in."""
    busy = SWITCHED[GROUPS] | {"ReplicationGroups[].Status": "modifying"}
    states = {GROUPS: [OWNERS[GROUPS], OWNERS[GROUPS], busy, SWITCHED[GROUPS]]}
    proofs: list[Any] = []
    monkeypatch.setattr(login, "prove", lambda *given: proofs.append(given[2:]))
    ended = adopted(run, ATTACH, {}, **{MODIFY: states})
    before, (after,) = proofs
    assert not before
    assert "has its users by now" in after
    asked = [name for name, _ in ended.called]
    # Four until it has its users and is available, and the one before its logs and events.
    assert asked[asked.index(MODIFY) :].count(GROUPS) == 5


def test_a_change_that_does_not_end_is_said_and_not_waited_for_longer(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.adopt.switch.LONGEST", 10.0)
    ended = adopted(run, ATTACH, {})
    assert ended.status == 1
    assert "is not available with this change after 0 min" in ended.said


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
