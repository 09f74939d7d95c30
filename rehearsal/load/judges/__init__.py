"""The five lines of §6.1, each judged by a function of its own."""

from __future__ import annotations

from rehearsal.load.judges.counts import counts
from rehearsal.load.judges.latency import latency
from rehearsal.load.judges.limits import limits
from rehearsal.load.judges.survival import survival
from rehearsal.load.judges.users import users
from rehearsal.load.outcome import Outcome
from rehearsal.load.verdict import Verdict

JUDGES = (users, limits, latency, counts, survival)


def judge_all(outcome: Outcome) -> list[Verdict]:
    """All five, in the plan's order."""
    return [judge(outcome) for judge in JUDGES]
