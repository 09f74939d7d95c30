"""Security groups that let nothing in or out but what is opened by name."""

from aws_cdk import aws_ec2 as ec2

from constructs import Construct

# EC2 lets everything out of a group that has no egress rule: this one matches nothing.
_NOTHING_OUT = ec2.CfnSecurityGroup.EgressProperty(
    cidr_ip="255.255.255.255/32",
    description="Disallow all traffic",
    from_port=252,
    ip_protocol="icmp",
    to_port=86,
)


class ClosedSecurityGroup(Construct):
    """Name and description are an interface: changing either replaces the group."""

    def __init__(
        self, scope: Construct, construct_id: str, *, vpc_id: str, name: str, description: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.group_id = ec2.CfnSecurityGroup(
            self,
            "Resource",
            vpc_id=vpc_id,
            group_name=name,
            group_description=description,
            security_group_egress=[_NOTHING_OUT],
        ).attr_group_id


def let_in(
    scope: Construct, construct_id: str, *, into: str, source: str, port: int, description: str
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
