"""What people change past CloudFormation, each with its way back and what a review must say."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rehearsal.common.deployed import PARAMETERS, settled, token
from rehearsal.common.rehearsal import Rehearsal, only, resources

GROUP = "vibewell-redis"
PREFIX = "vibewell-redis-production"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
STRANGER = "arn:aws:iam::999988887777:root"


@dataclass(frozen=True)
class Change:
    """``says`` is a part of a line of the report, while the change is there."""

    name: str
    do: Callable[[], Any]
    undo: Callable[[], Any]
    says: str


def changes(deployed: Rehearsal) -> Iterator[Change]:
    """All of them, independent of each other."""
    yield from _cache(deployed)
    yield from _access(deployed)
    yield from _monitoring(deployed)
    yield from _left_behind(deployed)


def named(deployed: Rehearsal, kind: str, word: str) -> str:
    """What AWS calls the one resource of a type whose name has this word."""
    (found,) = (
        found.physical_id
        for found in resources(deployed, kind)
        if word in found.physical_id or word in json.dumps(found.properties)
    )
    return found


def set_parameter(deployed: Rehearsal, name: str, value: str) -> None:
    deployed.aws("elasticache").modify_cache_parameter_group(
        CacheParameterGroupName=only(deployed, PARAMETERS).physical_id,
        ParameterNameValues=[{"ParameterName": name, "ParameterValue": value}],
    )


@contextmanager
def other_timeout(deployed: Rehearsal) -> Iterator[None]:
    """The parameter group with another value, as long as this lasts."""
    set_parameter(deployed, "timeout", "600")
    try:
        yield
    finally:
        set_parameter(deployed, "timeout", "300")


@contextmanager
def other_token(deployed: Rehearsal) -> Iterator[None]:
    """The secret with a token that the group does not accept, as long as this lasts."""
    manager, before = deployed.aws("secretsmanager"), token(deployed)
    secret = only(deployed, "AWS::SecretsManager::Secret", "-data").physical_id
    manager.put_secret_value(SecretId=secret, SecretString="x" * 64)
    try:
        yield
    finally:
        manager.put_secret_value(SecretId=secret, SecretString=before)
        labels = manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
        (left,) = (version for version, stages in labels.items() if "AWSPREVIOUS" in stages)
        # Else the rotation's next pass gives the user that token too, until it is retired.
        manager.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSPREVIOUS", RemoveFromVersionId=left
        )


def settings_of(deployed: Rehearsal, alarm: str) -> dict[str, Any]:
    """What PutMetricAlarm takes of an alarm that is there."""
    watch = deployed.aws("cloudwatch")
    takes = watch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    (found,) = watch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    return {key: value for key, value in found.items() if key in takes and value not in ("", [])}


def _cache(deployed: Rehearsal) -> Iterator[Change]:
    cache = deployed.aws("elasticache")
    parameters = only(deployed, "AWS::ElastiCache::ParameterGroup").physical_id

    def keep(days: int) -> None:
        cache.modify_replication_group(
            ReplicationGroupId=GROUP, SnapshotRetentionLimit=days, ApplyImmediately=True
        )
        settled(deployed, GROUP)

    yield Change(
        "a property of the group",
        lambda: keep(3),
        lambda: keep(7),
        f"ElastiCache::ReplicationGroup {GROUP}, SnapshotRetentionLimit: 3 (wanted: 7)",
    )
    yield Change(
        "the value of a parameter",
        lambda: set_parameter(deployed, "timeout", "600"),
        lambda: set_parameter(deployed, "timeout", "300"),
        "parameter timeout: 600 (wanted: 300)",
    )
    yield Change(
        "a parameter that no template sets",
        lambda: set_parameter(deployed, "maxmemory-samples", "10"),
        lambda: cache.reset_cache_parameter_group(
            CacheParameterGroupName=parameters,
            ParameterNameValues=[{"ParameterName": "maxmemory-samples"}],
        ),
        "parameter maxmemory-samples: 10 (wanted: not set)",
    )


def _access(deployed: Rehearsal) -> Iterator[Change]:
    ec2, iam, kms = (deployed.aws(service) for service in ("ec2", "iam", "kms"))
    secrets, sns = deployed.aws("secretsmanager"), deployed.aws("sns")
    group = named(deployed, "AWS::EC2::SecurityGroup", "vibewell-redis-sg")
    role = named(deployed, "AWS::IAM::Role", f"Function {PREFIX}-events")
    key = named(deployed, "AWS::KMS::Key", "Redis data")
    secret = only(deployed, "AWS::SecretsManager::Secret", "-data").physical_id
    topic = named(deployed, "AWS::SNS::Topic", f"{PREFIX}-critical")
    world = {
        "GroupId": group,
        "IpPermissions": [
            {
                "IpProtocol": "tcp",
                "FromPort": 6379,
                "ToPort": 6379,
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            }
        ],
    }
    yield Change(
        "a port that is open to the world",
        lambda: ec2.authorize_security_group_ingress(**world),
        lambda: ec2.revoke_security_group_ingress(**world),
        "rules of vibewell-redis-sg: tcp 6379-6379 in from 0.0.0.0/0",
    )
    yield Change(
        "a policy on a role",
        lambda: iam.attach_role_policy(RoleName=role, PolicyArn=ADMINISTRATOR),
        lambda: iam.detach_role_policy(RoleName=role, PolicyArn=ADMINISTRATOR),
        f"role {role}: AdministratorAccess",
    )
    before = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    yield Change(
        "another account in the key's policy",
        lambda: kms.put_key_policy(
            KeyId=key, PolicyName="default", Policy=with_stranger(before, "kms:Decrypt")
        ),
        lambda: kms.put_key_policy(KeyId=key, PolicyName="default", Policy=before),
        f"{STRANGER} may kms:Decrypt",
    )
    yield Change(
        "everybody in the secret's policy",
        lambda: secrets.put_resource_policy(
            SecretId=secret,
            ResourcePolicy=with_stranger("{}", "secretsmanager:GetSecretValue", "*"),
        ),
        lambda: secrets.delete_resource_policy(SecretId=secret),
        "anybody may secretsmanager:GetSecretValue",
    )
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    policy = attributes["Policy"]

    def set_topic(name: str, value: str) -> None:
        sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)

    yield Change(
        "everybody in a topic's policy",
        lambda: set_topic("Policy", with_stranger(policy, "sns:Subscribe", "*")),
        lambda: set_topic("Policy", policy),
        "anybody may sns:Subscribe",
    )
    yield Change(
        "a topic without its key",
        lambda: set_topic("KmsMasterKeyId", ""),
        lambda: set_topic("KmsMasterKeyId", attributes["KmsMasterKeyId"]),
        f"encryption of {PREFIX}-critical: no key",
    )


def _monitoring(deployed: Rehearsal) -> Iterator[Change]:
    watch = deployed.aws("cloudwatch")
    swap, memory = (
        settings_of(deployed, f"{PREFIX}-{name}") for name in ("swap-warning", "memory-critical")
    )
    yield Change(
        "an alarm that is gone",
        lambda: watch.delete_alarms(AlarmNames=[swap["AlarmName"]]),
        lambda: watch.put_metric_alarm(**swap),
        f"CloudWatch::Alarm {PREFIX}-swap-warning: was deleted",
    )
    yield Change(
        "an alarm that fires too late",
        lambda: watch.put_metric_alarm(**{**memory, "Threshold": 99}),
        lambda: watch.put_metric_alarm(**memory),
        f"CloudWatch::Alarm {PREFIX}-memory-critical, Threshold: 99 (wanted: 90)",
    )


def _left_behind(deployed: Rehearsal) -> Iterator[Change]:
    cache, ec2, logs = (deployed.aws(name) for name in ("elasticache", "ec2", "logs"))
    old, log = f"{PREFIX}-data-parameters-old", f"/aws/lambda/{PREFIX}-old"
    group = f"{PREFIX}-old"
    (vpc,) = {
        found["VpcId"]
        for found in ec2.describe_security_groups(
            Filters=[{"Name": "group-name", "Values": ["vibewell-redis-sg"]}]
        )["SecurityGroups"]
    }
    yield Change(
        "the parameter group of an upgrade",
        lambda: cache.create_cache_parameter_group(
            CacheParameterGroupName=old, CacheParameterGroupFamily="redis6.x", Description="old"
        ),
        lambda: cache.delete_cache_parameter_group(CacheParameterGroupName=old),
        f"parameter groups: {old}",
    )
    yield Change(
        "a security group that nobody needs",
        lambda: ec2.create_security_group(GroupName=group, Description="old", VpcId=vpc),
        lambda: ec2.delete_security_group(
            GroupId=ec2.describe_security_groups(
                Filters=[{"Name": "group-name", "Values": [group]}]
            )["SecurityGroups"][0]["GroupId"]
        ),
        f"security groups: {group}",
    )
    yield Change(
        "a log group that forgets nothing",
        lambda: logs.create_log_group(logGroupName=log),
        lambda: logs.delete_log_group(logGroupName=log),
        f"retention of logs: {log}",
    )


def with_stranger(policy: str, action: str, who: str = STRANGER) -> str:
    """A policy with one more statement, which lets somebody else in."""
    document = json.loads(policy)
    statement = {"Effect": "Allow", "Principal": {"AWS": who}, "Action": action, "Resource": "*"}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [*document.get("Statement", []), statement]}
    )
