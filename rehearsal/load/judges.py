"""The five lines of §6.1, each judged by a function of its own, and the oracle behind them."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from textwrap import wrap

from exactness import Admissions, Span
from rehearsal.load.outcome import Asked, Holding, Outcome
from rehearsal.load.plan import Answer, Key, Tier

_WIDTH = 100
_INDENT = " " * 6
# Redis counts in whole milliseconds and its script takes one as its moment.
SLACK = 0.002  # seconds
QUIET = 0.3  # cores: what other programs may use of a machine that counts as quiet


@dataclass
class Verdict:
    """One of the five lines: `measured` is what was found, in lines; the rest is why it fails.

    `faults` are mistakes on any machine. `unproven` says what a run that was too short or too slow
    did not show, and `slow` what came too late: other programs on the machine cause both.
    """

    number: int
    title: str
    measured: str = ""
    faults: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)

    @property
    def reasons(self) -> list[str]:
        """Everything that makes it fail."""
        return self.faults + self.unproven + self.slow

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.reasons


def table(verdicts: list[Verdict]) -> str:
    """One line each, with what was measured, and below what is wrong."""
    return "\n".join(line for verdict in verdicts for line in _lines(verdict))


def _lines(verdict: Verdict) -> Iterator[str]:
    mark, word = ("✓", "pass") if verdict.passed else ("✗", "FAIL")
    yield f"  {mark} {verdict.number}  {word}  {verdict.title}"
    for text in (*verdict.measured.splitlines(), *(f"! {one}" for one in verdict.reasons)):
        yield from wrap(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)


_SETTLED = 1.5  # seconds after the last user: a sample may have begun before


def users(outcome: Outcome) -> Verdict:
    """Connections as the kernel lists them at the application's ports, and answers per second."""
    plan = outcome.plan
    line = Verdict(1, f"{plan.users} users held")
    begin = plan.all_there + _SETTLED
    samples = outcome.samples
    fewest = min((one.connections for one in samples if begin <= one.at < plan.end), default=0)
    answered = sum(not answer.failed for answer in outcome.peak)
    rate = answered / (plan.end - plan.all_there)
    failed = Counter(answer.status for answer in outcome.answers if answer.failed)
    again = max((one.ever for one in samples), default=0) - plan.users
    if fewest < plan.users:
        line.slow.append(f"only {fewest} of {plan.users} connections were open at one moment")
    if rate < plan.wanted_rate:
        line.slow.append(f"{rate:.0f} answers per second are fewer than {plan.wanted_rate:.0f}")
    if failed:
        kinds = ", ".join(f"{many} with status {status}" for status, many in failed.most_common())
        line.faults.append(f"requests failed (0 is no answer): {kinds}")
    line.measured = (
        f"{fewest} connections open at every look, {again} opened again, "
        f"{rate:.0f} answers per second, {failed.total()} failed"
    )
    return line


@dataclass
class Found:
    """What was found of one tier. `most` is the fullest window's count, by "user" and "ip"."""

    denied: int = 0
    over: list[tuple[int, Key, float]] = field(default_factory=list)  # admitted, and from when
    under: list[Answer] = field(default_factory=list)
    most: dict[str, int] = field(default_factory=lambda: {"user": 0, "ip": 0})


Logs = Mapping[Key, Admissions]


def logs(answers: Iterable[Answer], unsure: frozenset[Answer] = frozenset()) -> Logs:
    """The admissions by key.

    What the fallback decided may have been counted by Redis before its answer was given up, and so
    may what was never answered; what is `unsure` was counted, but may have been lost.
    """
    sure, possible = defaultdict[Key, list[Span]](list), defaultdict[Key, list[Span]](list)
    for answer in answers:
        if answer.exact and answer.denied:
            continue
        into = sure if answer.exact and answer not in unsure else possible
        for key in answer.keys:
            into[key].append((answer.sent, answer.received))
    return {key: Admissions(sure[key], possible[key]) for key in {*sure, *possible}}


def judge(
    answers: list[Answer], tiers: Mapping[str, Tier], unsure: frozenset[Answer] = frozenset()
) -> dict[str, Found]:
    """Every window and every denial of each tier."""
    found = {tier: Found() for tier in tiers}
    by_key = logs(answers, unsure)
    for key, log in by_key.items():
        requests, seconds = tiers[key.tier]
        tier = found[key.tier]
        most, begin = log.fullest(seconds - SLACK)
        tier.most[key.kind] = max(tier.most[key.kind], most)
        if most > requests:
            tier.over.append((most, key, begin))
    for answer in answers:
        if answer.exact and answer.denied:
            tier = found[answer.tier]
            tier.denied += 1
            if not _justified(answer, by_key, tiers[answer.tier]):
                tier.under.append(answer)
    return found


def _justified(answer: Answer, by_key: Logs, tier: Tier) -> bool:
    # Not `may_be_full`: what a lost node was asked may be counted twice, or after it was given up.
    requests, seconds = tier
    return any(
        log.possibly_in(answer.sent - seconds - SLACK, answer.received) >= requests
        for log in map(by_key.get, answer.keys)
        if log is not None
    )


# Of the answers: what the fallback decides while Redis is there says nothing of its exactness.
_MOST_BY_FALLBACK = 0.01


def limits(outcome: Outcome) -> Verdict:
    """Judged by the oracle, user by user and address by address, over the whole run."""
    plan, line = outcome.plan, Verdict(2, "each tier admits exactly its limit")
    found = judge(outcome.answers, plan.tiers, outcome.unsure)
    for name, tier in found.items():
        line.faults += _faults(name, tier, plan.tiers)
    line.unproven += [
        f"{name}: no {kind} was admitted {plan.tiers[name][0]} times in a window, at most {most}"
        for name, tier in found.items()
        for kind, most in tier.most.items()
        if most < plan.tiers[name][0]
    ]
    stray = len(_fallbacks(outcome)) - len(_in_the_gap(outcome))
    if stray > _MOST_BY_FALLBACK * len(outcome.answers):
        line.slow.append(f"{stray} answers were the fallback's although the primary was there")
    full = ", ".join(f"{name} {max(tier.most.values())}" for name, tier in found.items())
    line.measured = (
        f"fullest windows: {full}; {sum(tier.denied for tier in found.values())} denials, "
        f"{sum(len(tier.under) for tier in found.values())} of them wrong; "
        f"{stray} answers too late for Redis"
    )
    return line


def _faults(name: str, found: Found, tiers: Mapping[str, Tier]) -> Iterator[str]:
    requests, seconds = tiers[name]
    if found.over:
        admitted, key, begin = max(found.over)
        yield (
            f"{name}: {admitted} admitted in {seconds} s, the limit is {requests} (the "
            f"{key.kind} {key.value}, from {begin:.1f} s; {len(found.over)} such keys)"
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
    peak, line = outcome.peak, Verdict(3, "mean response of the application below 50 ms")
    response = [answer.response for answer in peak]
    mean = sum(response) / len(response) if response else math.inf
    if mean >= _MEAN:
        line.slow.append(f"a mean of {1000 * mean:.1f} ms is not below 50 ms")
    elif mean >= _OURS and outcome.cores("others") < QUIET:
        line.slow.append(f"a mean of {1000 * mean:.1f} ms on a quiet machine is not below 25 ms")
    limited = sorted(answer.limited for answer in peak)
    deadline = outcome.plan.deadline_ms
    if 1000 * percentile(limited, 99) > deadline:
        line.slow.append(f"more than 1 % of the decisions took longer than their {deadline} ms")
    used, beside = outcome.cores("generator"), outcome.cores("measuring")
    times = {
        "application": response,
        "of which the limiter": limited,
        "as the users saw it": [answer.received - answer.sent for answer in peak],
        f"generator ({used:.2f} cores, the measuring {beside:.2f}): sent late by": [
            answer.late for answer in peak
        ],
        "generator: read answers late by": [answer.unread for answer in peak],
    }
    line.measured = "\n".join(f"{what}: {_spread(found)}" for what, found in times.items())
    return line


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent do not exceed; infinite if there is none."""
    place = max(0, math.ceil(len(ordered) * share / 100) - 1)
    return ordered[place] if ordered else math.inf


def _spread(times: Sequence[float]) -> str:
    """Their mean, and what most do not exceed, in milliseconds."""
    taken = sorted(1000 * one for one in times)
    mean = sum(taken) / len(taken) if taken else math.inf
    shares = ", ".join(f"p{share} {percentile(taken, share):.1f}" for share in (50, 95, 99))
    return f"mean {mean:.1f}, {shares} ms"


def compare(
    answers: Iterable[Answer], holding: Holding, tiers: Mapping[str, Tier], *, answered_by: float
) -> tuple[int, set[Answer]]:
    """How many admissions were looked for, and those that one of their keys does not hold.

    Looked for is what was answered by then and has not left its window since.
    """
    wanted = defaultdict[Key, list[Answer]](list)
    looked_for = 0
    for answer in answers:
        _, seconds = tiers[answer.tier]
        still_there = answer.sent > holding.read - seconds + SLACK
        if answer.admitted and answer.exact and answer.received <= answered_by and still_there:
            looked_for += 1
            for key in answer.keys:
                wanted[key].append(answer)
    return looked_for, {
        answer
        for key, admitted in wanted.items()
        for answer in _unmatched(admitted, holding.times.get(key, []))
    }


def _unmatched(admitted: list[Answer], times: list[float]) -> list[Answer]:
    """Pair each time with an answer that it lies in; the answer that ends first goes first."""
    waiting: list[tuple[float, Answer]] = []
    coming = sorted(admitted, reverse=True)
    lost: list[Answer] = []
    for at in sorted(times):
        while coming and coming[-1].sent - SLACK <= at:
            answer = coming.pop()
            heappush(waiting, (answer.received + SLACK, answer))
        while waiting and waiting[0][0] < at:
            lost.append(heappop(waiting)[1])
        if waiting:
            heappop(waiting)
    return lost + [answer for _, answer in waiting] + coming


# The plan's alarm for a replica that is behind.
_MOST_BEHIND = 0.5  # seconds


def counts(outcome: Outcome) -> Verdict:
    """Every admission answered before a loss, looked for in what the primary held after it."""
    tiers, line = outcome.plan.tiers, Verdict(4, "no count lost with a node")
    replica, primary = outcome.replica, outcome.primary
    whole, gone = compare(outcome.answers, replica.holding, tiers, answered_by=replica.gone)
    if gone:
        line.faults.append(f"{len(gone)} counts went with a replica")
    since = -1.0 if primary.replicated_until is None else primary.replicated_until
    found, lost = compare(outcome.answers, primary.holding, tiers, answered_by=primary.before)
    if early := sum(answer.received <= since for answer in lost):
        line.faults.append(f"{early} counts are lost that had reached a replica")
    behind = primary.before - since
    if behind > _MOST_BEHIND:
        line.slow.append(f"replication was {behind:.1f} s behind, more than {_MOST_BEHIND} s")
    for looked_for, what in ((whole, "replica"), (found, "primary")):
        if not looked_for:
            line.unproven.append(f"nothing had been admitted when the {what} was lost")
    late = sum(
        answer.admitted and answer.exact and since < answer.received <= primary.before
        for answer in outcome.answers
    )
    line.measured = (
        f"replica: {len(gone)} of {whole} lost; primary: {len(lost)} of {found} lost, "
        f"at most {late} by replication, which was complete {1000 * behind:.0f} ms before"
    )
    return line


_LONGEST = 1.0  # seconds from the promotion until Redis decides again


def survival(outcome: Outcome) -> Verdict:
    """A client that remembers nothing asks for every key that was at its limit."""
    full, back, gap = at_limit(outcome), _back(outcome), _in_the_gap(outcome)
    let_in, when = [one for one in full if one.allowed], "never"
    line = Verdict(5, "limits survive the primary")
    line.unproven += [
        f"{tier}: no key was surely at its limit"
        for tier in outcome.plan.tiers
        if all(one.key.tier != tier for one in full)
    ]
    if let_in:
        names = ", ".join(f"{one.key.kind} {one.key.value}" for one in let_in[:3])
        line.faults.append(
            f"{len(let_in)} of {len(full)} at their limit would be admitted: {names}"
        )
    if back is None:
        line.unproven.append("Redis never decided again for every instance")
    else:
        lost, since = back - outcome.primary.before, back - outcome.primary.promoted
        when = f"{lost:.2f} s after the loss, {since:.2f} s after the promotion"
        if since > _LONGEST:
            line.slow.append(f"Redis decided again only {since:.2f} s after the promotion")
    if outcome.primary.rejoined_as != "replica":
        line.faults.append(f"the lost node came back as {outcome.primary.rejoined_as or 'nothing'}")
    line.measured = (
        f"{len(full) - len(let_in)} of {len(full)} at their limit still denied; Redis decides "
        f"again {when}; in between the fallback admitted {sum(one.admitted for one in gap)}, "
        f"denied {sum(one.denied for one in gap)}"
    )
    return line


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


def _back(outcome: Outcome) -> float | None:
    """When the last instance had a decision of Redis' again, None if never.

    It is the application's time, not that of the generator's reading.
    """
    firsts: dict[int, float] = {}
    for answer in outcome.answers:
        if answer.source == "redis" and (answer.began or answer.sent) > outcome.primary.gone:
            first = firsts.get(answer.instance, math.inf)
            firsts[answer.instance] = min(first, answer.answered or answer.received)
    return max(firsts.values()) if len(firsts) == outcome.plan.instances else None


def _fallbacks(outcome: Outcome) -> list[Answer]:
    return [answer for answer in outcome.answers if answer.source == "fallback"]


def _in_the_gap(outcome: Outcome) -> list[Answer]:
    """What the fallback decided between the loss of the primary and Redis' return."""
    back = _back(outcome)
    begin, end = outcome.primary.before, math.inf if back is None else back
    return [one for one in _fallbacks(outcome) if one.received >= begin and one.sent <= end]


def judge_all(outcome: Outcome) -> list[Verdict]:
    """All five, in the plan's order."""
    return [judge(outcome) for judge in (users, limits, latency, counts, survival)]
