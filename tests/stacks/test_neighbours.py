"""No stack changes anything for others in the VPC that it is put into."""

import copy
import itertools
from pathlib import Path
from typing import Any

import pytest

from emulator.iam.template import Deployment
from environments.schema import Settings
from tests.conftest import synthesised
from tests.stacks.template import private_subnets
from tests.support import Document, Stacks, SynthChanged
from tests.variants import OWN_VPC, Change
from tools.assembly import Stack

ENDPOINT = "AWS::EC2::VPCEndpoint"
FUNCTION = "AWS::Lambda::Function"
VARIABLE = "AWS_ENDPOINT_URL_"
ACCOUNT, REGION = "111122223333", "us-east-1"
SERVICES = {"SECRETS_MANAGER": "secretsmanager", "ELASTICACHE": "elasticache"}
# As production's was called while it had private DNS.
BEFORE = ("EndpointsSecretsmanagerB6D3676D", "EndpointsElasticache3265AA9D")


def test_no_endpoint_in_somebody_elses_vpc_has_private_dns(templates: Stacks) -> None:
    found = [
        endpoint
        for stack in templates.values()
        for endpoint in stack.of_type(ENDPOINT).values()
        if isinstance(endpoint["VpcId"], str)
    ]
    assert len(found) == 4
    assert all(endpoint["PrivateDnsEnabled"] is False for endpoint in found)


def test_earlier_releases_endpoints_are_not_changed_but_made_anew(operations: Stack) -> None:
    # Only so CloudFormation deletes them after the functions have the new ones' names.
    assert len(operations.of_type(ENDPOINT)) == len(BEFORE)
    assert not set(BEFORE) & set(operations.resources)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {"SECRETS_MANAGER", "ELASTICACHE"}),
        (
            {
                "rotation.endpoints": ["elasticache"],
                "rotation.endpoint_security_group_id": "sg-0a1b2c3d4e5f60718",
            },
            {"ELASTICACHE"},
        ),
        (
            {
                "network.vpc": OWN_VPC["network.vpc"] | {"endpoints": ["secretsmanager"]},
                "rotation.endpoints": ["elasticache"],
            },
            {"ELASTICACHE"},
        ),
    ],
)
def test_functions_in_the_vpc_get_the_endpoints_that_are_made_and_no_others(
    synth_changed: SynthChanged, change: Change, expected: set[str]
) -> None:
    functions = synth_changed(change)["operations"].of_type(FUNCTION)
    inside = [one for one in functions.values() if "VpcConfig" in one]
    assert len(inside) == 4
    for function in functions.values():
        found = {name for name in function["Environment"]["Variables"] if VARIABLE in name}
        assert found == ({VARIABLE + one for one in expected} if function in inside else set())


# AWS's sample of an endpoint's entries, and the same without private DNS.
_ZONE = "Z1:vpce-099deb00b40f00e22-lj2wisx3"
_OWN = [f"{_ZONE}{one}.{{0}}.us-east-1.vpce.amazonaws.com" for one in ("", "-us-east-1c")]
ORDERS = [
    *itertools.permutations([*_OWN, "Z2:{0}.us-east-1.amazonaws.com"]),
    *itertools.permutations(_OWN),
]


@pytest.mark.parametrize("entries", ORDERS)
def test_the_name_is_the_endpoints_regional_one_in_whatever_order_they_are_listed(
    operations: Stack, entries: tuple[str, ...]
) -> None:
    body = copy.deepcopy(operations.body)
    ids: dict[tuple[str, str], str] = {}
    for logical_id, resource in body["Resources"].items():
        if resource["Type"] == ENDPOINT:
            service = resource["Properties"]["ServiceName"].rpartition(".")[2]
            resource["Properties"]["DnsEntries"] = [one.format(service) for one in entries]
            ids["operations", logical_id] = "vpce-099deb00b40f00e22"
    deployment = Deployment({"operations": body}, account=ACCOUNT, region=REGION, physical_ids=ids)
    checked = 0
    for function in deployment.of_kind(FUNCTION):
        for name, url in function.raw["Environment"]["Variables"].items():
            if name.startswith(VARIABLE):
                service = SERVICES[name.removeprefix(VARIABLE)]
                own = f"vpce-099deb00b40f00e22-lj2wisx3.{service}.us-east-1.vpce.amazonaws.com"
                assert deployment.resolve("operations", url) == f"https://{own}"
                checked += 1
    assert checked == 8


ZONES = ["us-east-1a", "us-east-1b", "us-east-1c"]


@pytest.mark.parametrize("named", [None, ZONES[:2]])
def test_an_endpoint_has_one_subnet_in_each_zone_that_is_named_and_functions_have_all(
    tmp_path: Path, production: Settings, context: Document, named: list[str] | None
) -> None:
    crowded = copy.deepcopy(context)
    private = private_subnets(crowded)
    private += [
        one | {"subnetId": one["subnetId"][:-1] + "9", "cidr": f"10.10.{32 + number}.0/24"}
        for number, one in enumerate(private)
    ]
    rotation = production.rotation.model_copy(update={"endpoint_zones": named})
    settings = production.model_copy(update={"rotation": rotation})
    stack = synthesised([settings], crowded, tmp_path)["vibewell-redis-production-operations"]
    zones = {one["subnetId"]: one["availabilityZone"] for one in private}
    for endpoint in stack.of_type(ENDPOINT).values():
        found = [zones[subnet] for subnet in endpoint["SubnetIds"]]
        assert sorted(found) == (named or ZONES)
    inside: list[Any] = [one for one in stack.of_type(FUNCTION).values() if "VpcConfig" in one]
    assert all(len(function["VpcConfig"]["SubnetIds"]) == 6 for function in inside)


def test_a_zone_that_the_group_has_no_subnet_in_is_refused(synth_changed: SynthChanged) -> None:
    with pytest.raises(RuntimeError, match="endpoint_zones: the group has no subnet in us-east-1f"):
        synth_changed({"rotation.endpoint_zones": ["us-east-1f"]})


def test_functions_reserve_concurrency_unless_the_settings_say_none(
    synth_changed: SynthChanged, templates: Stacks
) -> None:
    key = "ReservedConcurrentExecutions"
    for part, stack in synth_changed({"environment.reserved_concurrency": "none"}).items():
        before = templates[f"vibewell-redis-production-{part}"].of_type(FUNCTION).values()
        assert {one.get(key) for one in stack.of_type(FUNCTION).values()} <= {None}
        assert {one[key] for one in before} <= {1}
