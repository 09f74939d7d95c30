"""A function inside the VPC that reaches only what it is given."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from constructs import Construct
from constructs.acknowledge import acknowledge
from constructs.data_key import DataKey
from constructs.network import ApplicationNetwork
from constructs.permissions import ManagedPolicy, ServiceRole, Statement, allow
from constructs.place import place
from constructs.security_group import ClosedSecurityGroup

PACKAGES = Path(__file__).parent.parent / "build" / "functions"

INTERFACE_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


class VpcFunction(Construct):
    """Python in the private subnets, with a role, a security group and a log group of its own.

    Nothing is open at first: no egress, no permission but its own log and network interfaces.
    One execution at a time, so that no two of them ever work on the same thing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        package: str,
        handler: str,
        environment: Mapping[str, str],
        may: Sequence[Statement],
        timeout_seconds: int,
        network: ApplicationNetwork,
        key: DataKey,
        log_retention_days: int,
    ) -> None:
        """``package`` is an archive of build/functions; ``environment`` holds no secret.

        ``may`` is what is permitted beyond its own log and network interfaces.
        """
        super().__init__(scope, construct_id)
        self.label = construct_id
        log_group_name = f"/aws/lambda/{name}"
        key.grant_to_log_group(log_group_name)
        log_group = logs.CfnLogGroup(
            self,
            "Log",
            log_group_name=log_group_name,
            retention_in_days=log_retention_days,
            kms_key_id=key.arn,
        )
        self.security_group_id = ClosedSecurityGroup(
            self,
            "SecurityGroup",
            vpc_id=network.vpc_id,
            name=name,
            description=f"Function {name}",
        ).group_id
        log_streams = place(self).arn("logs", f"log-group:{log_group_name}:log-stream:*")
        policy = ManagedPolicy(
            self,
            "Policy",
            description=f"What {name} may do",
            statements=[
                allow("logs:CreateLogStream", "logs:PutLogEvents", on=[log_streams]),
                # Lambda's own interfaces, which have no ARN beforehand. Source: Lambda developer
                # guide, "Giving Lambda functions access to a VPC".
                allow(*INTERFACE_ACTIONS, on=["*"]),
                *may,
            ],
        )
        acknowledge(
            policy,
            "AwsSolutions:IAM5[Resource::*]",
            reason="Lambda makes the function's network interfaces, which have no ARN beforehand",
        )
        acknowledge(
            policy,
            f"AwsSolutions:IAM5[Resource::{log_streams}]",
            reason="The streams of the function's own log group",
        )
        role = ServiceRole(
            self,
            "Role",
            service="lambda.amazonaws.com",
            description=f"Function {name}",
            may=policy,
        )
        code = self._code(PACKAGES / package)
        # The library's own Function loads half of the library: this is the resource itself.
        function = lambda_.CfnFunction(
            self,
            "Function",
            function_name=name,
            runtime="python3.14",
            architectures=["arm64"],
            code=lambda_.CfnFunction.CodeProperty(
                s3_bucket=code.bucket_name, s3_key=code.object_key
            ),
            handler=handler,
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(environment)),
            timeout=timeout_seconds,
            memory_size=256,
            reserved_concurrent_executions=1,
            role=role.arn,
            vpc_config=lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=network.private_subnet_ids,
                security_group_ids=[self.security_group_id],
            ),
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log_group_name),
        )
        function.add_dependency(log_group)
        acknowledge(
            function,
            "NIST:LambdaDLQ",
            reason="Its schedule calls it again in minutes, and its state has an alarm by age",
        )
        self.name: str = function.ref
        self.arn: str = function.attr_arn

    def _code(self, archive: Path) -> cdk.FileAssetLocation:
        # As aws_s3_assets.Asset does, which loads buckets and every region's facts besides.
        stack = cdk.Stack.of(self)
        staged = cdk.AssetStaging(
            self,
            "Code",
            source_path=str(archive),
            asset_hash=hashlib.sha256(archive.read_bytes()).hexdigest(),
        )
        return stack.synthesizer.add_file_asset(
            source_hash=staged.asset_hash,
            file_name=staged.relative_staged_path(stack),
            packaging=cdk.FileAssetPackaging.FILE,
        )
