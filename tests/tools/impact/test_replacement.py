"""Replacement is what CloudFormation's schemas and the CDK's table say, and what follows."""

from typing import Any

import pytest

from tests.support import Stacks
from tests.tools.impact.test_asks import setting
from tests.tools.impact.world import DATA, GROUP, SECRET, World, judged, question
from tools.assembly import Stack
from tools.impact.acknowledged import What
from tools.impact.resources import create_only, schema
from tools.impact.templates import Address, Side, references


def nested(path: list[str], value: str) -> Any:
    for name in reversed(path):
        value = [value] if name == "*" else {name: value}  # type: ignore[assignment]
    return value


def test_each_create_only_property_of_each_type_replaces(templates: Stacks) -> None:
    kinds = {body["Type"] for one in templates.values() for body in one.resources.values()}
    checked = 0
    for kind in sorted(kinds):
        for pointer in schema(kind).get("createOnlyProperties", []):
            values = [create_only(kind, nested(pointer.split("/")[2:], one)) for one in "ab"]
            assert values[0] != values[1] != create_only(kind, {}), (kind, pointer)
            checked += 1
    assert checked > 50


@pytest.mark.parametrize("name", ["CacheNodeType", "Tags", "Engine", "EngineVersion"])
def test_what_cloudformation_changes_in_place_replaces_nothing(name: str) -> None:
    """``cdk diff`` says of Engine that it replaces: the schema, which AWS follows, does not."""
    assert create_only(GROUP, {name: "a"}) == create_only(GROUP, {name: "b"})


def test_what_only_aws_resolves_is_not_taken_for_the_same() -> None:
    known = {"PrivateDnsPreference": "ALL"}
    values = ({"DnsOptions": one} for one in (known, {"Fn::If": ["c", known, "AWS::NoValue"]}))
    before, after = (create_only("AWS::EC2::VPCEndpoint", one) for one in values)
    assert before != after


def test_a_replacement_goes_on_to_what_refers_to_it_in_every_stack(
    production_stacks: Stacks,
) -> None:
    impact = judged(production_stacks, setting(SECRET, "Name", "token"))
    schedule = question(impact, What.REPLACE, "AWS::SecretsManager::RotationSchedule")
    assert schedule.address.stack.endswith("-operations")
    assert "its SecretId refers to TokenSecretD0591E06" in schedule.effects[0]


def test_a_replaced_resource_whose_export_is_imported_fails(production_stacks: Stacks) -> None:
    impact = judged(production_stacks, setting(SECRET, "Name", "token"))
    token = question(impact, What.REPLACE, SECRET)
    assert "vibewell-redis-production-monitoring imports its export" in token.impossible


def test_a_name_that_stays_and_a_type_that_changes_fail(production_stacks: Stacks) -> None:
    port = question(judged(production_stacks, setting(GROUP, "Port", 1)), What.REPLACE, GROUP)
    assert port.impossible

    def another_id(world: World) -> None:
        resources = world.stacks[DATA].resources
        resources["Another"] = resources.pop(world.where(GROUP)[1])

    twice = question(judged(production_stacks, another_id), What.ADD, GROUP)
    assert "AWS has one whose ReplicationGroupId is vibewell-redis" in twice.impossible

    def another_type(world: World) -> None:
        world.where("AWS::SQS::Queue")[2]["Type"] = "AWS::SNS::Topic"

    typed = question(judged(production_stacks, another_type), What.REPLACE, "AWS::SQS::Queue")
    assert "changes no resource's type" in typed.impossible


def test_an_output_that_another_stack_imports_stays(production_stacks: Stacks) -> None:
    def gone(world: World) -> None:
        outputs = world.stacks[DATA].body["Outputs"]
        del outputs[next(name for name in outputs if "RefTokenSecret" in name)]

    (asked,) = judged(production_stacks, gone).open
    assert "vibewell-redis-production-monitoring imports the output" in asked.impossible


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::GetAtt": ["A", "Arn"]},
        {"Fn::GetAtt": "A.Arn"},
        {"Fn::Sub": "${A.Arn}"},
        {"Fn::Join": ["", ["", {"Fn::GetAtt": ["A", "Arn"]}]]},
        {"Fn::ImportValue": "s:a"},
        {"Fn::GetStackOutput": {"StackName": "s", "OutputName": "o"}},
    ],
)
def test_a_reference_is_the_same_text_however_it_is_written(value: Any) -> None:
    output = {"Export": {"Name": "s:a"}, "Value": {"Fn::GetAtt": ["A", "Arn"]}}
    side = Side("x", {"s": Stack("s", {"Resources": {}, "Outputs": {"o": output}}, {}, [])})
    assert side.plain("s", [value]) == ["⟦s/A.Arn⟧"]
    assert references(side.plain("s", value)) == {Address("s", "A")}
