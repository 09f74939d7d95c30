"""A user, its user group and its group as a stack: what is sent to ElastiCache, and when."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from redis.exceptions import AuthenticationError

from emulator.nodes.server import connect
from rehearsal.common.rehearsal import Clients, Rehearsal
from tests.emulator.aws.helpers import Stacks, eventually, resource
from tests.emulator.aws.test_deletion_policies import group, secret, subnets

__all__ = ["subnets"]

FULL, LESS = "on ~* &* +@all", "on ~* &* +@all -@dangerous"
RESOLVED = {"Fn::Sub": "{{resolve:secretsmanager:${Token}:SecretString}}"}

Taken = Callable[[str], bool]


class Template:
    """The resources of a stack whose ids are `name` and what follows from it."""

    def __init__(self, subnets: list[str]) -> None:
        self.name = f"g{uuid.uuid4().hex[:8]}"
        self._subnets = subnets

    def __call__(
        self, access: str = FULL, *, kept: str = "Delete", fails: bool = False, **more: Any
    ) -> dict[str, Any]:
        """With this access string; one that `fails` does so after the user has been changed."""
        made = {
            "Token": secret("Delete"),
            "User": resource(
                "ElastiCache::User",
                kept=kept,
                UserId=f"{self.name}-default",
                UserName="default",
                Engine="redis",
                AccessString=access,
                Passwords=[RESOLVED],
            ),
            "Users": resource(
                "ElastiCache::UserGroup",
                kept=kept,
                UserGroupId=f"{self.name}-users",
                Engine="redis",
                UserIds=[{"Ref": "User"}],
            ),
            **group(
                self.name,
                subnets=self._subnets,
                TransitEncryptionEnabled=True,
                UserGroupIds=[{"Ref": "Users"}],
                **more,
            ),
        }
        if fails:
            wrong = {"QueueName": self.name, "RedrivePolicy": {"Ref": "Nothing"}}
            made["Alarm"] = resource("SQS::Queue", after="User", **wrong)
        return made


@pytest.fixture
def template(subnets: list[str]) -> Template:
    return Template(subnets)


@pytest.fixture
def promise(embedded_aws: Rehearsal) -> Iterator[Callable[..., None]]:
    yield lambda **values: embedded_aws.ask("promise", **values)
    embedded_aws.ask("promise")


@pytest.fixture
def taken(embedded_aws: Rehearsal, template: Template) -> Taken:
    def ask(password: str) -> bool:
        (found,) = embedded_aws.aws("elasticache").describe_replication_groups(
            ReplicationGroupId=template.name
        )["ReplicationGroups"]
        endpoint = found["NodeGroups"][0]["PrimaryEndpoint"]
        at = endpoint["Address"], endpoint["Port"]
        authority = str(embedded_aws.authority)
        with connect(*at, ca_file=authority, password=password) as redis:
            try:
                return bool(redis.ping())
            except AuthenticationError:
                return False

    return ask


def move(aws: Clients, stacks: Stacks, name: str, template: Template) -> tuple[str, str]:
    """Give the secret and then the user another password, as a rotation does; both passwords."""
    manager, arn = aws("secretsmanager"), stacks.physical_id(name, "Token")
    first = manager.get_secret_value(SecretId=arn)["SecretString"]
    second = uuid.uuid4().hex
    manager.put_secret_value(SecretId=arn, SecretString=second)
    aws("elasticache").modify_user(UserId=f"{template.name}-default", Passwords=[second])
    return first, second


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("old", ["true", "false"])
def test_a_change_of_the_user_and_its_rollback_send_the_passwords_of_now_or_the_first_ones(
    old: str,
    fails: bool,
    stacks: Stacks,
    template: Template,
    taken: Taken,
    promise: Callable[..., None],
) -> None:
    promise(old_passwords=old)
    name = stacks.create(template())
    first, second = move(stacks.aws, stacks, name, template)
    status = "UPDATE_ROLLBACK_COMPLETE" if fails else "UPDATE_COMPLETE"
    assert stacks.update(name, template(LESS, fails=fails)) == status
    assert (taken(first), taken(second)) == (old == "true", old == "false")
    (user,) = stacks.aws("elasticache").describe_users(UserId=f"{template.name}-default")["Users"]
    assert ("-@dangerous" in user["AccessString"] or "-flushall" in user["AccessString"]) != fails


def test_what_a_stack_left_makes_the_next_one_fail_and_a_failed_one_leaves_nothing(
    stacks: Stacks, template: Template
) -> None:
    elasticache, kept = stacks.aws("elasticache"), template(kept="RetainExceptOnCreate")
    user, users = f"{template.name}-default", f"{template.name}-users"
    stacks.delete(stacks.create(kept))
    assert "UserAlreadyExists" in stacks.refused(kept)
    elasticache.delete_user_group(UserGroupId=users)
    eventually(lambda: gone(elasticache.describe_user_groups, UserGroupId=users), "it is deleted")
    elasticache.delete_user(UserId=user)
    eventually(lambda: gone(elasticache.describe_users, UserId=user), "it is deleted")
    elasticache.create_user_group(UserGroupId=users, Engine="redis", UserIds=["default"])
    assert "UserGroupAlreadyExists" in stacks.refused(kept)
    assert gone(elasticache.describe_users, UserId=user)


def test_from_a_token_to_a_user_group_a_group_is_replaced(
    stacks: Stacks, template: Template, subnets: list[str]
) -> None:
    token = group(template.name, subnets=subnets, TransitEncryptionEnabled=True, AuthToken=RESOLVED)
    name = stacks.made({"Token": secret("Delete"), **token})
    assert stacks.update(name, template()) == "UPDATE_ROLLBACK_COMPLETE"
    assert "requires replacing" in stacks.reasons(name)


def gone(describe: Callable[..., object], **named: str) -> bool:
    try:
        describe(**named)
    except ClientError as error:
        return "NotFound" in str(error)
    return False
