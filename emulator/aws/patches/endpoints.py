"""EC2: interface endpoints with names, security groups and private DNS, refused as AWS refuses.

Sources: botocore for the two attributes of the VPC that private DNS takes; users' reports for the
words of the refusals (terraform-aws-modules/terraform-aws-vpc#451, GuardDuty's page on
troubleshooting, hashicorp/terraform-provider-aws#17535) and for private DNS where nothing is said
(#37783 there).
"""
# ruff: noqa: SLF001 - another package's private names are its matter

import json
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import ec2  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

from emulator.aws.patches.account import THE_ACCOUNT
from emulator.aws.patches.instead import instead_of
from emulator.iam.endpoint_names import default_name, own_names

Record = dict[str, Any]
_KIND = "AWS::EC2::VPCEndpoint"
_ZONE = "Z7HUB22UULQXV"  # the id of the hosted zone; its letters do not matter


def has_name(name: str) -> bool:
    """Whether an endpoint that is there has this name."""
    return any(name in _names(endpoint) for endpoint in ec2._vpc_endpoints.values())


@instead_of(ec2, "_ACTION_MAP", "CreateVpcEndpoint")
def _create(create: Any, params: Record) -> Any:
    there = set(ec2._vpc_endpoints)
    create(params)
    (endpoint_id,) = set(ec2._vpc_endpoints) - there
    endpoint = ec2._vpc_endpoints.pop(endpoint_id)
    interface = endpoint["VpcEndpointType"] == "Interface"
    endpoint |= {
        "PrivateDnsEnabled": interface and ec2._p(params, "PrivateDnsEnabled") != "false",
        "SecurityGroupIds": ec2._parse_member_list(params, "SecurityGroupId"),
        "PolicyDocument": ec2._p(params, "PolicyDocument"),
    }
    if problem := _refusal(endpoint):
        return ec2._error(*problem, 400)
    ec2._vpc_endpoints[endpoint_id] = endpoint
    answer = ec2._vpce_fields_xml(endpoint, tag="vpcEndpoint")
    return ec2._xml(200, "CreateVpcEndpointResponse", answer)


@instead_of(ec2, "_ACTION_MAP", "ModifyVpcEndpoint")
def _modify(modify: Any, params: Record) -> Any:
    before = ec2._vpc_endpoints.get(ec2._p(params, "VpcEndpointId"))
    if before is None:
        return modify(params)
    private_dns = ec2._p(params, "PrivateDnsEnabled") or str(before["PrivateDnsEnabled"])
    changed = {"PrivateDnsEnabled": private_dns.lower() == "true"}
    for member in ("SubnetId", "SecurityGroupId"):
        add, less = (ec2._parse_member_list(params, f"{way}{member}") for way in ("Add", "Remove"))
        moved = dict.fromkeys([*before[f"{member}s"], *add])
        changed[f"{member}s"] = [member_id for member_id in moved if member_id not in less]
    if problem := _refusal(before | changed):
        return ec2._error(*problem, 400)
    answer = modify(params)
    before.update(changed)
    return answer


@instead_of(ec2, "_vpce_fields_xml")
def _fields(fields: Any, endpoint: Record, tag: str = "item") -> str:
    """With what ministack leaves out, which is not there yet while it creates one."""
    xml: str = fields(endpoint, tag=tag)
    more = _more(endpoint) if "PrivateDnsEnabled" in endpoint else ""
    return xml.rstrip().removesuffix(f"</{tag}>") + more + f"</{tag}>"


@instead_of(provisioners, "_RESOURCE_HANDLERS", _KIND, "create")
@instead_of(provisioners, "_RESOURCE_HANDLERS", _KIND, "update")
def _deploy(original: Any, name: str, *properties: Any) -> tuple[str, Record]:
    """CloudFormation's creation or update of one, with what ministack leaves out.

    The names come last to first. CloudFormation's guide documents the order, its schema says that
    there is none: nothing that is deployed may rest on one.
    """
    *_, new, _stack = properties
    before = dict(ec2._vpc_endpoints.get(name, {}))
    endpoint_id, _ = original(name, *properties)
    endpoint = ec2._vpc_endpoints[endpoint_id]
    policy = new.get("PolicyDocument")
    endpoint |= {
        "PrivateDnsEnabled": str(new.get("PrivateDnsEnabled")).lower() == "true",
        "SecurityGroupIds": list(new.get("SecurityGroupIds") or []),
        "PolicyDocument": json.dumps(policy) if isinstance(policy, dict) else policy,
    }
    if problem := _refusal(endpoint):
        if before:
            ec2._vpc_endpoints[endpoint_id] = before
        else:
            del ec2._vpc_endpoints[endpoint_id]
        raise ValueError(": ".join(problem))
    entries = [f"{_ZONE}:{name}" for name in reversed(_names(endpoint))]
    return endpoint_id, {"Id": endpoint_id, "DnsEntries": entries}


def _refusal(endpoint: Record) -> tuple[str, str] | None:
    vpc_id, service = endpoint["VpcId"], endpoint["ServiceName"]
    vpc, zones = ec2._vpcs[vpc_id], _zones(endpoint)
    if len(set(zones)) < len(zones):
        return (
            "DuplicateSubnetsInSameZone",
            "Found another VPC endpoint subnet in the availability zone of "
            f"{endpoint['SubnetIds'][-1]}. VPC endpoint subnets should be in different "
            "availability zones supported by the VPC endpoint service.",
        )
    missing = THE_ACCOUNT.zones_without.get(service.rpartition(".")[2])
    for subnet, zone in zip(endpoint["SubnetIds"], zones, strict=True):
        if zone == missing:
            return (
                "InvalidParameter",
                f"The VPC endpoint service {service} does not support the availability zone of the "
                f"subnet: {subnet}.",
            )
    if not endpoint["PrivateDnsEnabled"]:
        return None
    if not (vpc.get("EnableDnsSupport", True) and vpc.get("EnableDnsHostnames", False)):
        return (
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC "
            f"attributes set to true for {vpc_id}",
        )
    taken = {
        other["VpcEndpointId"]
        for other in ec2._vpc_endpoints.values()
        if (other["VpcId"], other["ServiceName"]) == (vpc_id, service)
        and other["PrivateDnsEnabled"]
    }
    if taken - {endpoint["VpcEndpointId"]}:
        return (
            "InvalidParameter",
            "private-dns-enabled cannot be set because there is already a conflicting DNS "
            f"domain for {default_name(service)} in the VPC {vpc_id}",
        )
    return None


def _zones(endpoint: Record) -> list[str]:
    return [ec2._subnets[subnet]["AvailabilityZone"] for subnet in endpoint["SubnetIds"]]


def _names(endpoint: Record) -> list[str]:
    """In the order of AWS's sample: the regional name, each zone's, and the service's own."""
    if endpoint["VpcEndpointType"] != "Interface":
        return []
    service = endpoint["ServiceName"]
    names = own_names(endpoint["VpcEndpointId"], service, _zones(endpoint))
    return [*names, default_name(service)] if endpoint["PrivateDnsEnabled"] else names


def _more(endpoint: Record) -> str:
    groups = "".join(
        f"<item><groupId>{group}</groupId></item>" for group in endpoint["SecurityGroupIds"]
    )
    names = "".join(
        f"<item><dnsName>{name}</dnsName><hostedZoneId>{_ZONE}</hostedZoneId></item>"
        for name in _names(endpoint)
    )
    policy = endpoint["PolicyDocument"]
    return (
        f"<privateDnsEnabled>{str(endpoint['PrivateDnsEnabled']).lower()}</privateDnsEnabled>"
        f"<groupSet>{groups}</groupSet><dnsEntrySet>{names}</dnsEntrySet>"
        + (f"<policyDocument>{escape(policy)}</policyDocument>" if policy else "")
    )


def install() -> None:
    """Replace one whose service, type or VPC changes."""
    provisioners._REPLACING_PROPERTIES[_KIND] = ("ServiceName", "VpcEndpointType", "VpcId")
