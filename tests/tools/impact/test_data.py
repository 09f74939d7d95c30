"""What endangers data, made on our own templates: none of it may pass, all of it is named."""

from typing import Any

import pytest

from tests.support import Stacks
from tests.tools.review.world import DATA, GROUP, Change, World, found, reviewed
from tools.review.findings import What

KEY = "AWS::KMS::Key"
VAULT = "AWS::SecretsManager::Secret"
USER = "AWS::ElastiCache::User"
USERS = "AWS::ElastiCache::UserGroup"
LOG = "AWS::Logs::LogGroup"
QUEUE = "AWS::SQS::Queue"
PARAMETERS = "AWS::ElastiCache::ParameterGroup"
SUBNETS = "AWS::ElastiCache::SubnetGroup"
SECURITY = "AWS::EC2::SecurityGroup"
TOPIC = "AWS::SNS::Topic"
STACK = "AWS::CloudFormation::Stack"


def setting(kind: str, name: str, value: Any) -> Change:
    """Another value of one property of the first resource of a type."""
    return lambda world: world.of(kind).__setitem__(name, value)


def without(kind: str, name: str) -> Change:
    return lambda world: world.of(kind).__delitem__(name)


def attribute(kind: str, name: str, value: str) -> Change:
    return lambda world: world.where(kind)[2].__setitem__(name, value)


def unprotected(world: World) -> None:
    world.stacks[DATA].artifact["properties"]["terminationProtection"] = False


def elsewhere(world: World) -> None:
    world.stacks[DATA].artifact["environment"] = "aws://111122223333/eu-west-1"


def stack_gone(world: World) -> None:
    del world.stacks[DATA]


def a_token_instead_of_users(world: World) -> None:
    del world.of(GROUP)["UserGroupIds"]
    world.of(GROUP)["AuthToken"] = "{{resolve:secretsmanager:token:SecretString}}"


def key_without_administrators(world: World) -> None:
    del world.of(KEY)["KeyPolicy"]["Statement"][0]


def key_closed(world: World) -> None:
    world.of(KEY)["KeyPolicy"]["Statement"].append(
        {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}
    )


def application_shut_out(world: World) -> None:
    world.remove("AWS::EC2::SecurityGroupIngress", Description="Application servers")


def looked_up(world: World) -> None:
    world.stacks[DATA].body["Mappings"] = {"Ports": {"redis": {"port": 6380}}}


def maybe_not_there(world: World) -> None:
    world.where(GROUP)[2]["Condition"] = "Wanted"


def other_type(world: World) -> None:
    world.where(QUEUE)[2]["Type"] = "AWS::SNS::Topic"


DANGERS: list[tuple[str, Change, What, str]] = [
    # What is lost.
    ("the group leaves", lambda w: w.remove(GROUP), What.DELETE, GROUP),
    ("the group is renamed", lambda w: w.rename(GROUP), What.DELETE, GROUP),
    ("the key leaves", lambda w: w.remove(KEY), What.DELETE, KEY),
    ("the token leaves", lambda w: w.remove(VAULT), What.DELETE, VAULT),
    ("the token is renamed", lambda w: w.rename(VAULT), What.DELETE, VAULT),
    ("a log group leaves", lambda w: w.remove(LOG), What.DELETE, LOG),
    ("the queue is of another type", other_type, What.DELETE, QUEUE),
    ("the group is made on a condition", maybe_not_there, What.DELETE, GROUP),
    ("the stack leaves the app", stack_gone, What.DELETE, STACK),
    ("the stack moves", elsewhere, What.DELETE, STACK),
    # What is made anew, and empty.
    ("another port", setting(GROUP, "Port", 6380), What.REPLACE, GROUP),
    ("another name", setting(GROUP, "ReplicationGroupId", "other"), What.REPLACE, GROUP),
    (
        "no encryption at rest",
        setting(GROUP, "AtRestEncryptionEnabled", False),
        What.REPLACE,
        GROUP,
    ),
    ("another key", setting(GROUP, "KmsKeyId", "alias/other"), What.REPLACE, GROUP),
    ("no key", without(GROUP, "KmsKeyId"), What.REPLACE, GROUP),
    ("from a snapshot", setting(GROUP, "SnapshotName", "yesterday"), What.REPLACE, GROUP),
    ("a token instead of users", a_token_instead_of_users, What.REPLACE, GROUP),
    ("another user", setting(USER, "UserId", "other"), What.REPLACE, USER),
    ("a user of another name", setting(USER, "UserName", "other"), What.REPLACE, USER),
    ("another user group", setting(USERS, "UserGroupId", "other"), What.REPLACE, USERS),
    ("shards by hand", setting(GROUP, "NodeGroupConfiguration", [{}]), What.REPLACE, GROUP),
    ("another secret", setting(VAULT, "Name", "token"), What.REPLACE, VAULT),
    (
        "a new random token",
        lambda w: w.of(VAULT)["GenerateSecretString"].__setitem__("PasswordLength", 32),
        What.REPLACE,
        VAULT,
    ),
    ("a log of another name", setting(LOG, "LogGroupName", "/other"), What.REPLACE, LOG),
    ("a queue of another name", setting(QUEUE, "QueueName", "other"), What.REPLACE, QUEUE),
    # What carries the data, made anew under it.
    ("other subnets' name", setting(SUBNETS, "CacheSubnetGroupName", "x"), What.REPLACE, GROUP),
    (
        "another family",
        setting(PARAMETERS, "CacheParameterGroupFamily", "redis7"),
        What.REPLACE,
        PARAMETERS,
    ),
    ("another description", setting(SECURITY, "GroupDescription", "x"), What.REPLACE, SECURITY),
    ("the events' topic renamed", setting(TOPIC, "TopicName", "x"), What.REPLACE, TOPIC),
    # What interrupts.
    (
        "another node type",
        setting(GROUP, "CacheNodeType", "cache.m6g.large"),
        What.INTERRUPT,
        GROUP,
    ),
    ("another version", setting(GROUP, "EngineVersion", "7.1"), What.INTERRUPT, GROUP),
    ("another engine", setting(GROUP, "Engine", "valkey"), What.INTERRUPT, GROUP),
    ("no users", without(GROUP, "UserGroupIds"), What.INTERRUPT, GROUP),
    ("another password", setting(USER, "Passwords", ["x" * 20]), What.INTERRUPT, USER),
    ("other rights", setting(USER, "AccessString", "on ~* +@all"), What.INTERRUPT, USER),
    ("tags of the user", setting(USER, "Tags", [{"Key": "a", "Value": "b"}]), What.INTERRUPT, USER),
    ("no password", setting(USER, "NoPasswordRequired", True), What.WEAKEN, USER),
    ("another member", setting(USERS, "UserIds", ["other"]), What.INTERRUPT, USERS),
    ("other parameters", setting(GROUP, "CacheParameterGroupName", "x"), What.INTERRUPT, GROUP),
    ("no TLS", setting(GROUP, "TransitEncryptionEnabled", False), What.INTERRUPT, GROUP),
    ("other security groups", setting(GROUP, "SecurityGroupIds", ["sg-1"]), What.INTERRUPT, GROUP),
    ("the key is off", setting(KEY, "Enabled", False), What.INTERRUPT, KEY),
    ("the key has no administrators", key_without_administrators, What.INTERRUPT, KEY),
    ("the key refuses everybody", key_closed, What.INTERRUPT, KEY),
    ("the application is shut out", application_shut_out, What.INTERRUPT, SECURITY),
    (
        "a parameter that needs a restart",
        lambda w: w.of(PARAMETERS)["Properties"].__setitem__("databases", "4"),
        What.INTERRUPT,
        PARAMETERS,
    ),
    ("values are looked up", looked_up, What.INTERRUPT, STACK),
    ("a property nobody knows", setting(GROUP, "Newfangled", "on"), What.INTERRUPT, GROUP),
    # What is protected less.
    ("fewer backups", setting(GROUP, "SnapshotRetentionLimit", 1), What.WEAKEN, GROUP),
    ("no backups", without(GROUP, "SnapshotRetentionLimit"), What.WEAKEN, GROUP),
    ("one zone", setting(GROUP, "MultiAZEnabled", False), What.WEAKEN, GROUP),
    ("no failover", without(GROUP, "AutomaticFailoverEnabled"), What.WEAKEN, GROUP),
    ("a replica less", setting(GROUP, "NumCacheClusters", 2), What.WEAKEN, GROUP),
    ("data in the clear", without(GROUP, "TransitEncryptionEnabled"), What.WEAKEN, GROUP),
    ("no snapshot at the end", attribute(GROUP, "DeletionPolicy", "Delete"), What.WEAKEN, GROUP),
    ("none when replaced", attribute(GROUP, "UpdateReplacePolicy", "Delete"), What.WEAKEN, GROUP),
    ("the key is not kept", attribute(KEY, "DeletionPolicy", "Delete"), What.WEAKEN, KEY),
    ("shards replace", lambda w: w.where(GROUP)[2].pop("UpdatePolicy"), What.WEAKEN, GROUP),
    ("logs kept for less", setting(LOG, "RetentionInDays", 7), What.WEAKEN, LOG),
    ("logs not encrypted", without(LOG, "KmsKeyId"), What.WEAKEN, LOG),
    ("the key grows old", setting(KEY, "EnableKeyRotation", False), What.WEAKEN, KEY),
    ("less time for regret", setting(KEY, "PendingWindowInDays", 7), What.WEAKEN, KEY),
    ("events kept for less", setting(QUEUE, "MessageRetentionPeriod", 60), What.WEAKEN, QUEUE),
    ("events fall silent", without(GROUP, "NotificationTopicArn"), What.WEAKEN, GROUP),
    (
        "other keys are evicted",
        lambda w: w.of(PARAMETERS)["Properties"].__setitem__("maxmemory-policy", "volatile-ttl"),
        What.WEAKEN,
        PARAMETERS,
    ),
    ("a zone less", lambda w: w.of(SUBNETS)["SubnetIds"].pop(), What.WEAKEN, SUBNETS),
    ("no termination protection", unprotected, What.WEAKEN, STACK),
]


@pytest.mark.parametrize(
    ("change", "what", "kind"),
    [pytest.param(*danger, id=name) for name, *danger in DANGERS],
)
def test_no_danger_to_data_passes_and_each_is_named(
    production_stacks: Stacks, change: Change, what: What, kind: str
) -> None:
    review = reviewed(production_stacks, change)
    assert not review.passes
    assert found(review, what, kind), review.findings


def test_a_replacement_goes_on_to_what_refers_to_it_in_every_stack(
    production_stacks: Stacks,
) -> None:
    review = reviewed(production_stacks, setting(VAULT, "Name", "token"))
    schedules = [place for place in review.replaced if "Schedule" in place.name]
    assert schedules, "the rotation schedule's SecretId is the secret, by an import"
    assert schedules[0].stack.endswith("-operations")


def test_a_network_of_our_own_is_not_replaced_under_the_group(development_stacks: Stacks) -> None:
    review = reviewed(development_stacks, setting("AWS::EC2::VPC", "CidrBlock", "10.9.0.0/16"))
    replaced = {one.kind for one in review.open if one.what is What.REPLACE}
    assert {"AWS::EC2::VPC", "AWS::EC2::Subnet", SECURITY} <= replaced
    vpc = found(review, What.REPLACE, "AWS::EC2::VPC")[0]
    assert "RedisGroup" in vpc.effect


def test_what_becomes_of_the_data_is_what_the_policies_say(production_stacks: Stacks) -> None:
    def fate(change: Change, what: What, kind: str) -> str:
        return found(reviewed(production_stacks, change), what, kind)[0].effect

    assert "last snapshot" in fate(lambda w: w.remove(GROUP), What.DELETE, GROUP)
    assert "stays in AWS" in fate(lambda w: w.remove(KEY), What.DELETE, KEY)
    assert "deleted with it" in fate(lambda w: w.remove(LOG), What.DELETE, LOG)
    same_name = fate(setting(GROUP, "Port", 1), What.REPLACE, GROUP)
    assert "last snapshot" in same_name
    assert "the update fails" in same_name
    other_name = fate(setting(GROUP, "ReplicationGroupId", "x"), What.REPLACE, GROUP)
    assert "the update fails" not in other_name
