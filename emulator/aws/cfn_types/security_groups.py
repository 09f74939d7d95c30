"""AWS::EC2::SecurityGroupIngress and Egress: a rule apart from its group."""

from typing import Any, ClassVar

from emulator.aws.cfn_types.base import Created, Namer, Properties, ResourceType, unless_gone
from emulator.aws.clients import client

_FIXED = ("CidrIp", "CidrIpv6", "FromPort", "GroupId", "IpProtocol", "ToPort")
_PORTS = ("FromPort", "ToPort")


class _Rule(ResourceType):
    """A rule of either direction; `peer` is the name of the other side."""

    peer: ClassVar[str]
    direction: ClassVar[str]

    def create(self, properties: Properties, _named: Namer) -> Created:
        """Refused when the rule is there already, as EC2 does and the embedded one does not."""
        group = properties["GroupId"]
        before = _rules(group)
        authorize = getattr(client("ec2"), f"authorize_security_group_{self.direction}")
        answer = authorize(GroupId=group, IpPermissions=[self._permission(properties)])
        rule = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        if rule in before:
            raise ValueError(f"the rule already exists in {group} (InvalidPermission.Duplicate)")
        return rule, {"Id": rule}

    def update(self, physical_id: str, _old: Properties, new: Properties) -> Properties:
        """Only the description changes in place, and the rule keeps its id."""
        client("ec2").modify_security_group_rules(
            GroupId=new["GroupId"],
            SecurityGroupRules=[
                {
                    "SecurityGroupRuleId": physical_id,
                    "SecurityGroupRule": {
                        "Description": new.get("Description", ""),
                        **_traffic(new),
                    },
                }
            ],
        )
        return {"Id": physical_id}

    def delete(self, physical_id: str, properties: Properties) -> None:
        """A group that is gone took its rules along."""
        revoke = getattr(client("ec2"), f"revoke_security_group_{self.direction}")
        unless_gone(revoke, GroupId=properties["GroupId"], SecurityGroupRuleIds=[physical_id])

    def _permission(self, properties: Properties) -> dict[str, Any]:
        note = {"Description": properties["Description"]} if "Description" in properties else {}
        permission = _traffic(properties)
        for name, kind, key in (
            ("CidrIp", "IpRanges", "CidrIp"),
            ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
            (f"{self.peer}SecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ):
            if name in properties:
                permission[kind] = [{key: properties[name], **note}]
        return permission


class Ingress(_Rule):
    """AWS::EC2::SecurityGroupIngress."""

    name = "AWS::EC2::SecurityGroupIngress"
    peer = "Source"
    direction = "ingress"
    create_only = (*_FIXED, "SourceSecurityGroupId")


class Egress(_Rule):
    """AWS::EC2::SecurityGroupEgress."""

    name = "AWS::EC2::SecurityGroupEgress"
    peer = "Destination"
    direction = "egress"
    create_only = (*_FIXED, "DestinationSecurityGroupId")


def _traffic(properties: Properties) -> dict[str, Any]:
    ports = {port: int(properties[port]) for port in _PORTS if port in properties}
    return {"IpProtocol": str(properties["IpProtocol"]), **ports}


def _rules(group: str) -> set[str]:
    answer = client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [group]}]
    )
    return {rule["SecurityGroupRuleId"] for rule in answer["SecurityGroupRules"]}
