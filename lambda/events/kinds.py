"""What each of ElastiCache's events means to the people who answer for the group.

Source of the names: ElastiCache user guide, "Event Notifications and Amazon SNS" (ElastiCacheSNS),
and "Events" for the words. Not every name is listed there: one that is not here is passed on as it
is.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """`words` follow the name of the node or group. `because` says why it cannot wait, or None.

    An event that cannot wait pages. Only what does not recover by itself, and has no alarm on the
    nodes, is among them. `said` is what AWS writes of such an event where it leaves out
    its name: the message column of the user guide's two tables of events.
    """

    title: str
    words: str
    because: str | None = None
    said: str | None = None


_SCALED = Kind("Scaled", "runs on its new node type.")
_NOT_SCALED = Kind(
    "Scaling failed",
    "still runs on its old node type.",
    "Whatever called for a larger node is still there, and CloudFormation may have recorded "
    "the change as done.",
    said="failed applying modification to cache node type",
)
KINDS = {
    # A node is lost or moves
    "FailoverComplete": Kind(
        "Failover",
        "has a new primary: a replica took over. Connections to the old one were cut, and what it "
        "had not replicated is lost. Nothing is to be done if clients are connected again.",
    ),
    "CacheNodeReplaceStarted": Kind(
        "Node is being replaced",
        "was found degraded or unreachable, and is being replaced. Until that is done there is one "
        "replica fewer.",
    ),
    "CacheNodeReplaceComplete": Kind(
        "Node was replaced", "has been replaced, and serves again under the same address."
    ),
    "CacheNodesRebooted": Kind("Node was restarted", "was restarted; clients connect again."),
    "NodeReplacementScheduled": Kind(
        "Node replacement ahead",
        "will be replaced in a coming maintenance window. Nothing is to be done; replacing it at a "
        "quiet hour of your own is possible before.",
    ),
    "NodeReplacementRescheduled": Kind(
        "Node replacement moved", "will be replaced in another maintenance window than announced."
    ),
    "NodeReplacementCanceled": Kind(
        "Node replacement cancelled", "will not be replaced after all."
    ),
    # Snapshots
    "SnapshotComplete": Kind("Snapshot taken", "has a new snapshot."),
    "SnapshotFailed": Kind(
        "Snapshot failed",
        "was to be saved and was not.",
        "Nothing tries again before the next night: until then the newest snapshot is older than "
        "the 24 hours that may be lost. Take one by hand.",
        said="snapshot failed for",
    ),
    # Size and number
    "ReplicationGroupScalingComplete": _SCALED,
    "CacheClusterScalingComplete": _SCALED,
    "CacheClusterScalingFailed": _NOT_SCALED,
    "ReplicationGroupScalingFailed": _NOT_SCALED,
    "ReplicationGroupIncreaseReplicaCountStarted": Kind(
        "Replicas are being added", "gets more replicas."
    ),
    "ReplicationGroupIncreaseReplicaCountFinished": Kind("Replicas added", "has its new replicas."),
    "AddCacheNodeComplete": Kind("Node added", "has a new node, ready for use."),
    "AddCacheNodeFailed": Kind(
        "Node could not be added",
        "could not get another node: its subnets have too few free addresses.",
        "The same lack of addresses stops the replacement of a node that is lost.",
        said="failed to modify number of nodes",
    ),
    "RemoveCacheNodeComplete": Kind("Node removed", "has one node fewer, as requested."),
    # Made and deleted: whoever does it watches a deployment
    "CreateReplicationGroupComplete": Kind("Group created", "was created."),
    "CacheClusterProvisioningComplete": Kind("Node created", "was created and is ready for use."),
    "CacheClusterProvisioningFailed": Kind(
        "Node could not be created",
        "could not be created. The deployment that asked for it fails too and says more.",
    ),
    "DeleteCacheClusterComplete": Kind(
        "Node deleted",
        "was deleted permanently, as requested. If the request is not known: CloudTrail has the "
        "name of whoever called DeleteReplicationGroup or DecreaseReplicaCount.",
    ),
    # Settings and upkeep
    "CacheClusterParametersChanged": Kind(
        "Parameters changed",
        "runs with changed parameters. If no deployment did that, somebody did by hand.",
    ),
    "CacheClusterSecurityGroupModified": Kind(
        "Security groups changed",
        "has other security groups, or one of them has other rules. If no deployment did that, "
        "look at who may connect now.",
    ),
    "CertificateRenewalComplete": Kind(
        "Certificate renewed", "has a new TLS certificate; clients notice nothing."
    ),
    "ServiceUpdateAvailableForNode": Kind(
        "Update available",
        "can be updated. Security updates are applied at once after their test in staging, others "
        "with the month's review.",
    ),
}

_BY_LOWER_NAME = {name.lower(): kind for name, kind in KINDS.items()}


def kind_of(name: str) -> Kind | None:
    """The kind of an event's name in any case, or None for one that is not known."""
    return _BY_LOWER_NAME.get(name.lower())


def name_in(text: str) -> str:
    """The name of an event of ours that a text has in it, or that AWS words so; "" for none."""
    known = (word for word in re.findall(r"\w+", text) if kind_of(word))
    said = (name for name, kind in KINDS.items() if kind.said and kind.said in text.lower())
    return next(known, None) or next(said, "")
