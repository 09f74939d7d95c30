"""The table of what an update in place does, held against CloudFormation's schemas."""

import pytest

from environments.parameters import FAMILIES
from tests.support import Stacks
from tools.review.effects import UNTOLD, effects, table
from tools.review.estate import Estate
from tools.review.findings import What
from tools.review.replacement import CONDITIONS
from tools.review.schemas import changeable

SOURCES = ("https://docs.aws.amazon.com/", "the schema", "the same page", "docs/rotation.md")


def test_the_table_has_every_type_that_data_rests_on(templates: Stacks) -> None:
    whole = Estate(templates)
    kinds = {whole.resources[one].kind for one in whole.stateful | whole.foundations}
    assert kinds == set(table())


@pytest.mark.parametrize("kind", sorted(table()))
def test_every_property_that_is_changed_in_place_has_a_row_and_no_other_has(kind: str) -> None:
    # New in the schema, gone from it, or now create-only: somebody must look at the row.
    conditional = {name for of, name in CONDITIONS if of == kind}
    assert {path.split(".")[0] for path in table()[kind]} == changeable(kind) | conditional


def test_every_row_has_a_source_and_says_what_happens() -> None:
    for kind, properties in table().items():
        for name, rows in properties.items():
            for row in rows:
                assert row.source.startswith(SOURCES), f"{kind} {name}: {row.source}"
                assert (len(row.says) > 15) is (row.what is not None), f"{kind} {name}"


def test_what_no_row_tells_is_a_danger() -> None:
    (told,) = effects("AWS::DynamoDB::Table", "BillingMode", "a", "b")
    assert (told.what, told.says) == (What.INTERRUPT, UNTOLD)
    (told,) = effects("AWS::ElastiCache::ReplicationGroup", "Newfangled", None, "b")
    assert told.what is What.INTERRUPT


def test_a_parameter_without_a_row_of_its_own_is_taken_for_one_that_needs_a_restart() -> None:
    assert FAMILIES
    kind = "AWS::ElastiCache::ParameterGroup"
    (told,) = effects(kind, "Properties.databases", "1", "2")
    assert told.what is What.INTERRUPT
    assert list(effects(kind, "Properties.timeout", "1", "2")) == []


@pytest.mark.parametrize(
    ("kind", "name", "before", "after", "what"),
    [
        ("AWS::Logs::LogGroup", "RetentionInDays", None, "30", [What.WEAKEN]),
        ("AWS::Logs::LogGroup", "RetentionInDays", "30", None, []),
        ("AWS::Logs::LogGroup", "RetentionInDays", "30", {"Ref": "X"}, [What.WEAKEN]),
        ("AWS::KMS::Key", "PendingWindowInDays", None, "30", []),
        ("AWS::KMS::Key", "PendingWindowInDays", None, "7", [What.WEAKEN]),
        ("AWS::KMS::Key", "EnableKeyRotation", "true", None, [What.WEAKEN]),
        ("AWS::KMS::Key", "EnableKeyRotation", None, "false", []),
        ("AWS::KMS::Key", "Enabled", None, "true", []),
        ("AWS::KMS::Key", "RotationPeriodInDays", None, "2000", [What.WEAKEN]),
        ("AWS::SQS::Queue", "KmsMasterKeyId", "a", "b", [What.WEAKEN]),
        ("AWS::SQS::Queue", "KmsMasterKeyId", None, "b", []),
        ("AWS::ElastiCache::SubnetGroup", "SubnetIds", ["a", "b"], ["b", "c"], [What.WEAKEN]),
        ("AWS::ElastiCache::SubnetGroup", "SubnetIds", ["a"], ["b", "a"], []),
    ],
)
def test_a_direction_counts_from_what_aws_takes_where_nothing_is_said(
    kind: str, name: str, before: object, after: object, what: list[What]
) -> None:
    assert [one.what for one in effects(kind, name, before, after)] == what
