"""Line 1: so many users at the same time, and what they ask for is answered."""

from __future__ import annotations

from collections import Counter

from rehearsal.load.outcome import Outcome
from rehearsal.load.verdict import Verdict

_SETTLED = 1.5  # seconds after the last user: a sample may have begun before


def users(outcome: Outcome) -> Verdict:
    """Connections as the kernel lists them at the application's ports, and answers a second."""
    plan, peak = outcome.plan, outcome.peak
    begin = plan.all_there + _SETTLED
    held = [one.connections for one in outcome.samples if begin <= one.at < plan.end]
    fewest = min(held, default=0)
    answered = [answer for answer in peak if not answer.failed]
    rate = len(answered) / (plan.end - plan.all_there)
    failed = Counter(answer.status for answer in outcome.answers if answer.failed)
    again = max((one.ever for one in outcome.samples), default=0) - plan.users
    faults, slow = [], []
    if fewest < plan.users:
        slow.append(f"only {fewest} of {plan.users} connections were open at one moment")
    if rate < plan.wanted_rate:
        slow.append(f"{rate:.0f} answers a second are fewer than {plan.wanted_rate:.0f}")
    if failed:
        kinds = ", ".join(
            f"{many} with status {status}" if status else f"{many} without an answer"
            for status, many in failed.most_common()
        )
        faults.append(f"requests failed: {kinds}")
    return Verdict(
        1,
        f"{plan.users} users held",
        f"{fewest} connections open at every look, {again} opened again, "
        f"{rate:.0f} answers a second, "
        f"{sum(failed.values())} failed",
        tuple(faults),
        slow=tuple(slow),
    )
