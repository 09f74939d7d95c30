"""The way to AWS's services for functions without internet."""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2

from constructs import Construct
from constructs.network import ApplicationNetwork
from constructs.vpc_function import VpcFunction

HTTPS = 443


class ServiceEndpoints(Construct):
    """Interface endpoints with private DNS that admit the functions they are opened to."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: ApplicationNetwork,
        services: Sequence[str],
        own_group_id: str | None,
        name: str,
    ) -> None:
        """``services`` are those that the VPC lacks; ``name`` is their security group.

        ``own_group_id`` is the security group of endpoints that the VPC has already.
        """
        super().__init__(scope, construct_id)
        self._security_groups = dict(network.endpoint_security_groups)
        if own_group_id:
            self._security_groups["own"] = ec2.SecurityGroup.from_security_group_id(
                self, "Own", own_group_id
            )
        if not services:
            return
        security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=network.vpc,
            security_group_name=name,
            description="Interface endpoints for functions",
            allow_all_outbound=False,
        )
        for service in services:
            ec2.InterfaceVpcEndpoint(
                self,
                service.title(),
                vpc=network.vpc,
                service=ec2.InterfaceVpcEndpointAwsService(service),
                subnets=ec2.SubnetSelection(subnets=network.private_subnets),
                security_groups=[security_group],
                private_dns_enabled=True,
                open=False,
            )
            self._security_groups[service] = security_group

    def open_to(self, function: VpcFunction) -> None:
        """Let the function through, and the function out to here."""
        groups = {group.node.addr: group for group in self._security_groups.values()}
        for number, group in enumerate(groups.values(), start=1):
            connect(self, f"{function.node.id}{number}", function, group, HTTPS, "AWS services")


def connect(
    scope: Construct,
    construct_id: str,
    function: VpcFunction,
    target: ec2.ISecurityGroup,
    port: int,
    what: str,
) -> None:
    """Open one port between a function and a security group, on both sides, by name."""
    ec2.CfnSecurityGroupEgress(
        scope,
        f"{construct_id}Out",
        group_id=function.security_group.security_group_id,
        destination_security_group_id=target.security_group_id,
        description=what,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
    )
    ec2.CfnSecurityGroupIngress(
        scope,
        f"{construct_id}In",
        group_id=target.security_group_id,
        source_security_group_id=function.security_group.security_group_id,
        description=f"Function {function.node.id}",
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
    )
