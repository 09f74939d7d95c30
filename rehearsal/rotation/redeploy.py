"""Deployments beside clients: one that leaves the user alone sends no password at any moment."""

from __future__ import annotations

from rehearsal.common.checks.expecting import expect
from rehearsal.common.checks.replication_group import described_user
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import Step, change, deploy
from rehearsal.rotation import guard


def unchanged(rehearsal: Rehearsal) -> str:
    """`cdk deploy` of the template that is deployed."""
    deploy.deploy(rehearsal)
    return "no stack changed"


def sends_nothing(step: Step) -> Step:
    """The deployment, which must leave the user as it is: two passwords, if it has two."""
    label, act = step

    def watched(rehearsal: Rehearsal) -> str:
        before = _changes(rehearsal)
        said = act(rehearsal)
        expect(f"changes of the user by {label}", _changes(rehearsal), before)
        return f"{said}, and nothing was sent to the user"

    return label, watched


def _changes(rehearsal: Rehearsal) -> int:
    """How often the user was changed so far, as ElastiCache tells it."""
    user = described_user(rehearsal)["UserId"]
    events = rehearsal.aws("elasticache").describe_events(
        SourceType="user", SourceIdentifier=user, Duration=60
    )["Events"]
    return sum("modified" in event["Message"] for event in events)


WHILE_TWO_LIVE = {
    1: ("make deploy of a change of the user", guard.only_of_the_user),
    3: sends_nothing(("cdk deploy, nothing changed", unchanged)),
    6: sends_nothing(("cdk deploy, one property of the group changed", change.change)),
}
