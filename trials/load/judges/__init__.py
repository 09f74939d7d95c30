"""The five lines of §6.1, each judged by a function of its own."""

from trials.load.judges.counts import counts
from trials.load.judges.latency import latency
from trials.load.judges.limits import limits
from trials.load.judges.survival import survival
from trials.load.judges.users import users
from trials.load.outcome import Outcome
from trials.load.verdict import Verdict

JUDGES = (users, limits, latency, counts, survival)


def judge_all(outcome: Outcome) -> list[Verdict]:
    """All five, in the plan's order."""
    return [judge(outcome) for judge in JUDGES]
