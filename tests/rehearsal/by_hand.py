"""What people change past CloudFormation, each with its way back and what a review must say."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from rehearsal.common.deployed import PARAMETERS, settled, token
from rehearsal.common.rehearsal import Rehearsal, only, resources

GROUP = "vibewell-redis"
PREFIX = "vibewell-redis-production"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
STRANGER = "arn:aws:iam::999988887777:root"


@contextmanager
def changed(deployed: Rehearsal) -> Iterator[list[str]]:
    """All of it at once, as long as this lasts, with a part of a report's line for each change."""
    with ExitStack() as undo:
        yield [
            says
            for change in (_cache, _access, _monitoring, _left_behind)
            for says in change(deployed, undo)
        ]


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


def _cache(deployed: Rehearsal, undo: ExitStack) -> Iterator[str]:
    cache = deployed.aws("elasticache")

    def keep(days: int) -> None:
        cache.modify_replication_group(
            ReplicationGroupId=GROUP, SnapshotRetentionLimit=days, ApplyImmediately=True
        )
        settled(deployed, GROUP)

    keep(3)
    undo.callback(keep, 7)
    yield f"ElastiCache::ReplicationGroup {GROUP}, SnapshotRetentionLimit: 3 (wanted: 7)"

    undo.enter_context(other_timeout(deployed))
    yield "parameter timeout: 600 (wanted: 300)"

    set_parameter(deployed, "maxmemory-samples", "10")
    undo.callback(
        cache.reset_cache_parameter_group,
        CacheParameterGroupName=only(deployed, PARAMETERS).physical_id,
        ParameterNameValues=[{"ParameterName": "maxmemory-samples"}],
    )
    yield "parameter maxmemory-samples: 10 (wanted: not set)"


def _access(deployed: Rehearsal, undo: ExitStack) -> Iterator[str]:
    ec2, iam, kms = (deployed.aws(service) for service in ("ec2", "iam", "kms"))
    secrets, sns = deployed.aws("secretsmanager"), deployed.aws("sns")

    group = named(deployed, "AWS::EC2::SecurityGroup", "vibewell-redis-sg")
    port = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}
    world = [port | {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=world)
    undo.callback(ec2.revoke_security_group_ingress, GroupId=group, IpPermissions=world)
    yield "rules of vibewell-redis-sg: tcp 6379-6379 in from 0.0.0.0/0"

    role = named(deployed, "AWS::IAM::Role", f"Function {PREFIX}-events")
    iam.attach_role_policy(RoleName=role, PolicyArn=ADMINISTRATOR)
    undo.callback(iam.detach_role_policy, RoleName=role, PolicyArn=ADMINISTRATOR)
    yield f"role {role}: AdministratorAccess"

    key = {"KeyId": named(deployed, "AWS::KMS::Key", "Redis data"), "PolicyName": "default"}
    before = kms.get_key_policy(**key)["Policy"]
    kms.put_key_policy(**key, Policy=with_stranger(before, "kms:Decrypt"))
    undo.callback(kms.put_key_policy, **key, Policy=before)
    yield f"{STRANGER} may kms:Decrypt"

    secret = only(deployed, "AWS::SecretsManager::Secret", "-data").physical_id
    policy = with_stranger("{}", "secretsmanager:GetSecretValue", "*")
    secrets.put_resource_policy(SecretId=secret, ResourcePolicy=policy)
    undo.callback(secrets.delete_resource_policy, SecretId=secret)
    yield "anybody may secretsmanager:GetSecretValue"

    topic = named(deployed, "AWS::SNS::Topic", f"{PREFIX}-critical")
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]

    def set_topic(name: str, value: str) -> None:
        sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)

    set_topic("Policy", with_stranger(attributes["Policy"], "sns:Subscribe", "*"))
    undo.callback(set_topic, "Policy", attributes["Policy"])
    yield "anybody may sns:Subscribe"

    set_topic("KmsMasterKeyId", "")
    undo.callback(set_topic, "KmsMasterKeyId", attributes["KmsMasterKeyId"])
    yield f"encryption of {PREFIX}-critical: no key"


def _monitoring(deployed: Rehearsal, undo: ExitStack) -> Iterator[str]:
    watch = deployed.aws("cloudwatch")
    swap, memory = (
        settings_of(deployed, f"{PREFIX}-{name}") for name in ("swap-warning", "memory-critical")
    )
    watch.delete_alarms(AlarmNames=[swap["AlarmName"]])
    undo.callback(watch.put_metric_alarm, **swap)
    yield f"CloudWatch::Alarm {PREFIX}-swap-warning: was deleted"

    watch.put_metric_alarm(**memory | {"Threshold": 99})
    undo.callback(watch.put_metric_alarm, **memory)
    yield f"CloudWatch::Alarm {PREFIX}-memory-critical, Threshold: 99 (wanted: 90)"


def _left_behind(deployed: Rehearsal, undo: ExitStack) -> Iterator[str]:
    """Of an upgrade, of somebody's attempts, and a log group that forgets nothing."""
    cache, ec2, logs = (deployed.aws(name) for name in ("elasticache", "ec2", "logs"))
    parameters, log = f"{PREFIX}-data-parameters-old", f"/aws/lambda/{PREFIX}-old"
    cache.create_cache_parameter_group(
        CacheParameterGroupName=parameters, CacheParameterGroupFamily="redis6.x", Description="old"
    )
    undo.callback(cache.delete_cache_parameter_group, CacheParameterGroupName=parameters)
    yield f"parameter groups: {parameters}"

    ours = [{"Name": "group-name", "Values": ["vibewell-redis-sg"]}]
    (vpc,) = {one["VpcId"] for one in ec2.describe_security_groups(Filters=ours)["SecurityGroups"]}
    old = ec2.create_security_group(GroupName=f"{PREFIX}-old", Description="old", VpcId=vpc)
    undo.callback(ec2.delete_security_group, GroupId=old["GroupId"])
    yield f"security groups: {PREFIX}-old"

    logs.create_log_group(logGroupName=log)
    undo.callback(logs.delete_log_group, logGroupName=log)
    yield f"retention of logs: {log}"


def with_stranger(policy: str, action: str, who: str = STRANGER) -> str:
    """A policy with one more statement, which lets somebody else in."""
    document = json.loads(policy)
    statement = {"Effect": "Allow", "Principal": {"AWS": who}, "Action": action, "Resource": "*"}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [*document.get("Statement", []), statement]}
    )
