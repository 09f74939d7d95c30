"""Production, without cluster mode: the lines that make it grow, and the one that cannot."""

from functools import partial

from environments import scaling
from rehearsal.common import functions
from rehearsal.common.deployed import described
from rehearsal.common.errors import RehearsalError, expect, expect_refusal
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import DEPLOYED, Step, deploy, judge, nothing_left_to_change
from rehearsal.scaling import clients
from rehearsal.scaling.clients import TIER, deciding
from rehearsal.scaling.sharded import LIMIT


def short_window(rehearsal: Rehearsal) -> str:
    """The published limit, in a window that slides many times while a step lasts."""
    rehearsal.checkout.set(f"application.rate_limits.{TIER}", LIMIT)
    return f"{TIER} = {LIMIT}"


def grown(rehearsal: Rehearsal, *, line: str) -> str:
    """The line is deployed while the limiter decides."""
    with deciding(rehearsal) as asking:
        clients.deploy(rehearsal, line)
    return f"{clients.every_node_is_watched(rehearsal)}; {asking.exact()}"


def larger(rehearsal: Rehearsal) -> str:
    """A node without CPU credits: synth asks for one line more to go, before anything is done."""
    clients.write(rehearsal, scaling.LARGER)
    with expect_refusal(
        RehearsalError, otherwise="synth takes it", words="Leave cpu_credit_balance out"
    ):
        rehearsal.cdk.synth(rehearsal.checkout.name)
    rehearsal.checkout.set(f"alarms.{scaling.CREDITS_OF_NO_NODE}", None)
    return grown(rehearsal, line=scaling.LARGER)


def cluster_mode_is_for_new_groups(rehearsal: Rehearsal) -> str:
    """On a running group the deployment fails and is rolled back: nodes and keys stay."""
    before = described(rehearsal)
    with deciding(rehearsal) as asking:
        clients.write(rehearsal, scaling.CLUSTER_MODE)
        rehearsal.cdk.synth(rehearsal.checkout.name)
        with expect_refusal(RehearsalError, otherwise="it was deployed", words="cluster-enabled"):
            deploy(rehearsal)
        after = described(rehearsal)
        for name in ("ReplicationGroupCreateTime", "MemberClusters", "NodeGroups", "Status"):
            expect(f"{name} after the refusal", after[name], before[name])
    clients.write(rehearsal, "cluster_mode = false")
    rehearsal.cdk.synth(rehearsal.checkout.name)
    return f"refused and rolled back; {asking.exact()}"


def steps() -> tuple[Step, ...]:
    """Production deployed, and each line after the other."""
    return (
        *DEPLOYED[:2],
        ("a window that slides often", short_window),
        *DEPLOYED[2:],
        (scaling.MORE_REPLICAS, partial(grown, line=scaling.MORE_REPLICAS)),
        (scaling.LARGER_OF_ITS_KIND, partial(grown, line=scaling.LARGER_OF_ITS_KIND)),
        (scaling.LARGER, larger),
        (scaling.CLUSTER_MODE, cluster_mode_is_for_new_groups),
        ("cdk diff is empty", nothing_left_to_change),
        ("the deployment's own health check", functions.check_health),
        ("AWS would have allowed all of it", judge),
    )
