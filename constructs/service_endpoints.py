"""The way to AWS's services for functions without internet."""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2

from constructs import Construct
from constructs.network import ApplicationNetwork
from constructs.place import place
from constructs.security_group import ClosedSecurityGroup, let_in
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
        self._group_ids = list(network.endpoint_group_ids.values())
        if own_group_id:
            self._group_ids.append(own_group_id)
        if not services:
            return
        security_group = ClosedSecurityGroup(
            self,
            "SecurityGroup",
            vpc_id=network.vpc_id,
            name=name,
            description="Interface endpoints for functions",
        )
        for service in services:
            ec2.CfnVPCEndpoint(
                Construct(self, service.title()),
                "Resource",
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{place(self).region}.{service}",
                vpc_id=network.vpc_id,
                subnet_ids=network.private_subnet_ids,
                security_group_ids=[security_group.group_id],
                private_dns_enabled=True,
            )
        self._group_ids.append(security_group.group_id)

    def open_to(self, function: VpcFunction) -> None:
        """Let the function through, and the function out to here."""
        for number, group_id in enumerate(self._group_ids, start=1):
            connect(self, f"{function.label}{number}", function, group_id, HTTPS, "AWS services")


def connect(
    scope: Construct,
    construct_id: str,
    function: VpcFunction,
    target_group_id: str,
    port: int,
    what: str,
) -> None:
    """Open one port between a function and a security group, on both sides, by name."""
    ec2.CfnSecurityGroupEgress(
        scope,
        f"{construct_id}Out",
        group_id=function.security_group_id,
        destination_security_group_id=target_group_id,
        description=what,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
    )
    let_in(
        scope,
        f"{construct_id}In",
        into=target_group_id,
        source=function.security_group_id,
        port=port,
        description=f"Function {function.label}",
    )
