"""Line 5: who was at the limit before the primary was lost is still denied after."""

from __future__ import annotations

from rehearsal.load.oracle import logs
from rehearsal.load.outcome import Asked, Outcome
from rehearsal.load.recovery import Recovery, recovery
from rehearsal.load.verdict import Verdict

_LONGEST = 1.0  # seconds from the promotion until Redis decides again


def survival(outcome: Outcome) -> Verdict:
    """A client that remembers nothing asks for every key that was at its limit."""
    back = recovery(outcome)
    full = at_limit(outcome)
    let_in = [one for one in full if one.allowed]
    faults, slow = [], []
    unproven = [
        f"{tier}: nobody that was at the limit could be asked for"
        for tier in outcome.plan.tiers
        if all(one.key.tier != tier for one in full)
    ]
    if let_in:
        names = ", ".join(f"{one.key.kind} {one.key.value}" for one in let_in[:3])
        faults.append(f"{len(let_in)} of {len(full)} at their limit would be admitted: {names}")
    since = _since_promotion(back, outcome)
    if since is None:
        unproven.append("Redis never decided again for every instance")
    elif since > _LONGEST:
        slow.append(f"Redis decided again only {since:.2f} s after the promotion")
    if outcome.primary.rejoined_as != "replica":
        faults.append(f"the lost node came back as {outcome.primary.rejoined_as or 'nothing'}")
    return Verdict(
        5,
        "limits survive the primary",
        f"{len(full) - len(let_in)} of {len(full)} at their limit still denied; "
        f"Redis decides again {_time(back, outcome)}; in between the fallback admitted "
        f"{sum(back.admitted.values())}, denied {sum(back.denied.values())}",
        tuple(faults),
        tuple(unproven),
        tuple(slow),
    )


def at_limit(outcome: Outcome) -> list[Asked]:
    """What was asked of Redis about keys that surely were at their limit already before the loss.

    And are still: what was admitted after it does not count.
    """
    loss = outcome.primary
    before = [answer for answer in outcome.answers if answer.received <= loss.before]
    by_key = logs(before, outcome.unsure)
    found = []
    for one in outcome.asked:
        requests, seconds = outcome.plan.tiers[one.key.tier]
        log = by_key.get(one.key)
        # The window is only as long as surely none of it had left when Redis was asked.
        begin = one.received - seconds
        if one.source == "redis" and log and log.surely_in(begin, loss.before) >= requests:
            found.append(one)
    return found


def _since_promotion(back: Recovery, outcome: Outcome) -> float | None:
    return None if back.back is None else back.back - outcome.primary.promoted


def _time(back: Recovery, outcome: Outcome) -> str:
    since = _since_promotion(back, outcome)
    if since is None or back.back is None:
        return "never"
    lost = back.back - outcome.primary.before
    return f"{lost:.2f} s after the loss, {since:.2f} s after the promotion"
