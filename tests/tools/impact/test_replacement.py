"""What replaces is what CloudFormation's schemas say: property by property, and at random."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stacks.test_nothing_is_lost import STATEFUL
from tests.support import Document, Stacks
from tests.tools.review.world import GROUP, World, found, reviewed
from tools.assembly import Stack
from tools.review.estate import Estate
from tools.review.findings import What
from tools.review.replacement import CONDITIONS, replacements
from tools.review.schemas import (
    cdk_replaces,
    changeable,
    conditionally_create_only,
    create_only,
    schema,
    stateful_kinds,
)


def kinds_of(stacks: Stacks) -> list[str]:
    return sorted({body["Type"] for one in stacks.values() for body in one.resources.values()})


def estate(kind: str, properties: Document, **attributes: Any) -> Estate:
    body = {"Resources": {"One": {"Type": kind, "Properties": properties, **attributes}}}
    return Estate({"s": Stack("s", body, {}, [])})


def nested(path: tuple[str, ...], value: Any) -> Any:
    for name in reversed(path):
        value = [value] if name == "*" else {name: value}
    return value


def replaces(kind: str, before: Document, after: Document, **attributes: Any) -> bool:
    return bool(replacements(estate(kind, before, **attributes), estate(kind, after, **attributes)))


def test_each_create_only_property_of_each_type_replaces_and_no_other_does(
    templates: Stacks,
) -> None:
    checked = 0
    for kind in kinds_of(templates):
        for path in create_only(kind):
            assert replaces(kind, nested(path, "a"), nested(path, "b")), (kind, path)
            assert replaces(kind, {}, nested(path, "b")), (kind, path)
            assert replaces(kind, nested(path, "a"), {}), (kind, path)
            checked += 1
        for name in changeable(kind):
            if (kind, name) != (GROUP, "NumNodeGroups"):
                assert not replaces(kind, {name: "a"}, {name: "b"}), (kind, name)
                checked += 1
    assert checked > 250


def test_a_value_that_only_aws_can_work_out_is_not_taken_for_the_same() -> None:
    kind = "AWS::EC2::VPCEndpoint"
    preference = {"PrivateDnsPreference": "ALL_DOMAINS"}
    assert ("DnsOptions", "PrivateDnsPreference") in create_only(kind)
    maybe = {"DnsOptions": {"Fn::If": ["c", preference, {"Ref": "AWS::NoValue"}]}}
    assert replaces(kind, {"DnsOptions": preference}, maybe)


def test_a_property_that_may_replace_counts_as_one_that_does(templates: Stacks) -> None:
    for kind in kinds_of(templates):
        for path in conditionally_create_only(kind):
            if (kind, path[0]) not in CONDITIONS:
                assert replaces(kind, nested(path, "a"), nested(path, "b")), (kind, path)


@pytest.mark.parametrize("name", ["Engine", "EngineVersion", "CacheParameterGroupName"])
def test_an_upgrade_in_place_replaces_nothing(name: str) -> None:
    assert name in changeable(GROUP), "the schema says so"
    assert not replaces(GROUP, {name: "a"}, {name: "b"})


def test_the_places_where_the_cdk_is_wrong_are_still_the_only_ones(templates: Stacks) -> None:
    # If a newer CDK corrects itself, or errs anew, somebody reads this and docs/review.md again.
    wrong = {
        (kind, name)
        for kind in kinds_of(templates)
        for name in cdk_replaces(kind) & changeable(kind)
    }
    assert wrong == {
        (GROUP, "Engine"),
        (GROUP, "ReplicasPerNodeGroup"),
        (GROUP, "NumNodeGroups"),
        # Redis to Valkey has become a change in place.
        ("AWS::ElastiCache::User", "Engine"),
        ("AWS::ElastiCache::UserGroup", "Engine"),
        # Since 2023-11 S3 takes it on a bucket that exists.
        ("AWS::S3::Bucket", "ObjectLockEnabled"),
    }


@pytest.mark.parametrize(
    ("before", "after", "replaced"),
    [
        ({}, {"AuthToken": "a"}, True),
        ({"AuthToken": "a"}, {}, True),
        ({"AuthToken": "a"}, {"UserGroupIds": ["u"]}, True),
        ({"AuthToken": "a"}, {"AuthToken": "b"}, False),
    ],
)
def test_a_token_that_comes_or_goes_replaces_the_group_and_one_that_changes_does_not(
    before: Document, after: Document, replaced: bool
) -> None:
    assert replaces(GROUP, before, after) is replaced
    assert ("AuthToken",) in conditionally_create_only(GROUP), "else the rule is read anew"


def test_shards_are_moved_online_only_where_the_template_says_so() -> None:
    before, after = {"NumNodeGroups": 2}, {"NumNodeGroups": 3}
    assert replaces(GROUP, before, after)
    assert not replaces(GROUP, before, after, UpdatePolicy={"UseOnlineResharding": True})


def test_replicas_beside_shards_written_out_replace_as_the_schema_describes() -> None:
    text = (schema(GROUP) or {})["properties"]["ReplicasPerNodeGroup"]["description"]
    assert "with NodeGroupConfiguration results in resource replacement" in text
    shards = {"NodeGroupConfiguration": [{"Slots": "0-1"}]}
    before, after = {"ReplicasPerNodeGroup": 1}, {"ReplicasPerNodeGroup": 2}
    assert replaces(GROUP, before | shards, after | shards)
    assert not replaces(GROUP, before, after)


def test_what_is_stateful_is_what_the_pins_hold_and_nobody_lists_it(templates: Stacks) -> None:
    whole = Estate(templates)
    derived = {whole.resources[one].kind for one in whole.stateful | whole.foundations}
    assert derived == STATEFUL
    assert GROUP in stateful_kinds()


def test_a_resource_that_asks_to_be_kept_is_stateful_whatever_its_type() -> None:
    kept = estate("AWS::SSM::Parameter", {"Name": "a"}, DeletionPolicy="Retain")
    assert len(kept.stateful) == 1
    assert not estate("AWS::SSM::Parameter", {"Name": "a"}).stateful


SCALARS = st.one_of(
    st.booleans(), st.integers(-5, 70000), st.text("abc-/:.", min_size=1, max_size=9)
)
VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3), st.just({"Ref": "AWS::Region"}), st.just({"Ref": "X"})
)


@settings(max_examples=100)
@given(st.data())
def test_no_random_change_of_what_replaces_a_stateful_resource_passes(
    production_stacks: Stacks, data: st.DataObject
) -> None:
    whole = Estate(production_stacks)
    candidates = [
        (address, path[0])
        for address in sorted(whole.stateful | whole.foundations)
        for path in create_only(whole.resources[address].kind)
        if len(path) == 1
    ]
    address, name = data.draw(st.sampled_from(candidates))
    value = data.draw(VALUES)
    head = World(production_stacks)
    properties = head.stacks[address.stack].resources[address.name]["Properties"]
    before = copy.deepcopy(properties.get(name))
    properties[name] = value

    def changed(world: World) -> None:
        world.stacks = head.stacks

    review = reviewed(production_stacks, changed)
    if before is not None and str(before).lower() == str(value).lower():
        return
    kind = whole.resources[address].kind
    assert not review.passes
    assert found(review, What.REPLACE, kind), (address, name, value)
