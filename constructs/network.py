"""Where the group lives, and who may reach it (§2.1, 2.3, 5.2)."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache

from constructs import Construct
from constructs.acknowledge import acknowledge
from environments.network_settings import FEWEST_ZONES, ExistingNetwork, OwnNetwork


class ApplicationNetwork(Construct):
    """The VPC, its subnets without a way in, and the application servers' security group."""

    vpc: ec2.IVpc
    application: ec2.ISecurityGroup
    private_subnets: list[ec2.ISubnet]
    endpoint_security_groups: dict[str, ec2.ISecurityGroup]

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: ExistingNetwork | OwnNetwork
    ) -> None:
        super().__init__(scope, construct_id)
        self.endpoint_security_groups = {}
        match settings:
            case ExistingNetwork():
                self._find(settings)
            case OwnNetwork():
                self._make(settings)

    def _find(self, settings: ExistingNetwork) -> None:
        self.vpc = ec2.Vpc.from_lookup(self, "Vpc", vpc_name=settings.vpc_name)
        self.application = ec2.SecurityGroup.from_lookup_by_name(
            self, "Application", settings.application_security_group_name, self.vpc
        )
        vpc = self.vpc
        private = settings.subnets == "private"
        self.private_subnets = vpc.private_subnets if private else vpc.isolated_subnets
        zones = {subnet.availability_zone for subnet in self.private_subnets}
        if len(zones) < FEWEST_ZONES:
            # Only the look-up tells, so this rule cannot stand in the settings.
            cdk.Annotations.of(self).add_error(
                f"network.vpc.vpc_name: {settings.vpc_name!r} has {settings.subnets} subnets in "
                f"{len(zones)} zones. A zone can be lost, and the plan (§2.1) asks for "
                f"{FEWEST_ZONES} or more. Add some, or name another VPC or kind of subnets."
            )

    def _make(self, settings: OwnNetwork) -> None:
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            vpc_name=settings.vpc_name,
            ip_addresses=ec2.IpAddresses.cidr(str(settings.cidr)),
            availability_zones=list(settings.zones),
            nat_gateways=0,
            # Closing the unused default group takes a function of CDK's own at each deployment.
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="private", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
            ],
        )
        self.private_subnets = self.vpc.isolated_subnets
        acknowledge(
            self.vpc,
            "AwsSolutions:VPC7",
            "NIST:VPCFlowLogsEnabled",
            "PCI:VPCFlowLogsEnabled",
            reason="A network without any gateway: no traffic enters or leaves it",
        )
        acknowledge(
            self.vpc,
            "NIST:VPCDefaultSecurityGroupClosed",
            "PCI:VPCDefaultSecurityGroupClosed",
            reason="Nothing is in the default group, and the network has no gateway",
        )
        self.application = ec2.SecurityGroup(
            self,
            "Application",
            vpc=self.vpc,
            security_group_name=settings.application_security_group_name,
            description="Application servers",
            # The subnets are isolated: outbound leads to this VPC's own addresses only.
            allow_all_outbound=True,
        )
        for service in settings.endpoints:
            endpoint = self.vpc.add_interface_endpoint(
                service.title(),
                service=ec2.InterfaceVpcEndpointAwsService(service),
                open=False,
            )
            endpoint.connections.allow_default_port_from(
                self.application, f"Application to {service}"
            )
            self.endpoint_security_groups[service] = endpoint.connections.security_groups[0]


class RedisAccess(Construct):
    """The group's own security group and subnets: in from the application alone, out to nobody."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        group_id: str,
        network: ApplicationNetwork,
        security_group_name: str,
        subnet_group_name: str,
        port: int,
    ) -> None:
        """``port`` is the one TCP port that is opened, to the application's group only."""
        super().__init__(scope, construct_id)
        # Name and description are an interface: changing either replaces the group.
        self.security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=network.vpc,
            security_group_name=security_group_name,
            description=f"ElastiCache replication group {group_id}",
            allow_all_outbound=False,
        )
        ec2.CfnSecurityGroupIngress(
            self,
            "FromApplication",
            group_id=self.security_group.security_group_id,
            source_security_group_id=network.application.security_group_id,
            description="Application servers",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
        )
        self.subnet_group = elasticache.CfnSubnetGroup(
            self,
            "SubnetGroup",
            cache_subnet_group_name=subnet_group_name,
            description=f"Private subnets of {group_id}",
            subnet_ids=[subnet.subnet_id for subnet in network.private_subnets],
        )
