"""Deployments beside clients: the group goes on accepting AWSCURRENT."""

from __future__ import annotations

from rehearsal.checks.expecting import expect_that
from rehearsal.checks.replication_group import described
from rehearsal.rehearsal import Rehearsal
from rehearsal.steps import change, deploy


def unchanged(rehearsal: Rehearsal) -> str:
    """`cdk deploy` of the template that is deployed."""
    before = described(rehearsal)["AuthTokenLastModifiedDate"]
    deploy.deploy(rehearsal)
    after = described(rehearsal)["AuthTokenLastModifiedDate"]
    expect_that(before == after, "a deployment of the same template sent the token again")
    return "nothing was sent"


def changed(rehearsal: Rehearsal) -> str:
    """One property of the group changed, and deployed at AWS's worst: the token is sent again."""
    before = described(rehearsal)["AuthTokenLastModifiedDate"]
    said = change.change(rehearsal)
    after = described(rehearsal)["AuthTokenLastModifiedDate"]
    expect_that(before < after, "the deployment did not send the token: AWS's worst is not shown")
    return f"{said}; the token was sent again with ROTATE"
