"""Two sides of an environment, compared and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from tools.assembly import Stack
from tools.review.access import access_findings
from tools.review.acknowledged import Acknowledgement, Answered, answer
from tools.review.alarms import alarm_findings
from tools.review.cost import Cost, compared
from tools.review.data import data_findings
from tools.review.difference import ResourceChange, differences
from tools.review.estate import Address, Estate
from tools.review.findings import Finding, gathered
from tools.review.listeners import listener_findings
from tools.review.network import network_findings
from tools.review.replacement import Cause, replacements
from tools.review.schemas import cdk_replaces
from tools.review.stacks import stack_findings


@dataclass(frozen=True)
class Review:
    """All that the report says."""

    environment: str
    base: str
    head: str
    changes: Sequence[ResourceChange]
    replaced: Mapping[Address, list[Cause]]
    findings: Sequence[Finding]
    answered: Answered
    cost: Cost
    corrected: Sequence[str]

    @property
    def open(self) -> list[Finding]:
        """What is refused and not acknowledged."""
        return [
            one for one in self.findings if one.refused and one.name not in self.answered.covered
        ]

    @property
    def passes(self) -> bool:
        """Whether nothing stops the change."""
        return not self.open and not self.answered.problems


def judge(
    environment: str,
    base: tuple[str, Mapping[str, Stack]],
    head: tuple[str, Mapping[str, Stack]],
    acknowledgements: Sequence[Acknowledgement] = (),
    spent: Sequence[Acknowledgement] | None = (),
) -> Review:
    """Compare the stacks of ``base`` with those of ``head``; a side is a label and its stacks."""
    before, after = Estate(base[1]), Estate(head[1])
    changes = differences(before, after)
    replaced = replacements(before, after)
    findings = gathered(
        chain(
            stack_findings(before, after),
            data_findings(before, after, changes, replaced),
            access_findings(before, after, changes),
            network_findings(before, after, changes),
            alarm_findings(before, after),
            listener_findings(before, after, changes, replaced),
        )
    )
    return Review(
        environment,
        base[0],
        head[0],
        changes,
        replaced,
        findings,
        answer(environment, findings, acknowledgements, spent),
        compared(before, after),
        list(_corrected(changes, replaced)),
    )


def _corrected(
    changes: Sequence[ResourceChange], replaced: Mapping[Address, list[Cause]]
) -> list[str]:
    """Where ``cdk diff`` says that a change replaces and CloudFormation's schema does not."""
    return [
        f"{change.address.name}: cdk diff says of {one.path} that it replaces; CloudFormation's "
        "schema says that it is changed in place."
        for change in changes
        if change.address not in replaced
        for one in change.properties
        if one.path in cdk_replaces(change.kind)
    ]
