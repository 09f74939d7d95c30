"""A function inside the VPC that reaches only what it is given."""

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets

from constructs import Construct
from constructs.acknowledge import acknowledge
from constructs.data_key import DataKey
from constructs.network import ApplicationNetwork

PACKAGES = Path(__file__).parent.parent / "build" / "functions"


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
        timeout_seconds: int,
        network: ApplicationNetwork,
        key: DataKey,
        log_retention_days: int,
    ) -> None:
        """``package`` is a folder of build/functions; ``environment`` holds no secret."""
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        log_group_name = f"/aws/lambda/{name}"
        key.grant_to_log_group(log_group_name)
        log_group = logs.CfnLogGroup(
            self,
            "Log",
            log_group_name=log_group_name,
            retention_in_days=log_retention_days,
            kms_key_id=key.key_arn,
        )
        self.security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=network.vpc,
            security_group_name=name,
            description=f"Function {name}",
            allow_all_outbound=False,
        )
        log = f"arn:aws:logs:{stack.region}:{stack.account}:log-group:{log_group_name}"
        statements = [
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[f"{log}:log-stream:*"],
            ),
            iam.PolicyStatement(
                # Source: Lambda developer guide, "Giving Lambda functions access to a VPC".
                actions=[
                    "ec2:AssignPrivateIpAddresses",
                    "ec2:CreateNetworkInterface",
                    "ec2:DeleteNetworkInterface",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSubnets",
                    "ec2:UnassignPrivateIpAddresses",
                ],
                resources=["*"],  # Lambda's own interfaces, which have no ARN beforehand
            ),
        ]
        self._policy = iam.ManagedPolicy(
            self, "Policy", description=f"What {name} may do", statements=statements
        )
        acknowledge(
            self._policy,
            "AwsSolutions:IAM5[Resource::*]",
            reason="Lambda makes the function's network interfaces, which have no ARN beforehand",
        )
        acknowledge(
            self._policy,
            f"AwsSolutions:IAM5[Resource::{log}:log-stream:*]",
            reason="The streams of the function's own log group",
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Function {name}",
            managed_policies=[self._policy],
        )
        asset = s3_assets.Asset(self, "Code", path=str(PACKAGES / package))
        # The library's own Function loads half of the library: this is the resource itself.
        self.function = lambda_.CfnFunction(
            self,
            "Function",
            function_name=name,
            runtime="python3.14",
            architectures=["arm64"],
            code=lambda_.CfnFunction.CodeProperty(
                s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key
            ),
            handler=handler,
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(environment)),
            timeout=timeout_seconds,
            memory_size=256,
            reserved_concurrent_executions=1,
            role=self.role.role_arn,
            vpc_config=lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=[subnet.subnet_id for subnet in network.private_subnets],
                security_group_ids=[self.security_group.security_group_id],
            ),
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log_group_name),
        )
        self.function.node.add_dependency(log_group)
        acknowledge(
            self.function,
            "NIST:LambdaDLQ",
            reason="Its schedule calls it again in minutes, and its state has an alarm by age",
        )

    def allow(self, *statements: iam.PolicyStatement) -> None:
        """Add to what the function may do."""
        self._policy.add_statements(*statements)
