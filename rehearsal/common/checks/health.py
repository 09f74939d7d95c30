"""The deployed health check, invoked as CI invokes it."""

import json
from typing import Any

from rehearsal.common.checks.expecting import expect_that
from rehearsal.common.deployed import resources
from rehearsal.common.rehearsal import Rehearsal


def check(rehearsal: Rehearsal) -> str:
    """Every line of its document passed."""
    document = invoked(rehearsal)
    failed = [
        f"{line['name']}: found {line['found']}, wanted {line['wanted']}"
        for line in document["checks"]
        if not line["passed"]
    ]
    expect_that(not failed, f"the health check failed: {'; '.join(failed)}")
    expect_that(document["passed"] is True, "no line failed, and yet it did not pass")
    return f"{len(document['checks'])} checks passed"


def invoked(rehearsal: Rehearsal) -> dict[str, Any]:
    """The document that one invocation answers with."""
    answer = rehearsal.aws("lambda").invoke(FunctionName=function(rehearsal))
    told = json.load(answer["Payload"])
    expect_that("FunctionError" not in answer, f"the health check broke off: {told}")
    document: dict[str, Any] = told
    return document


def function(rehearsal: Rehearsal) -> str:
    """The name of the function that is invoked from outside."""
    (found,) = (
        found.physical_id
        for found in resources(rehearsal, "AWS::Lambda::Function")
        if found.physical_id.endswith("-health")
    )
    return found
