"""Who used the machine, while all users were there."""

from __future__ import annotations

from collections.abc import Callable

from rehearsal.load.outcome import Outcome, Sample
from rehearsal.load.sampling import MACHINE

QUIET = 0.3  # cores: what other programs may use of a machine that counts as quiet


def cores(outcome: Outcome, program: str) -> float:
    """What this program used on the average."""
    return _mean(outcome, lambda sample: sample.cores.get(program, 0.0))


def used_by_others(outcome: Outcome) -> float:
    """What others used, which the load test's times pay for; the nodes' forwarder is another."""
    return max(0.0, _mean(outcome, _taken))


def _taken(sample: Sample) -> float:
    ours = sum(cores for name, cores in sample.cores.items() if name != MACHINE)
    return sample.cores[MACHINE] - ours - sum(node.cores for node in sample.nodes.values())


def _mean(outcome: Outcome, of: Callable[[Sample], float]) -> float:
    plan = outcome.plan
    found = [of(one) for one in outcome.samples if plan.all_there <= one.at < plan.end]
    return sum(found) / len(found) if found else 0.0
