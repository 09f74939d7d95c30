"""Line 4: a lost node takes no counts with it but what asynchronous replication had not sent."""

from __future__ import annotations

from rehearsal.load.losses import compare
from rehearsal.load.outcome import Outcome
from rehearsal.load.verdict import Verdict

# The plan's alarm for a replica that is behind.
_MOST_BEHIND = 0.5  # seconds


def counts(outcome: Outcome) -> Verdict:
    """Every admission answered before a loss, looked for in what the primary held after it."""
    plan = outcome.plan
    faults, unproven, slow = [], [], []
    replica, primary = outcome.replica, outcome.primary
    whole = compare(outcome.answers, replica.holding, plan.tiers, answered_by=replica.gone)
    if whole.lost:
        faults.append(f"{len(whole.lost)} counts went with a replica")
    since = -1.0 if primary.replicated_until is None else primary.replicated_until
    found = compare(outcome.answers, primary.holding, plan.tiers, answered_by=primary.before)
    early = [answer for answer in found.lost if answer.received <= since]
    if early:
        faults.append(f"{len(early)} counts are lost that had reached a replica")
    behind = primary.before - since
    if behind > _MOST_BEHIND:
        slow.append(f"replication was {behind:.1f} s behind, more than {_MOST_BEHIND} s")
    for compared, what in ((whole, "replica"), (found, "primary")):
        if not compared.looked_for:
            unproven.append(f"nothing had been admitted when the {what} was lost")
    late = sum(
        answer.admitted and answer.exact and since < answer.received <= primary.before
        for answer in outcome.answers
    )
    return Verdict(
        4,
        "no count lost with a node",
        f"replica: {len(whole.lost)} of {whole.looked_for} lost; "
        f"primary: {len(found.lost)} of {found.looked_for} lost, "
        f"at most {late} by replication ({primary.bytes_behind} bytes, {1000 * behind:.0f} ms)",
        tuple(faults),
        tuple(unproven),
        tuple(slow),
    )
