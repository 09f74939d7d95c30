"""How much of the machine others took, which the load test's times then pay for."""

from __future__ import annotations

from trials.load.outcome import Outcome
from trials.load.sampling import MACHINE


def used_by_others(outcome: Outcome) -> float:
    """Cores, on the average while all users were there; the nodes' forwarder counts as another."""
    plan = outcome.plan
    taken = [
        sample.cores[MACHINE]
        - sum(cores for name, cores in sample.cores.items() if name != MACHINE)
        - sum(node.cores for node in sample.nodes.values())
        for sample in outcome.samples
        if plan.all_there <= sample.at < plan.end
    ]
    return max(0.0, sum(taken) / len(taken)) if taken else 0.0
