"""Drift of types that the embedded CloudFormation cannot check: each is read over its own API.

As AWS's readers do, and with their spelling of properties. Detection is complete when it answers,
where AWS takes minutes; whose permissions it reads with is judged elsewhere.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from ministack.app import SERVICE_HANDLERS  # type: ignore[import-not-found]

from emulator.aws.clients import client, first
from emulator.aws.patches.details import drift_reader
from emulator.aws.services import Request

Properties = dict[str, Any]
Reader = Callable[[str, Properties], Properties | None]


def mount() -> None:
    """Add the readers, and detect on a thread: they call the very server that would wait."""
    for kind, read in _READERS.items():
        drift_reader(kind, _absent_is_none(read))
    ministack = SERVICE_HANDLERS["cloudformation"]

    async def handle(*request: Any) -> Any:
        if Request(*request).form.get("Action") != "DetectStackDrift":
            return await ministack(*request)
        return await asyncio.to_thread(lambda: asyncio.run(ministack(*request)))

    SERVICE_HANDLERS["cloudformation"] = handle


def _absent_is_none(read: Reader) -> Reader:
    def properties(physical_id: str, asked: Properties) -> Properties | None:
        try:
            return read(physical_id, asked)
        except IndexError:  # a description of nothing
            return None
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                return None
            raise

    return properties


def _picked(entry: Properties, *names: str) -> Properties:
    return {name: entry.get(name) for name in names}


def _replication_group(group_id: str, _asked: Properties) -> Properties:
    group = first("elasticache", "describe_replication_groups", ReplicationGroupId=group_id)
    member = group["MemberClusters"][0]
    node = first("elasticache", "describe_cache_clusters", CacheClusterId=member)
    return {
        **_picked(node, "AutoMinorVersionUpgrade", "PreferredMaintenanceWindow"),
        **_picked(group, "AtRestEncryptionEnabled", "CacheNodeType", "SnapshotRetentionLimit"),
        **_picked(group, "SnapshotWindow", "TransitEncryptionEnabled"),
        "AutomaticFailoverEnabled": group["AutomaticFailover"] == "enabled",
        "CacheParameterGroupName": node["CacheParameterGroup"]["CacheParameterGroupName"],
        "MultiAZEnabled": group["MultiAZ"] == "enabled",
        "NumCacheClusters": len(group["MemberClusters"]),
        "ReplicationGroupDescription": group["Description"],
        "UserGroupIds": group.get("UserGroupIds", []),
    }


def _parameter_group(name: str, asked: Properties) -> Properties:
    named = {"CacheParameterGroupName": name}
    group = first("elasticache", "describe_cache_parameter_groups", **named)
    pages = client("elasticache").get_paginator("describe_cache_parameters").paginate(**named)
    values = {
        parameter["ParameterName"]: parameter.get("ParameterValue")
        for page in pages
        for parameter in page["Parameters"]
    }
    return {
        **_picked(group, "CacheParameterGroupFamily", "Description"),
        # Of the values only those that the template sets are compared.
        "Properties": {key: values.get(key) for key in asked["Properties"]},
    }


def _key(key: str, _asked: Properties) -> Properties:
    kms = client("kms")
    return {
        "Description": kms.describe_key(KeyId=key)["KeyMetadata"]["Description"],
        "EnableKeyRotation": kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"],
        "KeyPolicy": json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]),
    }


def _managed_policy(arn: str, _asked: Properties) -> Properties:
    iam = client("iam")
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
    return {"PolicyDocument": version["PolicyVersion"]["Document"]}


def _alarm(name: str, _asked: Properties) -> Properties:
    alarm = client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    threshold: float = alarm["Threshold"]
    return {
        **_picked(alarm, "AlarmActions", "AlarmDescription", "ComparisonOperator"),
        **_picked(alarm, "EvaluationPeriods", "OKActions", "TreatMissingData"),
        # A template's whole number is one here too.
        "Threshold": int(threshold) if threshold.is_integer() else threshold,
    }


def _security_group(group: str, _asked: Properties) -> Properties:
    described = first("ec2", "describe_security_groups", GroupIds=[group])
    return {"GroupDescription": described["Description"], "GroupName": described["GroupName"]}


def _rule(rule: str, _asked: Properties) -> Properties:
    first("ec2", "describe_security_group_rules", SecurityGroupRuleIds=[rule])
    return {}


_READERS: dict[str, Reader] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::EC2::SecurityGroup": _security_group,
    "AWS::EC2::SecurityGroupEgress": _rule,
    "AWS::EC2::SecurityGroupIngress": _rule,
    "AWS::ElastiCache::ParameterGroup": _parameter_group,
    "AWS::ElastiCache::ReplicationGroup": _replication_group,
    # Passwords and access strings are write-only.
    "AWS::ElastiCache::User": lambda user, _asked: _picked(
        first("elasticache", "describe_users", UserId=user), "Engine", "UserId", "UserName"
    ),
    "AWS::ElastiCache::UserGroup": lambda group, _asked: _picked(
        first("elasticache", "describe_user_groups", UserGroupId=group),
        *("Engine", "UserGroupId", "UserIds"),
    ),
    "AWS::IAM::ManagedPolicy": _managed_policy,
    "AWS::KMS::Key": _key,
    "AWS::Scheduler::Schedule": lambda name, _asked: _picked(
        client("scheduler").get_schedule(Name=name), "ScheduleExpression", "State"
    ),
}
