"""AWS::EC2::VPCEndpoint, through EC2's API, which refuses what AWS refuses."""

import json
from typing import Any

from rehearsal.aws.cfn_types.base import (
    Attributes,
    Namer,
    Properties,
    Resource,
    ResourceType,
    is_true,
    tags_of,
)
from rehearsal.aws.clients import client

_MOVABLE = ("RouteTableIds", "SecurityGroupIds", "SubnetIds")


class Endpoint(ResourceType):
    """Its private DNS is off unless the template says otherwise (CloudFormation's schema)."""

    name = "AWS::EC2::VPCEndpoint"
    create_only = ("ServiceName", "VpcEndpointType", "VpcId")

    def create(self, properties: Properties, _named: Namer) -> Resource:
        """Available at once, where AWS takes a minute or two."""
        tags = [{"Key": key, "Value": value} for key, value in tags_of(properties).items()]
        asked: dict[str, Any] = {
            "VpcId": properties["VpcId"],
            "ServiceName": properties["ServiceName"],
            "VpcEndpointType": properties.get("VpcEndpointType", "Gateway"),
            "PrivateDnsEnabled": is_true(properties.get("PrivateDnsEnabled")),
            **{key: properties.get(key) or [] for key in _MOVABLE},
            **_policy(properties),
        }
        if tags:
            asked["TagSpecifications"] = [{"ResourceType": "vpc-endpoint", "Tags": tags}]
        made = client("ec2").create_vpc_endpoint(**asked)["VpcEndpoint"]
        return Resource(made["VpcEndpointId"], _attributes(made))

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """In place: subnets, groups, route tables, policy and private DNS."""
        moved: dict[str, list[str]] = {}
        for key in _MOVABLE:
            before, after = old.get(key) or [], new.get(key) or []
            for way, more, fewer in (("Add", after, before), ("Remove", before, after)):
                if changed := [one for one in more if one not in fewer]:
                    moved[f"{way}{key}"] = changed
        client("ec2").modify_vpc_endpoint(
            VpcEndpointId=physical_id,
            PrivateDnsEnabled=is_true(new.get("PrivateDnsEnabled")),
            **moved,
            **_policy(new),
        )
        (there,) = client("ec2").describe_vpc_endpoints(VpcEndpointIds=[physical_id])[
            "VpcEndpoints"
        ]
        return _attributes(there)

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """One that is gone is no error."""
        client("ec2").delete_vpc_endpoints(VpcEndpointIds=[physical_id])


def _policy(properties: Properties) -> dict[str, str]:
    document = properties.get("PolicyDocument")
    if document is None:
        return {}
    return {"PolicyDocument": document if isinstance(document, str) else json.dumps(document)}


def _attributes(endpoint: dict[str, Any]) -> Attributes:
    """The names come last to first.

    CloudFormation's guide documents the order, its schema says that there is none: nothing that is
    deployed may rest on one.
    """
    entries = [
        f"{entry['HostedZoneId']}:{entry['DnsName']}" for entry in endpoint.get("DnsEntries", [])
    ]
    return {"Id": endpoint["VpcEndpointId"], "DnsEntries": entries[::-1]}
