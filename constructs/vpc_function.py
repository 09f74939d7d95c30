"""A function inside the VPC that reaches only what it is given."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_lambda as lambda_

from constructs import Construct
from constructs.acknowledge import acknowledge
from constructs.data_key import DataKey
from constructs.function_parts import PACKAGES, FunctionSettings, make_function
from constructs.network import ApplicationNetwork
from constructs.permissions import Statement, allow
from constructs.security_group import ClosedSecurityGroup

__all__ = ["PACKAGES", "VpcFunction"]

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
        self.security_group_id = ClosedSecurityGroup(
            self,
            "SecurityGroup",
            vpc_id=network.vpc_id,
            name=name,
            description=f"Function {name}",
        ).group_id
        made = make_function(
            self,
            FunctionSettings(
                name=name,
                package=package,
                handler=handler,
                environment=environment,
                # Lambda's own interfaces, which have no ARN beforehand. Source: Lambda developer
                # guide, "Giving Lambda functions access to a VPC".
                may=[allow(*INTERFACE_ACTIONS, on=["*"]), *may],
                timeout_seconds=timeout_seconds,
                key=key,
                log_retention_days=log_retention_days,
            ),
            lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=network.private_subnet_ids,
                security_group_ids=[self.security_group_id],
            ),
        )
        acknowledge(
            made.policy,
            "AwsSolutions:IAM5[Resource::*]",
            reason="Lambda makes the function's network interfaces, which have no ARN beforehand",
        )
        self.name: str = made.function.ref
        self.arn: str = made.function.attr_arn
