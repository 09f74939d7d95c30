"""`make loadtest`: five lines, pass or fail, and a report with charts.

usage: python -m rehearsal.load [--short]
"""

import sys
from functools import partial

from redis.exceptions import RedisError

from emulator.clean_environment import ROOT
from emulator.errors import EmulatorError
from emulator.nodes.server import ServerFailedError
from rehearsal.common.program import interruptible
from rehearsal.load.judges import judge_all, table
from rehearsal.load.oracle import QUIET, used_by_others
from rehearsal.load.plan import SHORT, full
from rehearsal.load.programs import machine, production_tiers
from rehearsal.load.report import report
from rehearsal.load.run import run

_REPORT = ROOT / "build" / "loadtest.html"


def main() -> int:
    """0 if all five pass, 2 for an option that there is not."""
    if sys.argv[1:] not in ([], ["--short"]):
        print("loadtest: the one option is --short (make loadtest SHORT=1)", file=sys.stderr)
        return 2
    interruptible()
    say = partial(print, flush=True)
    plan = SHORT if sys.argv[1:] else full(production_tiers())
    say(f"{plan.users} users for {plan.end:g} s, each asks every {plan.think:g} s")
    try:
        outcome = run(plan, say)
    except (EmulatorError, ServerFailedError, TimeoutError, RedisError, OSError) as error:
        print(f"loadtest: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("loadtest: interrupted; everything that it had started has ended", file=sys.stderr)
        return 130
    verdicts = judge_all(outcome)
    others = used_by_others(outcome)
    measured_on = machine() | {"used by other programs": f"{others:.1f} cores on the average"}
    _REPORT.write_text(report(outcome, verdicts, measured_on))
    say(f"\n{table(verdicts)}\n")
    if others > QUIET:
        say(f"  other programs took {others:.1f} cores meanwhile: lines 1 to 3 pay for them")
    say("  on " + ", ".join(f"{name} {value}" for name, value in measured_on.items()))
    say(f"  charts: {_REPORT.relative_to(ROOT)}")
    return 0 if all(verdict.passed for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
