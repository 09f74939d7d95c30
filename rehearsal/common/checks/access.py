"""Who may reach Redis: security groups of ours and the application's, no address range."""

from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.checks.replication_group import GROUP, described
from rehearsal.common.deployed import only, resources
from rehearsal.common.rehearsal import Rehearsal

# What CDK writes for "no egress": a rule that lets nothing out.
_NOTHING = "255.255.255.255/32"


def check(rehearsal: Rehearsal) -> str:
    """Ingress by security group on the port alone, and no egress."""
    ec2 = rehearsal.aws("ec2")
    settings = rehearsal.checkout.settings["network"]
    group_name = settings["security_group_name"]
    (group,) = (
        found
        for found in resources(rehearsal, "AWS::EC2::SecurityGroup")
        if found.properties.get("GroupName") == group_name
    )
    port = int(only(rehearsal, GROUP).properties["Port"])
    application = ec2.describe_security_groups(
        Filters=[
            {"Name": "group-name", "Values": [settings["vpc"]["application_security_group_name"]]}
        ]
    )["SecurityGroups"][0]["GroupId"]
    ours = {found.physical_id for found in resources(rehearsal, "AWS::EC2::SecurityGroup")}
    (there,) = ec2.describe_security_groups(GroupIds=[group.physical_id])["SecurityGroups"]
    sources = set()
    for rule in there["IpPermissions"]:
        expect_that(
            not rule.get("IpRanges") and not rule.get("Ipv6Ranges"),
            f"{group_name} lets an address range in: {rule}",
        )
        expect(f"{group_name}: ports", (rule["FromPort"], rule["ToPort"]), (port, port))
        sources |= {pair["GroupId"] for pair in rule["UserIdGroupPairs"]}
    expect_that(application in sources, f"{group_name} does not let the application in")
    expect_that(sources <= ours | {application}, f"{group_name} lets strangers in: {sources}")
    out = [r["CidrIp"] for rule in there["IpPermissionsEgress"] for r in rule["IpRanges"]]
    expect(f"{group_name}: egress", set(out) - {_NOTHING}, set())
    expect_that(described(rehearsal)["Status"] == "available", "the group is not available")
    return f"from {len(sources)} security group(s), no address range"
