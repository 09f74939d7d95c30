"""How the decisions came back to Redis after its primary was lost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rehearsal.load.answer import Answer
from rehearsal.load.outcome import Outcome


@dataclass(frozen=True)
class Recovery:
    """`back` is when the last instance had a decision of Redis' again, None if never.

    It is the application's time, not that of the generator's reading. Until then `admitted` and
    `denied` are what the fallback decided, tier by tier.
    """

    back: float | None
    admitted: dict[str, int]
    denied: dict[str, int]


def recovery(outcome: Outcome) -> Recovery:
    """From the requests that the application began with after the kill."""
    firsts: dict[int, float] = {}
    for answer in outcome.answers:
        if answer.source == "redis" and (answer.began or answer.sent) > outcome.primary.gone:
            first = firsts.get(answer.instance, math.inf)
            firsts[answer.instance] = min(first, answer.answered or answer.received)
    complete = len(firsts) == outcome.plan.instances
    back = max(firsts.values()) if complete else None
    begin, end = outcome.primary.before, math.inf if back is None else back
    gap = [one for one in fallbacks(outcome) if one.received >= begin and one.sent <= end]
    tiers = outcome.plan.tiers
    return Recovery(
        back,
        {tier: sum(one.admitted for one in gap if one.tier == tier) for tier in tiers},
        {tier: sum(one.denied for one in gap if one.tier == tier) for tier in tiers},
    )


def fallbacks(outcome: Outcome) -> list[Answer]:
    """What was decided without Redis because it was away, or too slow."""
    return [answer for answer in outcome.answers if answer.source == "fallback"]


def strays(outcome: Outcome) -> int:
    """How often the fallback decided although the primary was there."""
    gap = recovery(outcome)
    return len(fallbacks(outcome)) - sum(gap.admitted.values()) - sum(gap.denied.values())
