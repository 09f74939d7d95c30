"""EC2: interface endpoints with names, security groups and private DNS, refused as AWS refuses.

Sources: botocore for the two attributes of the VPC that private DNS takes; users' reports for the
words of the refusals (terraform-aws-modules/terraform-aws-vpc#451, GuardDuty's page on
troubleshooting, hashicorp/terraform-provider-aws#17535) and for private DNS where nothing is said
(#37783 there).
"""
# ruff: noqa: SLF001 - another package's private names are its matter

from typing import Any
from xml.sax.saxutils import escape

from ministack.services import ec2  # type: ignore[import-not-found]

from rehearsal.access.endpoint_names import default_name, own_names

Record = dict[str, Any]


def dns_names(endpoint: Record) -> list[str]:
    """In the order of AWS's sample: the regional name, each zone's, and the service's own."""
    if endpoint["VpcEndpointType"] != "Interface":
        return []
    service = endpoint["ServiceName"]
    found = own_names(endpoint["VpcEndpointId"], service, _zones(endpoint))
    return [*found, default_name(service)] if endpoint["PrivateDnsEnabled"] else found


def has_name(name: str) -> bool:
    """Whether an endpoint that is there has this name."""
    return any(name in dns_names(endpoint) for endpoint in ec2._vpc_endpoints.values())


def install() -> None:
    """Create, change and describe them with what ministack leaves out."""
    actions, plain = ec2._ACTION_MAP, ec2._vpce_fields_xml
    create, modify = actions["CreateVpcEndpoint"], actions["ModifyVpcEndpoint"]

    def creating(params: Record) -> Any:
        asked = {
            "VpcEndpointId": "",
            "VpcEndpointType": ec2._p(params, "VpcEndpointType") or "Gateway",
            "VpcId": ec2._p(params, "VpcId"),
            "ServiceName": ec2._p(params, "ServiceName"),
            "SubnetIds": ec2._parse_member_list(params, "SubnetId"),
        }
        ours = {
            "PrivateDnsEnabled": asked["VpcEndpointType"] == "Interface"
            and ec2._p(params, "PrivateDnsEnabled") != "false",
            "SecurityGroupIds": ec2._parse_member_list(params, "SecurityGroupId"),
            "PolicyDocument": ec2._p(params, "PolicyDocument") or None,
        }
        if problem := _refusal(asked | ours):
            return ec2._error(*problem, 400)
        before = set(ec2._vpc_endpoints)
        create(params)
        (made,) = set(ec2._vpc_endpoints) - before
        endpoint = ec2._vpc_endpoints[made]
        endpoint.update(ours)
        answer = fields(endpoint, tag="vpcEndpoint")
        return ec2._xml(200, "CreateVpcEndpointResponse", answer)

    def modifying(params: Record) -> Any:
        endpoint = ec2._vpc_endpoints.get(ec2._p(params, "VpcEndpointId"))
        if endpoint is None:
            return modify(params)
        changed = {
            **endpoint,
            "SubnetIds": _moved(params, "SubnetId", endpoint["SubnetIds"]),
            "SecurityGroupIds": _moved(params, "SecurityGroupId", endpoint["SecurityGroupIds"]),
        }
        if private_dns := ec2._p(params, "PrivateDnsEnabled"):
            changed["PrivateDnsEnabled"] = private_dns == "true"
        if problem := _refusal(changed):
            return ec2._error(*problem, 400)
        answer = modify(params)
        endpoint.update({key: changed[key] for key in ("SubnetIds", "SecurityGroupIds")})
        endpoint["PrivateDnsEnabled"] = changed["PrivateDnsEnabled"]
        return answer

    def fields(endpoint: Record, tag: str = "item") -> str:
        xml: str = plain(endpoint, tag=tag)
        # While ministack creates one, what it leaves out is not there yet.
        more = _more(endpoint) if "PrivateDnsEnabled" in endpoint else ""
        return xml.rstrip().removesuffix(f"</{tag}>") + more + f"</{tag}>"

    actions |= {"CreateVpcEndpoint": creating, "ModifyVpcEndpoint": modifying}
    ec2._vpce_fields_xml = fields


def _moved(params: Record, member: str, before: list[str]) -> list[str]:
    add, remove = (ec2._parse_member_list(params, f"{way}{member}") for way in ("Add", "Remove"))
    return [one for one in dict.fromkeys([*before, *add]) if one not in remove]


def _refusal(endpoint: Record) -> tuple[str, str] | None:
    zones = _zones(endpoint)
    if len(set(zones)) < len(zones):
        return (
            "DuplicateSubnetsInSameZone",
            "Found another VPC endpoint subnet in the availability zone of "
            f"{endpoint['SubnetIds'][-1]}. VPC endpoint subnets should be in different "
            "availability zones supported by the VPC endpoint service.",
        )
    if not endpoint["PrivateDnsEnabled"]:
        return None
    vpc_id, service = endpoint["VpcId"], endpoint["ServiceName"]
    vpc = ec2._vpcs[vpc_id]
    if not (vpc.get("EnableDnsSupport", True) and vpc.get("EnableDnsHostnames", False)):
        return (
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC "
            f"attributes set to true for {vpc_id}",
        )
    for other in ec2._vpc_endpoints.values():
        if (
            other["VpcEndpointId"] != endpoint["VpcEndpointId"]
            and (other["VpcId"], other["ServiceName"]) == (vpc_id, service)
            and other["PrivateDnsEnabled"]
        ):
            return (
                "InvalidParameter",
                "private-dns-enabled cannot be set because there is already a conflicting DNS "
                f"domain for {default_name(service)} in the VPC {vpc_id}",
            )
    return None


def _zones(endpoint: Record) -> list[str]:
    return [ec2._subnets[subnet]["AvailabilityZone"] for subnet in endpoint["SubnetIds"]]


def _more(endpoint: Record) -> str:
    groups = "".join(
        f"<item><groupId>{group}</groupId></item>" for group in endpoint["SecurityGroupIds"]
    )
    names = "".join(
        f"<item><dnsName>{name}</dnsName><hostedZoneId>Z7HUB22UULQXV</hostedZoneId></item>"
        for name in dns_names(endpoint)
    )
    policy = endpoint["PolicyDocument"]
    return (
        f"<privateDnsEnabled>{str(endpoint['PrivateDnsEnabled']).lower()}</privateDnsEnabled>"
        f"<groupSet>{groups}</groupSet><dnsEntrySet>{names}</dnsEntrySet>"
        + (f"<policyDocument>{escape(policy)}</policyDocument>" if policy else "")
    )
