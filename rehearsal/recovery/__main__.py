"""`make rehearse-recovery`: production deployed on larger nodes, a million keys, every failure."""

import sys

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import perform
from rehearsal.common.steps import DEPLOYED, Step, judge
from rehearsal.recovery.steps import RecoveryProof

KEYS = 1_000_000
# A node here has a hundredth of its type's memory: a million keys need 100 MB.
NODE_TYPE = "cache.r6g.2xlarge"


def _room_for_them(rehearsal: Rehearsal) -> str:
    rehearsal.checkout.set("node_type", f'"{NODE_TYPE}"')
    rehearsal.checkout.remove("alarms.cpu_credit_balance")  # such a node has none
    return f"nodes of {NODE_TYPE}, at a hundredth of its memory"


def steps(keys: int) -> tuple[Step, ...]:
    """The whole, with room for so many keys."""
    before, after = DEPLOYED[:2], DEPLOYED[2:]
    return (
        *before,
        ("larger nodes", _room_for_them),
        *after,
        *RecoveryProof(keys=keys).steps,
        ("AWS would have allowed all of it", judge),
    )


if __name__ == "__main__":
    sys.exit(perform(steps(KEYS)))
