"""Line 2: each tier admits exactly its limit, in any window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rehearsal.load.oracle import Found, judge
from rehearsal.load.outcome import Outcome
from rehearsal.load.plan import Tier
from rehearsal.load.recovery import strays
from rehearsal.load.verdict import Verdict

# Of the answers: what the fallback decides while Redis is there says nothing of its exactness.
_MOST_BY_FALLBACK = 0.01


def limits(outcome: Outcome) -> Verdict:
    """Judged by the oracle, user by user and address by address, over the whole run."""
    plan = outcome.plan
    found = judge(outcome.answers, plan.tiers, outcome.unsure)
    faults = [fault for name, tier in found.items() for fault in _faults(name, tier, plan.tiers)]
    unproven = [
        f"{name}: no {kind} was admitted {plan.tiers[name][0]} times in a window, at most {most}"
        for name, tier in found.items()
        for kind, most in tier.most.items()
        if most < plan.tiers[name][0]
    ]
    stray, slow = strays(outcome), []
    if stray > _MOST_BY_FALLBACK * len(outcome.answers):
        slow.append(f"{stray} answers were the fallback's although the primary was there")
    denied = sum(tier.denied for tier in found.values())
    full = ", ".join(f"{name} {max(tier.most.values())}" for name, tier in found.items())
    return Verdict(
        2,
        "each tier admits exactly its limit",
        f"fullest windows: {full}; {denied} denials, "
        f"{sum(len(tier.under) for tier in found.values())} of them wrong; "
        f"{stray} answers too late for Redis",
        tuple(faults),
        tuple(unproven),
        tuple(slow),
    )


def _faults(name: str, found: Found, tiers: Mapping[str, Tier]) -> Iterator[str]:
    requests, seconds = tiers[name]
    if found.over:
        worst = max(found.over, key=lambda one: one.admitted)
        yield (
            f"{name}: {worst.admitted} admitted in {seconds} s, the limit is {requests} "
            f"(the {worst.key.kind} {worst.key.value}, from {worst.begin:.1f} s; "
            f"{len(found.over)} such keys)"
        )
    if found.under:
        first = found.under[0]
        yield (
            f"{name}: {len(found.under)} requests denied with room left, the first at "
            f"{first.sent:.1f} s (user {first.user}, address {first.ip})"
        )
