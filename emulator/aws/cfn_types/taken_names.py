"""A resource whose name is taken is refused, as AWS does.

The embedded AWS overwrites it instead, which would hide that something retained by an earlier
stack makes the next deployment fail.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from emulator.aws.cfn_types.base import Properties
from emulator.aws.clients import client
from emulator.aws.patches.cloudformation import before_create

Finder = Callable[[Any, Properties], bool]


def _alias(name: str, _properties: Properties) -> bool:
    pages = client("kms").get_paginator("list_aliases").paginate()
    return any(alias["AliasName"] == name for page in pages for alias in page["Aliases"])


def _log_group(name: str, _properties: Properties) -> bool:
    groups = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(group["logGroupName"] == name for group in groups)


def _topic(name: str, _properties: Properties) -> bool:
    topics = client("sns").list_topics()["Topics"]
    return any(topic["TopicArn"].endswith(f":{name}") for topic in topics)


def _alarm(name: str, _properties: Properties) -> bool:
    return bool(client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"])


def _dashboard(name: str, _properties: Properties) -> bool:
    found = client("cloudwatch").list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
    return any(entry["DashboardName"] == name for entry in found)


def _parameter(name: str, _properties: Properties) -> bool:
    return _answers(client("ssm").get_parameter, Name=name)


def _role(name: str, _properties: Properties) -> bool:
    return _answers(client("iam").get_role, RoleName=name)


def _managed_policy(name: str, properties: Properties) -> bool:
    path = properties.get("Path", "/")
    policies = client("iam").list_policies(Scope="Local", PathPrefix=path)["Policies"]
    return any(policy["PolicyName"] == name for policy in policies)


def _function(name: str, _properties: Properties) -> bool:
    return _answers(client("lambda").get_function, FunctionName=name)


def _security_group(name: str, properties: Properties) -> bool:
    filters = [
        {"Name": "group-name", "Values": [name]},
        {"Name": "vpc-id", "Values": [properties["VpcId"]]},
    ]
    return bool(client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"])


def _queue(name: str, _properties: Properties) -> bool:
    return _answers(client("sqs").get_queue_url, QueueName=name)


def _state_machine(name: str, _properties: Properties) -> bool:
    machines = client("stepfunctions").list_state_machines()["stateMachines"]
    return any(machine["name"] == name for machine in machines)


def _answers(call: Callable[..., Any], **parameters: str) -> bool:
    try:
        call(**parameters)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 404):
            return False
        raise
    return True


_NAMED: dict[str, tuple[str, Finder]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName", _alarm),
    "AWS::CloudWatch::Dashboard": ("DashboardName", _dashboard),
    "AWS::EC2::SecurityGroup": ("GroupName", _security_group),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", _managed_policy),
    "AWS::IAM::Role": ("RoleName", _role),
    "AWS::KMS::Alias": ("AliasName", _alias),
    "AWS::Lambda::Function": ("FunctionName", _function),
    "AWS::Logs::LogGroup": ("LogGroupName", _log_group),
    "AWS::SNS::Topic": ("TopicName", _topic),
    "AWS::SQS::Queue": ("QueueName", _queue),
    "AWS::SSM::Parameter": ("Name", _parameter),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", _state_machine),
}


def install() -> None:
    """Check each named type before ministack's own handler creates it."""
    for resource_type, (name_property, taken) in _NAMED.items():
        before_create(resource_type, _refusing(resource_type, name_property, taken))


def _refusing(
    resource_type: str, name_property: str, taken: Finder
) -> Callable[[Properties], None]:
    def check(properties: Properties) -> None:
        name = properties.get(name_property)
        if name and taken(name, properties):
            raise ValueError(f"{name} already exists ({resource_type}: AlreadyExists)")

    return check
