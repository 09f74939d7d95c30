"""`make loadtest`: five lines, pass or fail.

usage: python -m rehearsal.load [--short]
"""

import os
import platform
import sys
from functools import partial

from redis.exceptions import RedisError

from emulator.clean_environment import ROOT
from emulator.engines import processor
from emulator.errors import EmulatorError
from emulator.nodes.server import ServerFailedError
from rehearsal.common.program import interruptible
from rehearsal.load.judges import QUIET, judge_all, table
from rehearsal.load.plan import SHORT, full
from rehearsal.load.run import CHARTS, production_tiers, run


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
    verdicts, others = judge_all(outcome), outcome.cores("others")
    say(f"\n{table(verdicts)}\n")
    if others > QUIET:
        say(f"  other programs took {others:.1f} cores meanwhile: lines 1 to 3 pay for them")
    say(
        f"  on {os.cpu_count()} cores, {processor()}, kernel {platform.release()}, Python "
        f"{platform.python_version()}; other programs took {others:.1f} cores on the average\n"
        f"  charts of what the users saw: {CHARTS.relative_to(ROOT)}"
    )
    return 0 if all(verdict.passed for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
