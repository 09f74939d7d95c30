"""A function inside the VPC that reaches only what it is given."""

from typing import Unpack

from aws_cdk import aws_lambda as lambda_

from constructs import Construct
from constructs.common.own_function import FunctionProperties, OwnFunction
from constructs.common.permissions import allow
from constructs.data.network import ApplicationNetwork
from constructs.data.security_group import ClosedSecurityGroup

INTERFACE_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


class VpcFunction(OwnFunction):
    """In the private subnets, with a security group of its own and at first no egress."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: ApplicationNetwork,
        **properties: Unpack[FunctionProperties],
    ) -> None:
        # Lambda's own interfaces, which have no ARN beforehand. Source: Lambda developer guide,
        # "Giving Lambda functions access to a VPC".
        interfaces = allow(*INTERFACE_ACTIONS, on=["*"])
        properties["may"] = [interfaces, *properties["may"]]
        why = "Lambda makes the function's network interfaces, which have no ARN beforehand"
        super().__init__(scope, construct_id, wildcards={"*": why}, **properties)
        name = properties["name"]
        self.security_group_id = ClosedSecurityGroup(
            self,
            "SecurityGroup",
            vpc_id=network.vpc_id,
            name=name,
            description=f"Function {name}",
        ).group_id
        self.function.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
            subnet_ids=network.private_subnet_ids,
            security_group_ids=[self.security_group_id],
        )
