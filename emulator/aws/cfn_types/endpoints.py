"""AWS::EC2::VPCEndpoint, through EC2's API, which refuses what AWS refuses."""

import json
from typing import Any

from emulator.aws.cfn_types.base import (
    Attributes,
    Namer,
    Properties,
    Resource,
    ResourceType,
    is_true,
)
from emulator.aws.clients import client

_MOVABLE = ("RouteTableIds", "SecurityGroupIds", "SubnetIds")


class Endpoint(ResourceType):
    """Its private DNS is off unless the template says otherwise (CloudFormation's schema)."""

    name = "AWS::EC2::VPCEndpoint"
    create_only = ("ServiceName", "VpcEndpointType", "VpcId")

    def create(self, properties: Properties, _named: Namer) -> Resource:
        """Available at once, where AWS takes a minute or two."""
        made = client("ec2").create_vpc_endpoint(
            VpcId=properties["VpcId"],
            ServiceName=properties["ServiceName"],
            VpcEndpointType=properties.get("VpcEndpointType", "Gateway"),
            TagSpecifications=[
                {"ResourceType": "vpc-endpoint", "Tags": properties.get("Tags") or []}
            ],
            **{key: properties.get(key) or [] for key in _MOVABLE},
            **_switched(properties),
        )["VpcEndpoint"]
        return Resource(made["VpcEndpointId"], _attributes(made["VpcEndpointId"]))

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """In place: subnets, groups, route tables, policy and private DNS."""
        moved: dict[str, list[str]] = {}
        for key in _MOVABLE:
            before, after = set(old.get(key) or []), set(new.get(key) or [])
            moved |= {f"Add{key}": list(after - before), f"Remove{key}": list(before - after)}
        client("ec2").modify_vpc_endpoint(
            VpcEndpointId=physical_id,
            **{key: ids for key, ids in moved.items() if ids},
            **_switched(new),
        )
        return _attributes(physical_id)

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """One that is gone is no error."""
        client("ec2").delete_vpc_endpoints(VpcEndpointIds=[physical_id])


def _switched(properties: Properties) -> dict[str, Any]:
    found: dict[str, Any] = {"PrivateDnsEnabled": is_true(properties.get("PrivateDnsEnabled"))}
    if document := properties.get("PolicyDocument"):
        found["PolicyDocument"] = document if isinstance(document, str) else json.dumps(document)
    return found


def _attributes(endpoint_id: str) -> Attributes:
    """The names come last to first.

    CloudFormation's guide documents the order, its schema says that there is none: nothing that is
    deployed may rest on one.
    """
    found = client("ec2").describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
    entries = [f"{one['HostedZoneId']}:{one['DnsName']}" for one in found[0].get("DnsEntries", [])]
    return {"Id": endpoint_id, "DnsEntries": entries[::-1]}
