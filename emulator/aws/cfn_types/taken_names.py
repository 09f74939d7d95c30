"""A resource whose name is taken is refused, as AWS does.

The embedded AWS overwrites it instead, which would hide that something retained by an earlier
stack makes the next deployment fail.
"""

from functools import partial
from typing import Any, NamedTuple

import jmespath  # type: ignore[import-untyped] # botocore's
from botocore.exceptions import ClientError

from emulator.aws.cfn_types.base import Properties
from emulator.aws.clients import client
from emulator.aws.patches.cloudformation import before_create


class Named(NamedTuple):
    """A property with a name, and the call that shows whether it is taken.

    `parameter` takes the name. `path` finds names or ARNs in the answer; without one the call is
    refused for a name that is free.
    """

    key: str
    service: str
    operation: str
    parameter: str = ""
    path: str = ""
    more: dict[str, Any] = {}  # noqa: RUF012 - never changed


_NAMED: dict[str, Named] = {
    "AWS::CloudWatch::Alarm": Named(
        *("AlarmName", "cloudwatch", "describe_alarms", "AlarmNamePrefix"),
        "MetricAlarms[].AlarmName",
    ),
    "AWS::CloudWatch::Dashboard": Named(
        *("DashboardName", "cloudwatch", "list_dashboards", "DashboardNamePrefix"),
        "DashboardEntries[].DashboardName",
    ),
    "AWS::IAM::ManagedPolicy": Named(
        *("ManagedPolicyName", "iam", "list_policies", "", "Policies[].PolicyName"),
        {"Scope": "Local", "MaxItems": 1000},
    ),
    "AWS::IAM::Role": Named("RoleName", "iam", "get_role", "RoleName"),
    "AWS::KMS::Alias": Named("AliasName", "kms", "list_aliases", "", "Aliases[].AliasName"),
    "AWS::Lambda::Function": Named("FunctionName", "lambda", "get_function", "FunctionName"),
    "AWS::Logs::LogGroup": Named(
        *("LogGroupName", "logs", "describe_log_groups", "logGroupNamePrefix"),
        "logGroups[].logGroupName",
    ),
    "AWS::SNS::Topic": Named("TopicName", "sns", "list_topics", "", "Topics[].TopicArn"),
    "AWS::SQS::Queue": Named("QueueName", "sqs", "get_queue_url", "QueueName"),
    "AWS::SSM::Parameter": Named("Name", "ssm", "get_parameter", "Name"),
    "AWS::StepFunctions::StateMachine": Named(
        *("StateMachineName", "stepfunctions", "list_state_machines", "", "stateMachines[].name"),
    ),
}


def install() -> None:
    """Check each named type before ministack's own handler creates it."""
    for kind, named in _NAMED.items():
        before_create(kind, partial(_check, kind, named))
    before_create("AWS::EC2::SecurityGroup", _check_security_group)


def _check(kind: str, named: Named, properties: Properties) -> None:
    name = properties.get(named.key)
    if not name:
        return
    given = {named.parameter: name} if named.parameter else {}
    try:
        answer = getattr(client(named.service), named.operation)(**given, **named.more)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 404):
            return
        raise
    names = jmespath.search(named.path, answer) if named.path else [name]
    if any(name in (each, each.rpartition(":")[2]) for each in names):
        raise ValueError(f"{name} already exists ({kind}: AlreadyExists)")


def _check_security_group(properties: Properties) -> None:
    name = properties.get("GroupName")
    wanted = {"group-name": name, "vpc-id": properties["VpcId"]}
    filters = [{"Name": key, "Values": [value]} for key, value in wanted.items()]
    if name and client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]:
        raise ValueError(f"{name} already exists (AWS::EC2::SecurityGroup: AlreadyExists)")
