"""What Ref and Fn::GetAtt give for the types of resources that policies and paths speak of.

Source: the return values in the CloudFormation template reference of each type.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Kind:
    """`name` is the property that names it, `ref` what Ref makes of the name.

    `attributes` are made of what Ref gives, of which {last} is what follows the last slash.
    {account}, {region} and {path} are filled in.
    """

    name: str = ""
    ref: str = "{name}"
    attributes: Mapping[str, str] = field(default_factory=dict)


def _arn(arn: str, name: str = "") -> Kind:
    return Kind(name, arn, {"Arn": "{ref}"})


_HERE = "{region}:{account}"

KINDS: Mapping[str, Kind] = {
    "AWS::CloudWatch::Alarm": Kind(
        "AlarmName", attributes={"Arn": f"arn:aws:cloudwatch:{_HERE}:alarm:{{ref}}"}
    ),
    "AWS::CloudWatch::CompositeAlarm": Kind(
        "AlarmName", attributes={"Arn": f"arn:aws:cloudwatch:{_HERE}:alarm:{{ref}}"}
    ),
    "AWS::EC2::SecurityGroup": Kind(attributes={"GroupId": "{ref}", "Id": "{ref}"}),
    "AWS::EC2::Subnet": Kind(attributes={"SubnetId": "{ref}"}),
    "AWS::EC2::VPC": Kind(attributes={"VpcId": "{ref}"}),
    "AWS::EC2::VPCEndpoint": Kind(ref="vpce-{name}"),
    "AWS::ElastiCache::ParameterGroup": Kind(),
    "AWS::ElastiCache::ReplicationGroup": Kind("ReplicationGroupId"),
    "AWS::ElastiCache::SubnetGroup": Kind("CacheSubnetGroupName"),
    "AWS::ElastiCache::User": Kind("UserId"),
    "AWS::ElastiCache::UserGroup": Kind("UserGroupId"),
    "AWS::IAM::ManagedPolicy": _arn(
        "arn:aws:iam::{account}:policy{path}{name}", "ManagedPolicyName"
    ),
    "AWS::IAM::Role": Kind(
        "RoleName", attributes={"Arn": "arn:aws:iam::{account}:role{path}{ref}"}
    ),
    "AWS::KMS::Alias": Kind("AliasName"),
    "AWS::KMS::Key": Kind(attributes={"Arn": f"arn:aws:kms:{_HERE}:key/{{ref}}"}),
    "AWS::Lambda::Function": Kind(
        "FunctionName", attributes={"Arn": f"arn:aws:lambda:{_HERE}:function:{{ref}}"}
    ),
    "AWS::Logs::LogGroup": Kind(
        "LogGroupName", attributes={"Arn": f"arn:aws:logs:{_HERE}:log-group:{{ref}}:*"}
    ),
    "AWS::S3::Bucket": Kind("BucketName", attributes={"Arn": "arn:aws:s3:::{ref}"}),
    "AWS::SNS::Topic": Kind(
        "TopicName",
        f"arn:aws:sns:{_HERE}:{{name}}",
        {"Arn": "{ref}", "TopicArn": "{ref}"},
    ),
    "AWS::SQS::Queue": Kind(
        "QueueName",
        "https://sqs.{region}.amazonaws.com/{account}/{name}",
        {"Arn": f"arn:aws:sqs:{_HERE}:{{last}}", "QueueName": "{last}"},
    ),
    "AWS::SSM::Parameter": Kind("Name"),
    # The service adds six characters of its own.
    "AWS::SecretsManager::Secret": Kind(
        "Name",
        f"arn:aws:secretsmanager:{_HERE}:secret:{{name}}-AbCdEf",
        {"Arn": "{ref}", "Id": "{ref}"},
    ),
    "AWS::StepFunctions::StateMachine": _arn(
        f"arn:aws:states:{_HERE}:stateMachine:{{name}}", "StateMachineName"
    ),
}
