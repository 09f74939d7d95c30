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

from emulator.aws.clients import client
from emulator.aws.patches.details import drift_reader
from emulator.aws.services import Request

Properties = dict[str, Any]
Reader = Callable[[str, Properties], Properties | None]


def mount() -> None:
    """Add the readers, and detect on a thread: they call the very server that would wait."""
    for kind, (read, covered) in _READERS.items():
        drift_reader(kind, _absent_is_none(read), covered.split())
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
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                return None
            raise

    return properties


def _replication_group(group_id: str, _asked: Properties) -> Properties:
    (group,) = client("elasticache").describe_replication_groups(ReplicationGroupId=group_id)[
        "ReplicationGroups"
    ]
    (node,) = client("elasticache").describe_cache_clusters(
        CacheClusterId=group["MemberClusters"][0]
    )["CacheClusters"]
    return {
        "AtRestEncryptionEnabled": group["AtRestEncryptionEnabled"],
        "AutoMinorVersionUpgrade": node["AutoMinorVersionUpgrade"],
        "AutomaticFailoverEnabled": group["AutomaticFailover"] == "enabled",
        "CacheNodeType": group["CacheNodeType"],
        "CacheParameterGroupName": node["CacheParameterGroup"]["CacheParameterGroupName"],
        "MultiAZEnabled": group["MultiAZ"] == "enabled",
        "NumCacheClusters": len(group["MemberClusters"]),
        "PreferredMaintenanceWindow": node["PreferredMaintenanceWindow"],
        "ReplicationGroupDescription": group["Description"],
        "SnapshotRetentionLimit": group["SnapshotRetentionLimit"],
        "SnapshotWindow": group["SnapshotWindow"],
        "TransitEncryptionEnabled": group["TransitEncryptionEnabled"],
        "UserGroupIds": group.get("UserGroupIds", []),
    }


def _user(user_id: str, _asked: Properties) -> Properties:
    (user,) = client("elasticache").describe_users(UserId=user_id)["Users"]
    return {"Engine": user["Engine"], "UserId": user["UserId"], "UserName": user["UserName"]}


def _user_group(group_id: str, _asked: Properties) -> Properties:
    (group,) = client("elasticache").describe_user_groups(UserGroupId=group_id)["UserGroups"]
    return {name: group[name] for name in ("Engine", "UserGroupId", "UserIds")}


def _parameter_group(name: str, asked: Properties) -> Properties:
    elasticache = client("elasticache")
    (group,) = elasticache.describe_cache_parameter_groups(CacheParameterGroupName=name)[
        "CacheParameterGroups"
    ]
    pages = elasticache.get_paginator("describe_cache_parameters").paginate(
        CacheParameterGroupName=name
    )
    values = {
        parameter["ParameterName"]: parameter.get("ParameterValue")
        for page in pages
        for parameter in page["Parameters"]
    }
    return {
        "CacheParameterGroupFamily": group["CacheParameterGroupFamily"],
        "Description": group["Description"],
        # Of the values only those that the template sets are compared.
        "Properties": {key: values.get(key) for key in asked["Properties"]},
    }


def _parsed(document: str | Properties) -> Properties:
    parsed: Properties = json.loads(document) if isinstance(document, str) else document
    return parsed


def _key(key: str, _asked: Properties) -> Properties:
    kms = client("kms")
    return {
        "Description": kms.describe_key(KeyId=key)["KeyMetadata"]["Description"],
        "EnableKeyRotation": kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"],
        "KeyPolicy": _parsed(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]),
    }


def _managed_policy(arn: str, _asked: Properties) -> Properties:
    iam = client("iam")
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
    return {"PolicyDocument": _parsed(version["PolicyVersion"]["Document"])}


def _alarm(name: str, _asked: Properties) -> Properties | None:
    alarms = client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    if not alarms:
        return None
    threshold: float = alarms[0]["Threshold"]
    # A template's whole number is one here too.
    return {**alarms[0], "Threshold": int(threshold) if threshold.is_integer() else threshold}


def _schedule(name: str, _asked: Properties) -> Properties:
    return dict(client("scheduler").get_schedule(Name=name))


def _security_group(group: str, _asked: Properties) -> Properties:
    (described,) = client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
    return {"GroupDescription": described["Description"], "GroupName": described["GroupName"]}


def _rule(rule: str, _asked: Properties) -> Properties | None:
    rules = client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[rule])
    return {} if rules["SecurityGroupRules"] else None


# By type: the reader and what it reads. Passwords and access strings are write-only.
_READERS: dict[str, tuple[Reader, str]] = {
    "AWS::CloudWatch::Alarm": (
        _alarm,
        "AlarmActions AlarmDescription ComparisonOperator EvaluationPeriods OKActions Threshold "
        "TreatMissingData",
    ),
    "AWS::EC2::SecurityGroup": (_security_group, "GroupDescription GroupName"),
    "AWS::EC2::SecurityGroupEgress": (_rule, ""),
    "AWS::EC2::SecurityGroupIngress": (_rule, ""),
    "AWS::ElastiCache::ParameterGroup": (
        _parameter_group,
        "CacheParameterGroupFamily Description Properties",
    ),
    "AWS::ElastiCache::ReplicationGroup": (
        _replication_group,
        "AtRestEncryptionEnabled AutoMinorVersionUpgrade AutomaticFailoverEnabled CacheNodeType "
        "CacheParameterGroupName MultiAZEnabled NumCacheClusters PreferredMaintenanceWindow "
        "ReplicationGroupDescription SnapshotRetentionLimit SnapshotWindow "
        "TransitEncryptionEnabled UserGroupIds",
    ),
    "AWS::ElastiCache::User": (_user, "Engine UserId UserName"),
    "AWS::ElastiCache::UserGroup": (_user_group, "Engine UserGroupId UserIds"),
    "AWS::IAM::ManagedPolicy": (_managed_policy, "PolicyDocument"),
    "AWS::KMS::Key": (_key, "Description EnableKeyRotation KeyPolicy"),
    "AWS::Scheduler::Schedule": (_schedule, "ScheduleExpression State"),
}
