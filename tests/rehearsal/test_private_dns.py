"""From the endpoints of earlier releases, which had private DNS, to those that have none."""

import json
import time

import pytest

from emulator.clean_environment import REGION
from emulator.iam.network import lost, read_account
from rehearsal.common import functions, stacks
from rehearsal.common.rehearsal import Rehearsal, paged
from rehearsal.common.steps import deploy, judge
from tests.rehearsal.conftest import Created

STACK = "vibewell-redis-production-operations"
ENDPOINT, FUNCTION = "AWS::EC2::VPCEndpoint", "AWS::Lambda::Function"
VARIABLE = "AWS_ENDPOINT_URL_"
INSIDE = {"health-login", "recovery-keeper", "recovery-verifier", "rotation"}


def as_it_was(resources: stacks.Resources) -> None:
    """The stack as earlier releases made it."""
    for name, resource in list(resources.items()):
        if resource["Type"] == FUNCTION:
            variables = resource["Properties"]["Environment"]["Variables"]
            for variable in [one for one in variables if one.startswith(VARIABLE)]:
                del variables[variable]
        elif resource["Type"] == ENDPOINT:
            del resources[name]
            resource["Properties"]["PrivateDnsEnabled"] = True
            resources[old(name)] = resource
        if "DependsOn" in resource:
            needs = resource["DependsOn"]
            resource["DependsOn"] = [old(one) if is_new(one) else one for one in needs]


def old(name: str) -> str:
    return f"Old{name}"


def is_new(name: str) -> bool:
    return "OwnName" in name and not name.startswith("Old")


def with_a_failure(resources: stacks.Resources) -> None:
    """One more endpoint, which EC2 refuses when everything else is done."""
    new = next(name for name in resources if is_new(name))
    properties = {**resources[new]["Properties"], "PrivateDnsEnabled": True}
    functions = [name for name, one in resources.items() if one["Type"] == FUNCTION]
    resources["Refused"] = {"Type": ENDPOINT, "Properties": properties, "DependsOn": functions}


def told(rehearsal: Rehearsal) -> set[str]:
    """The functions that have the names of endpoints."""
    return {
        function["FunctionName"].removeprefix("vibewell-redis-production-")
        for function in paged(rehearsal.aws("lambda"), "list_functions", "Functions")
        if VARIABLE in json.dumps(function.get("Environment"))
    }


def events(rehearsal: Rehearsal) -> list[tuple[str, str, str]]:
    """Logical id, type and status of the last update, oldest first."""
    client = rehearsal.aws("cloudformation")
    newest_first = [
        (one["LogicalResourceId"], one["ResourceType"], one["ResourceStatus"])
        for one in paged(client, "describe_stack_events", "StackEvents", StackName=STACK)
    ]
    begins = (STACK, "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS")
    return newest_first[: newest_first.index(begins)][::-1]


@pytest.mark.plan("2.3")
def test_private_dns_goes_when_the_functions_have_other_names_and_comes_back_with_none(
    created: Created,
) -> None:
    rehearsal = created.rehearsal
    ec2 = rehearsal.aws("ec2")
    before = read_account(ec2)
    vpcs = {endpoint.vpc for endpoint in before.endpoints}
    there = (before.groups[group] for group in rehearsal.neighbours)
    neighbours = [group for group in there if group.vpc in vpcs]
    assert {"neighbour", "vibewell-production-app-sg"} < {group.name for group in neighbours}
    stacks.update(rehearsal, STACK, as_it_was)
    harmed = lost(before, read_account(ec2), neighbours, REGION)
    assert len(harmed) == 2 * len(neighbours), harmed
    assert told(rehearsal) == set()

    # A deployment that fails leaves everything as it was.
    stacks.update(rehearsal, STACK, with_a_failure, ends="UPDATE_ROLLBACK_COMPLETE")
    assert [one.private_dns for one in read_account(ec2).endpoints] == [True, True]
    assert told(rehearsal) == set()
    assert functions.check_health(rehearsal)

    since = time.time()
    deploy(rehearsal)
    happened = events(rehearsal)
    changed = [
        number
        for number, (_, kind, status) in enumerate(happened)
        if (kind, status) == (FUNCTION, "UPDATE_COMPLETE")
    ]
    deleted = [
        number
        for number, (name, kind, status) in enumerate(happened)
        if (kind, status) == (ENDPOINT, "DELETE_IN_PROGRESS") and not is_new(name)
    ]
    assert len(changed) >= len(INSIDE)
    assert len(deleted) == 2
    assert max(changed) < min(deleted)
    assert told(rehearsal) == INSIDE
    assert [one.private_dns for one in read_account(ec2).endpoints] == [False, False]
    assert lost(before, read_account(ec2), neighbours, REGION) == []

    # Somebody else may have the public names now, and it concerns us as little.
    (vpc,) = vpcs
    others = [
        ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{REGION}.{service}",
            VpcEndpointType="Interface",
            SubnetIds=before.endpoints[0].subnets,
            PrivateDnsEnabled=True,
        )["VpcEndpoint"]["VpcEndpointId"]
        for service in ("elasticache", "secretsmanager")
    ]
    deploy(rehearsal)
    assert functions.check_health(rehearsal)
    judge(rehearsal, since=since)
    ec2.delete_vpc_endpoints(VpcEndpointIds=others)
