"""Each operation whose answer our code reads has a sourced sample, or is listed as unproven."""

import ast

import pytest
from botocore import xform_name

from aws_rules.answers import fields
from emulator.engines import ROOT
from emulator.model import service
from tests.emulator import sampled
from tests.emulator.sampled import DOCUMENT

SERVICES = (
    *("chatbot", "cloudformation", "cloudwatch", "ec2", "elasticache", "events", "iam", "kms"),
    *("lambda", "logs", "s3", "scheduler", "secretsmanager", "service-quotas", "sns", "sqs"),
    *("ssm", "stepfunctions", "sts"),
)
PROOF = ROOT / "tools/prove_on_aws.py"  # it records what it reads
# Words of ours that are also names of operations, and namesakes in services that we do not call.
NOT_CALLED = {
    *("ec2:CopySnapshot", "ec2:DescribeSnapshots", "kms:Sign"),
    "cloudformation:DescribeEvents",
    *("lambda:GetResourcePolicy", "lambda:ListAliases", "iam:GetPolicy"),
}


def called() -> set[str]:
    """Operations whose names in Python our code has, like elasticache:DescribeUsers."""
    words = set[str]()
    for root in ("lambda", "tools", "client/vibewell_redis"):
        for path in {*(ROOT / root).rglob("*.py")} - {PROOF}:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute):
                    words.add(node.attr)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    # A table in one text has names too, which prose has not.
                    words |= {node.value, *(w for w in node.value.split() if "_" in w)}
    names = {f"{of}:{name}" for of in SERVICES for name in service(of).operation_names}
    return {name for name in names if xform_name(name.partition(":")[2]) in words} - NOT_CALLED


def test_each_operation_that_our_code_calls_has_a_sample_or_a_reason_for_none() -> None:
    read = {name for name in called() if name.partition(":")[2] not in DOCUMENT["unread"]}
    assert read == {*DOCUMENT["answers"], *DOCUMENT["no_sample"]}


def test_what_has_no_sample_is_among_what_only_aws_can_show() -> None:
    section = (
        (ROOT / "docs/reference/decisions.md").read_text().partition("## What only AWS can show")[2]
    )
    read = {
        path.rpartition(".")[2]
        for paths in DOCUMENT["unproven"].values()
        for path, reason in paths.items()
        if reason != "not read"
    }
    names = [*read, *(name.partition(":")[2] for name in DOCUMENT["no_sample"])]
    assert [name for name in names if name not in section] == []


@pytest.mark.parametrize("operation", DOCUMENT["answers"])
def test_a_sample_has_a_source_and_fields_of_botocores_model(operation: str) -> None:
    name, _, action = operation.partition(":")
    shape = service(name).operation_model(action).output_shape
    assert shape is not None
    for sample in DOCUMENT["answers"][operation]:
        assert sample["source"]
        whole = set(sample["fields"])
        assert fields(shape, sampled.answer(operation, whole)) <= whole
        abbreviated = "abbreviated" in sample["source"]
        assert abbreviated or fields(shape, sampled.answer(operation, whole)) == whole
