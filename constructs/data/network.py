"""Where the group lives, and who may reach it (§2.1, 2.3, 5.2)."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache

from constructs import Construct
from constructs.common.permissions import acknowledge
from environments.network_settings import FEWEST_ZONES, ExistingNetwork, OwnNetwork
from environments.redis_settings import PORT
from environments.schema import Settings

# EC2 lets everything out of a group that has no egress rule: this one matches nothing.
_NOTHING_OUT = ec2.CfnSecurityGroup.EgressProperty(
    cidr_ip="255.255.255.255/32",
    description="Disallow all traffic",
    from_port=252,
    ip_protocol="icmp",
    to_port=86,
)


def closed_security_group(
    scope: Construct, construct_id: str, vpc_id: str, name: str, description: str
) -> str:
    """The id of a group without rules; changing its name or description replaces it."""
    return ec2.CfnSecurityGroup(
        Construct(scope, construct_id),
        "Resource",
        vpc_id=vpc_id,
        group_name=name,
        group_description=description,
        security_group_egress=[_NOTHING_OUT],
    ).attr_group_id


def let_in(
    scope: Construct, construct_id: str, into: str, source: str, port: int, description: str
) -> None:
    """Let the group ``source`` into the group ``into`` on one TCP port."""
    ec2.CfnSecurityGroupIngress(
        scope,
        construct_id,
        group_id=into,
        source_security_group_id=source,
        description=description,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
    )


class ApplicationNetwork(Construct):
    """The VPC, its subnets without a way in, and the application servers' security group."""

    vpc_id: str
    application_group_id: str
    private_subnet_ids: list[str]
    one_subnet_per_zone: dict[str, str]  # private too: AWS takes no second one for an endpoint
    endpoint_group_ids: dict[str, str]  # by service

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: ExistingNetwork | OwnNetwork
    ) -> None:
        super().__init__(scope, construct_id)
        self.endpoint_group_ids = {}
        match settings:
            case ExistingNetwork():
                self._find(settings)
            case OwnNetwork():
                self._make(settings)

    def _find(self, settings: ExistingNetwork) -> None:
        vpc = ec2.Vpc.from_lookup(self, "Vpc", vpc_name=settings.vpc_name)
        self.vpc_id = vpc.vpc_id
        self.application_group_id = ec2.SecurityGroup.from_lookup_by_name(
            self, "Application", settings.application_security_group_name, vpc
        ).security_group_id
        private = settings.subnets == "private"
        subnets = vpc.private_subnets if private else vpc.isolated_subnets
        self.private_subnet_ids = [subnet.subnet_id for subnet in subnets]
        zones = self.one_subnet_per_zone = dict[str, str]()
        for subnet in subnets:
            zones.setdefault(subnet.availability_zone, subnet.subnet_id)
        if len(zones) < FEWEST_ZONES:
            # Only the look-up tells, so this rule cannot stand in the settings.
            cdk.Annotations.of(self).add_error(
                f"network.vpc.vpc_name: {settings.vpc_name!r} has {settings.subnets} subnets in "
                f"{len(zones)} zones. A zone can be lost, and the plan (§2.1) asks for "
                f"{FEWEST_ZONES} or more. Add some, or name another VPC or kind of subnets."
            )

    def _make(self, settings: OwnNetwork) -> None:
        vpc = ec2.Vpc(
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
        self.vpc_id = vpc.vpc_id
        self.private_subnet_ids = [subnet.subnet_id for subnet in vpc.isolated_subnets]
        self.one_subnet_per_zone = dict(zip(settings.zones, self.private_subnet_ids, strict=True))
        closed = "A network without any gateway: no traffic enters or leaves it"
        unused = "Nothing is in the default group, and the network has no gateway"
        zones = "The zones are an environment's own setting, so that synth asks AWS for nothing"
        acknowledge(
            vpc,
            {
                "AwsSolutions:VPC7": closed,
                "NIST+PCI:VPCFlowLogsEnabled": closed,
                "NIST+PCI:VPCDefaultSecurityGroupClosed": unused,
                "CloudFormation:W3010": zones,
            },
        )
        application = ec2.SecurityGroup(
            self,
            "Application",
            vpc=vpc,
            security_group_name=settings.application_security_group_name,
            description="Application servers",
            # The subnets are isolated: outbound leads to this VPC's own addresses only.
            allow_all_outbound=True,
        )
        self.application_group_id = application.security_group_id
        for service in settings.endpoints:
            endpoint = vpc.add_interface_endpoint(
                service.title(), service=ec2.InterfaceVpcEndpointAwsService(service), open=False
            )
            endpoint.connections.allow_default_port_from(application, f"Application to {service}")
            (group,) = endpoint.connections.security_groups
            self.endpoint_group_ids[service] = group.security_group_id


class RedisAccess(Construct):
    """The group's own security group and subnets: in from the application alone, out to nobody."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        network: ApplicationNetwork,
    ) -> None:
        super().__init__(scope, construct_id)
        group_id, name = settings.redis.replication_group_id, settings.network.security_group_name
        what = f"ElastiCache replication group {group_id}"
        self.security_group_id = closed_security_group(
            self, "SecurityGroup", network.vpc_id, name, what
        )
        source = network.application_group_id
        let_in(self, "FromApplication", self.security_group_id, source, PORT, "Application servers")
        self.subnet_group_name = elasticache.CfnSubnetGroup(
            self,
            "SubnetGroup",
            cache_subnet_group_name=settings.network.subnet_group_name,
            description=f"Private subnets of {group_id}",
            subnet_ids=network.private_subnet_ids,
        ).ref
