"""Grants cover what they allow and nothing else, however a policy is written."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import Stacks
from tools.assembly import Stack
from tools.review.estate import Estate
from tools.review.grants import Grant, grants, uncovered
from tools.review.holders import held
from tools.review.schemas import scrutinised
from tools.review.values import Reader, references


def of(**statement: Any) -> Grant:
    (grant,) = grants({"Statement": {"Effect": "Allow", "Action": "s3:Get", **statement}}) or []
    return grant


LIMITED = {"StringEquals": {"aws:SourceAccount": "1"}}


@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        ({}, {}, True),
        ({"Action": "s3:*"}, {"Action": "s3:GetObject"}, True),
        ({"Action": "s3:GetObject"}, {"Action": "S3:getobject"}, True),
        ({"Action": "s3:Get"}, {"Action": "s3:*"}, False),
        ({"Action": "s3:Get*"}, {"Action": "s3:GetObject*"}, True),
        ({"Resource": "a/*"}, {"Resource": "a/b"}, True),
        ({"Resource": "a/b"}, {"Resource": "a/*"}, False),
        ({"Resource": "*"}, {"Resource": "a"}, True),
        ({"Principal": "*"}, {"Principal": {"AWS": "1"}}, True),
        ({"Principal": {"AWS": "1"}}, {"Principal": "*"}, False),
        ({}, {"Condition": LIMITED}, True),
        ({"Condition": LIMITED}, {}, False),
        ({"Condition": LIMITED}, {"Condition": LIMITED | {"Bool": {"a": "true"}}}, True),
        (
            {"Condition": {"StringEquals": {"a": ["1", "2"]}}},
            {"Condition": {"StringEquals": {"A": "1"}}},
            True,
        ),
        (
            {"Condition": {"StringEquals": {"a": "1"}}},
            {"Condition": {"StringEquals": {"a": ["1", "2"]}}},
            False,
        ),
        (
            {"Condition": {"StringLike": {"a": "x*"}}},
            {"Condition": {"StringLike": {"a": "xy"}}},
            True,
        ),
        (
            {"Condition": {"StringEquals": {"a": "x*"}}},
            {"Condition": {"StringEquals": {"a": "xy"}}},
            False,
        ),
        (
            {"Condition": {"StringNotEquals": {"a": "1"}}},
            {"Condition": {"StringNotEquals": {"a": ["1", "2"]}}},
            True,
        ),
        (
            {"Condition": {"StringNotEquals": {"a": ["1", "2"]}}},
            {"Condition": {"StringNotEquals": {"a": "1"}}},
            False,
        ),
        (
            {"Condition": {"StringEquals": {"a": "1"}}},
            {"Condition": {"StringEqualsIfExists": {"a": "1"}}},
            False,
        ),
        ({"Effect": "Deny"}, {}, False),
        ({"NotResource": "a"}, {"Resource": "b"}, False),
    ],
)
def test_one_covers_another_if_it_allows_all_that_the_other_does(
    wide: dict[str, Any], narrow: dict[str, Any], covers: bool
) -> None:
    assert of(**wide).covers(of(**narrow)) is covers


NAMES = st.lists(st.sampled_from(["a:x", "a:y", "b:*", "a:*", "*"]), min_size=1, max_size=3)
STATEMENTS = st.lists(
    st.fixed_dictionaries(
        {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": NAMES, "Resource": NAMES}
    ),
    max_size=5,
)


@settings(max_examples=200)
@given(STATEMENTS, st.randoms())
def test_order_and_grouping_are_no_change(statements: list[Any], chance: Any) -> None:
    parts = [
        {"Effect": one["Effect"], "Action": action, "Resource": resource}
        for one in statements
        for action in one["Action"]
        for resource in one["Resource"]
    ]
    chance.shuffle(parts)
    before = grants({"Statement": statements})
    after = grants(json.dumps({"Statement": parts}))
    assert before is not None
    assert after is not None
    assert set(before) == set(after)
    assert uncovered(after, before) == []


def test_every_policy_that_the_cdk_knows_of_in_our_templates_is_read(templates: Stacks) -> None:
    """A type that carries permissions which nothing here reads would be widened in silence."""
    whole = Estate(templates)
    read = held(whole)
    for address, resource in whole.resources.items():
        for name, sort in scrutinised(resource.kind).items():
            present = name == "" or name in resource.properties
            if present and sort in ("InlineResourcePolicy", "ResourcePolicyResource"):
                if name and grants(resource.properties[name]) is None:
                    assert "Statement" not in json.dumps(resource.properties[name]), address
                else:
                    assert read.get(address), address
    roles = [one for one, body in whole.resources.items() if body.kind == "AWS::IAM::Role"]
    assert roles
    assert all(any(not grant.principal for grant in read[role]) for role in roles)


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::GetAtt": ["A", "Arn"]},
        {"Fn::GetAtt": "A.Arn"},
        {"Fn::Sub": "${A.Arn}"},
        {"Fn::Join": ["", ["", {"Fn::GetAtt": ["A", "Arn"]}]]},
        {"Fn::Sub": ["${x}", {"x": {"Fn::GetAtt": ["A", "Arn"]}}]},
    ],
)
def test_the_same_reference_is_the_same_text_however_it_is_written(value: Any) -> None:
    assert Reader({}).plain("s", value) == "${s/A.Arn}"
    assert references(Reader({}).plain("s", [value])) == {("s", "A")}


def test_an_import_is_what_the_other_stack_exports() -> None:
    output = {"Export": {"Name": "one:a"}, "Value": {"Ref": "Key"}}
    stacks = {"one": Stack("one", {"Resources": {}, "Outputs": {"o": output}}, {}, [])}
    assert Reader(stacks).plain("two", {"Fn::ImportValue": "one:a"}) == "${one/Key}"
    assert Reader(stacks).plain("two", {"Fn::ImportValue": "b"}) == {"Fn::ImportValue": "b"}


def test_an_output_is_what_the_other_stack_says_without_an_export() -> None:
    stacks = {
        "one": Stack("one", {"Resources": {}, "Outputs": {"o": {"Value": {"Ref": "Key"}}}}, {}, [])
    }
    read = {"Fn::GetStackOutput": {"StackName": "one", "OutputName": "o"}}
    assert Reader(stacks).plain("two", read) == "${one/Key}"
    unknown = {"Fn::GetStackOutput": {"StackName": "one", "OutputName": "p"}}
    assert Reader(stacks).plain("two", unknown) == unknown


def test_what_only_aws_can_work_out_keeps_its_function() -> None:
    value = {"Fn::If": ["c", True, {"Ref": "AWS::NoValue"}]}
    assert Reader({}).plain("s", value) == {"Fn::If": ["c", "true"]}
    assert Reader({}).plain("s", {"a": {"Ref": "AWS::NoValue"}, "b": 1}) == {"b": "1"}
