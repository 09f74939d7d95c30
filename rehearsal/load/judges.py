"""The five lines of §6.1, each judged by a function of its own."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

from rehearsal.load.oracle import (
    QUIET,
    Found,
    Recovery,
    compare,
    cores,
    judge,
    logs,
    recovery,
    strays,
    used_by_others,
)
from rehearsal.load.outcome import Asked, Outcome
from rehearsal.load.plan import Tier

_WIDTH = 100
_INDENT = " " * 6


@dataclass(frozen=True)
class Verdict:
    """One of the five lines: `measured` is what was found, in lines; the rest is why it fails.

    `faults` are mistakes on any machine. `unproven` says what a run that was too short or too slow
    did not show, and `slow` what came too late: other programs on the machine cause both.
    """

    number: int
    title: str
    measured: str
    faults: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    slow: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Everything that makes it fail."""
        return self.faults + self.unproven + self.slow

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.reasons


def table(verdicts: list[Verdict]) -> str:
    """A line each, with what was measured, and below what is wrong."""
    return "\n".join(line for verdict in verdicts for line in _lines(verdict))


def _lines(verdict: Verdict) -> Iterator[str]:
    mark, word = ("✓", "pass") if verdict.passed else ("✗", "FAIL")
    yield f"  {mark} {verdict.number}  {word}  {verdict.title}"
    for text in (*verdict.measured.splitlines(), *(f"! {one}" for one in verdict.reasons)):
        yield from wrap(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)


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


_MEAN = 0.050  # seconds: the plan's
_OURS = 0.025  # seconds, while nothing else uses the machine


def latency(outcome: Outcome) -> Verdict:
    """The application's own, while all users are there; the limiter and the generator apart."""
    peak = outcome.peak
    response = [answer.response for answer in peak]
    mean = sum(response) / len(response) if response else math.inf
    slow = []
    if mean >= _MEAN:
        slow.append(f"a mean of {1000 * mean:.1f} ms is not below 50 ms")
    elif mean >= _OURS and used_by_others(outcome) < QUIET:
        slow.append(f"a mean of {1000 * mean:.1f} ms on a quiet machine is not below 25 ms")
    limited = sorted(answer.limited for answer in peak)
    deadline = outcome.plan.deadline_ms
    if 1000 * percentile(limited, 99) > deadline:
        slow.append(f"more than 1 % of the decisions took longer than their {deadline} ms")
    used, beside = (cores(outcome, program) for program in ("generator", "the measuring"))
    told = {
        "application": response,
        "of which the limiter": limited,
        "as the users saw it": [answer.received - answer.sent for answer in peak],
        f"generator ({used:.2f} cores, the measuring {beside:.2f}): sent late by": [
            answer.late for answer in peak
        ],
        "generator: read answers late by": [answer.unread for answer in peak],
    }
    return Verdict(
        3,
        "mean response of the application below 50 ms",
        "\n".join(f"{what}: {_spread(times)}" for what, times in told.items()),
        slow=tuple(slow),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent do not exceed; infinite if there is none."""
    if not ordered:
        return math.inf
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


def _spread(times: Sequence[float]) -> str:
    """Their mean, and what most do not exceed, in milliseconds."""
    taken = sorted(1000 * one for one in times)
    mean = sum(taken) / len(taken) if taken else math.inf
    shares = ", ".join(f"p{share} {percentile(taken, share):.1f}" for share in (50, 95, 99))
    return f"mean {mean:.1f}, {shares} ms"


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


JUDGES = (users, limits, latency, counts, survival)


def judge_all(outcome: Outcome) -> list[Verdict]:
    """All five, in the plan's order."""
    return [judge(outcome) for judge in JUDGES]
