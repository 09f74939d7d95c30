"""The way to AWS's services for functions without internet."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from constructs import Construct
from constructs.common.own_function import OwnFunction
from constructs.common.permissions import place
from constructs.data.network import ApplicationNetwork, closed_security_group, let_in
from environments.schema import Settings

HTTPS = 443
# From where botocore takes a service's address.
VARIABLES = {
    "elasticache": "AWS_ENDPOINT_URL_ELASTICACHE",
    "secretsmanager": "AWS_ENDPOINT_URL_SECRETS_MANAGER",
}


class ServiceEndpoints(Construct):
    """Interface endpoints that admit the functions they are opened to, and concern nobody else.

    With private DNS an endpoint takes the service's public name over for the whole VPC, and whoever
    its security group does not admit loses the service. So these have none, and the functions call
    them by their own names.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        network: ApplicationNetwork,
    ) -> None:
        super().__init__(scope, construct_id)
        services, zones = settings.rotation.endpoints, settings.rotation.endpoint_zones
        own_group_id = settings.rotation.endpoint_security_group_id
        self._group_ids = list(network.endpoint_group_ids.values())
        self._addresses: dict[str, Any] = {}
        if own_group_id:
            self._group_ids.append(own_group_id)
        if not services:
            return
        name, what = f"{settings.prefix}-endpoints", "Interface endpoints for functions"
        group_id = closed_security_group(self, "SecurityGroup", network.vpc_id, name, what)
        subnets = [
            subnet
            for zone, subnet in network.one_subnet_per_zone.items()
            if zones is None or zone in zones
        ]
        if not subnets:
            cdk.Annotations.of(self).add_error(
                f"rotation.endpoint_zones: the group has no subnet in {', '.join(zones or ())}. "
                "The functions would have no way to AWS's services. Write at least one of "
                f"{', '.join(network.one_subnet_per_zone)}."
            )
        region = place(self).region
        for service in services:
            # Not "Resource", which earlier releases made with private DNS: CloudFormation makes
            # this one beside it, then changes the functions, and then deletes that one.
            endpoint = ec2.CfnVPCEndpoint(
                Construct(self, service.title()),
                "OwnName",
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_id=network.vpc_id,
                subnet_ids=subnets,
                security_group_ids=[group_id],
                private_dns_enabled=False,
            )
            domain = f"{service}.{region}.vpce.amazonaws.com"
            self._addresses[VARIABLES[service]] = own_address(endpoint.logical_id, domain)
        self._group_ids.append(group_id)

    def open_to(self, function: OwnFunction) -> None:
        """Let the function through, and the function out to here; tell it the endpoints' names."""
        for variable, address in self._addresses.items():
            function.function.add_property_override(f"Environment.Variables.{variable}", address)
        for number, group_id in enumerate(self._group_ids, start=1):
            connect(self, f"{function.label}{number}", function, group_id, HTTPS, "AWS services")


def own_address(logical_id: str, domain: str) -> dict[str, Any]:
    """``https://<endpoint>-<letters>.<domain>``: the endpoint's regional name.

    DnsEntries lists "<hosted zone>:<name>": this name, the same with a zone after the letters, and
    the service's public name where there is private DNS. CloudFormation's guide documents an order
    and its schema denies it (insertionOrder false), so the letters are taken from whichever entry
    of the endpoint's own is first. Without one, the deployment fails before a function changes.
    """
    entries = {"Fn::Join": [",", {"Fn::GetAtt": [logical_id, "DnsEntries"]}]}
    label = _part(0, ".", _part(1, ":vpce-", entries))  # <id>-<letters> or <id>-<letters>-<zone>
    return {
        "Fn::Join": ["", ["https://", {"Ref": logical_id}, "-", _part(1, "-", label), f".{domain}"]]
    }


def _part(number: int, separator: str, text: Any) -> dict[str, Any]:
    return {"Fn::Select": [number, {"Fn::Split": [separator, text]}]}


def connect(
    scope: Construct,
    construct_id: str,
    function: OwnFunction,
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
    source, said = function.security_group_id, f"Function {function.label}"
    let_in(scope, f"{construct_id}In", target_group_id, source, port, said)
