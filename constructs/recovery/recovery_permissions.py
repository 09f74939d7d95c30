"""What the recovery test may do: to throw-away groups by their names, and to no other."""

from dataclasses import dataclass

from constructs import IConstruct
from constructs.common.encryption_key import EncryptionKey
from constructs.common.permissions import Statement, allow, place
from environments.topology import Topology

INFIX = "-recovery-"  # as lambda/recovery/run.py writes it; a test holds the two together

# What the Service Authorization Reference lists as dependent actions of CreateReplicationGroup.
NETWORK_ACTIONS = (
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRights:
    """Everything by name: the group whose backups are tested, and what a restored one takes."""

    scope: IConstruct
    topology: Topology
    parameter_group: str
    subnet_group: str
    key: EncryptionKey
    topic_arn: str
    source_key: str | None  # of the snapshots, where it is not ``key``
    machine_name: str

    def statements(self) -> list[Statement]:
        """What the policy needs beyond the manifest and the token."""
        cache = self._cache
        throw_away = cache(f"replicationgroup:{self.topology.group_id}{INFIX}*")
        executions = place(self.scope).arn("states", f"execution:{self.machine_name}:*")
        return [
            allow(
                "elasticache:CreateReplicationGroup",
                "elasticache:DeleteReplicationGroup",
                on=[throw_away],
            ),
            allow(
                "elasticache:CreateReplicationGroup",
                on=[
                    *self._automatic_snapshots,
                    cache(f"parametergroup:{self.parameter_group}"),
                    cache(f"subnetgroup:{self.subnet_group}"),
                ],
            ),
            # Lists, from which ElastiCache leaves out nothing: a filter is no resource.
            allow("elasticache:DescribeReplicationGroups", on=[cache("replicationgroup:*")]),
            allow("elasticache:DescribeSnapshots", on=[cache("snapshot:*")]),
            allow(*NETWORK_ACTIONS, on=["*"]),
            *self._use_of_keys(),
            allow("sns:Publish", on=[self.topic_arn]),
            allow("states:DescribeStateMachine", "states:ListExecutions", on=[self.machine_arn]),
            allow("states:DescribeExecution", on=[executions]),
        ]

    def wildcards(self) -> dict[str, str]:
        """The resources above that hold a ``*``, and why."""
        cache, here = self._cache, place(self.scope)
        return {
            "*": "ElastiCache makes its nodes' network interfaces, which have no ARN beforehand",
            cache(
                f"replicationgroup:{self.topology.group_id}{INFIX}*"
            ): "Each test's group has a new name",
            **dict.fromkeys(self._automatic_snapshots, "ElastiCache names them by their time"),
            cache("replicationgroup:*"): "A list, searched for what an earlier test has left",
            cache("snapshot:*"): "A list: ElastiCache has no right by the group of a snapshot",
            here.arn("states", f"execution:{self.machine_name}:*"): "Each test is a new execution",
            here.arn("kms", "key/*"): "The topic's own key, which is made later: by the context",
        }

    @property
    def _automatic_snapshots(self) -> list[str]:
        """By their names: automatic.<group>-002-2026-12-07-02-13, for that member of the group.

        Source: AWS CLI command reference, describe-snapshots. What they are called in cluster mode
        is documented nowhere: of a member or of the group, both are allowed.
        """
        group = [self.topology.group_id] if self.topology.cluster_mode else []
        return [
            self._cache(f"snapshot:automatic.{source}-20??-??-??-*")
            for source in (self.topology.member_pattern, *group)
        ]

    @property
    def machine_arn(self) -> str:
        """The state machine's, by name: it is made of the function that has these rights."""
        return place(self.scope).arn("states", f"stateMachine:{self.machine_name}")

    def _cache(self, resource: str) -> str:
        return place(self.scope).arn("elasticache", resource)

    def _use_of_keys(self) -> list[Statement]:
        here = place(self.scope)
        keys = [self.key.key_arn, *filter(None, [self.source_key])]
        # ElastiCache user guide, "At-rest encryption": it makes a grant for itself, as the caller.
        caches = [f"{service}.{here.region}.amazonaws.com" for service in ("elasticache", "dax")]
        topic = {
            "kms:ViaService": f"sns.{here.region}.amazonaws.com",
            "kms:EncryptionContext:aws:sns:topicArn": self.topic_arn,
        }
        return [
            allow(
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                on=keys,
                when={"StringEquals": {"kms:ViaService": caches}},
            ),
            allow(
                "kms:CreateGrant",
                on=keys,
                when={
                    "StringEquals": {"kms:ViaService": caches},
                    "Bool": {"kms:GrantIsForAWSResource": "true"},
                },
            ),
            allow(
                "kms:Decrypt",
                "kms:GenerateDataKey",
                on=[here.arn("kms", "key/*")],
                when={"StringEquals": topic},
            ),
        ]
