"""Who the deployment is: what an upgrade must leave as it was."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from emulator.errors import RehearsalError
from rehearsal.common.checks.expecting import expect_that
from rehearsal.common.checks.logins import token
from rehearsal.common.checks.replication_group import described
from rehearsal.common.deployed import resources
from rehearsal.common.rehearsal import Rehearsal

# What holds data or a secret, or a name and a place that those depend on.
STATEFUL = frozenset(
    {
        "AWS::EC2::SecurityGroup",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::SubnetGroup",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::SecretsManager::Secret",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
    }
)
# As `cdk diff` prints one: [~] AWS::KMS::Key Key Key961B73FD replace
_CHANGE = re.compile(r"^\[([~-])\] (AWS::\S+) (.*)$", re.MULTILINE)
_OF_THE_GROUP = ("ReplicationGroupCreateTime", "MemberClusters")


@dataclass(frozen=True)
class Identity:
    """`resources` are physical ids by stack and logical id; the token is never told."""

    resources: dict[tuple[str, str], str]
    group: dict[str, Any]
    token: str = field(repr=False)

    @classmethod
    def of(cls, rehearsal: Rehearsal) -> Identity:
        """What is deployed now."""
        found = described(rehearsal)
        shard = found["NodeGroups"][0]
        group = {name: found[name] for name in _OF_THE_GROUP}
        group |= {name: shard[name] for name in ("PrimaryEndpoint", "ReaderEndpoint")}
        ids = {
            (one.stack, one.logical_id): one.physical_id
            for one in resources(rehearsal)
            if one.kind in STATEFUL
        }
        return cls(ids, group, token(rehearsal))

    def require_same(self, after: Identity) -> str:
        """RehearsalError with what an upgrade has taken away or replaced."""
        for (stack, logical_id), physical_id in self.resources.items():
            found = after.resources.get((stack, logical_id))
            expect_that(
                found == physical_id,
                f"the upgrade lost {logical_id} of {stack}: it was {physical_id}, now it is "
                f"{found or 'gone'}",
            )
        for name, value in self.group.items():
            expect_that(
                after.group[name] == value,
                f"the upgrade replaced the group: {name} was {value}, now {after.group[name]}",
            )
        expect_that(
            after.token == self.token,
            "the upgrade changed the token: clients that cache the secret are locked out",
        )
        return f"{len(self.resources)} resources that hold something are the same, and the token"


def require_nothing_replaced(rehearsal: Rehearsal) -> str:
    """RehearsalError if the change set of what is synthesised replaces or deletes any of them.

    "May be replaced" is not judged: the embedded CloudFormation says it of any change of a key.
    Whether it was is seen afterwards, by the physical ids.
    """
    changes = _CHANGE.findall(rehearsal.cdk.diff())
    lost = [
        f"{kind} {what}"
        for sign, kind, what in changes
        if kind in STATEFUL and (sign == "-" or what.endswith(" replace"))
    ]
    if lost:
        raise RehearsalError(
            "this upgrade would replace or delete what holds something, and is not deployed:\n- "
            + "\n- ".join(lost)
        )
    return f"{len(changes)} resources change, none that holds something is replaced"
