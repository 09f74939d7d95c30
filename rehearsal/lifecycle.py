"""`make rehearse`: production's whole life on one machine, step by step.

usage: python -m rehearsal.lifecycle [ACCOUNT] [--keep | --stop | --shell [ARGUMENTS OF BASH]]

ACCOUNT is a profile of common/account.py; without one the account is empty.
"""

import os
import sys

from rehearsal.common import steps
from rehearsal.common.account import PROFILES, remedied
from rehearsal.common.checks import CHECKS
from rehearsal.common.rehearsal import kept_shell, stop_kept
from rehearsal.common.run import perform
from rehearsal.common.steps import DEPLOYED, JUDGED, Step

WHOLE: tuple[Step, ...] = (
    *DEPLOYED[:-1],
    ("make preflight", remedied),
    DEPLOYED[-1],
    *CHECKS,
    ("one property changed, cdk deploy", steps.change),
    ("cdk diff is empty", steps.nothing_left_to_change),
    JUDGED,
    ("cdk destroy is refused while protected", steps.refused),
    ("termination protection lifted", steps.lift_protection),
    ("cdk destroy", steps.destroy),
    ("what must stay stayed, the rest is gone", steps.prove),
    ("cdk deploy once more, beside what stayed", steps.deploy_again),
    *CHECKS[:3],
    CHECKS[-1],
    JUDGED,
)


def main() -> int:
    """Run it; 0 when every step held, 1 with the reason last when one did not."""
    if sys.argv[1:] == ["--stop"]:
        print(f"{stop_kept()} rehearsal(s) ended")
        return 0
    if sys.argv[1:2] == ["--shell"]:
        if (shell := kept_shell()) is None:
            print("rehearse-shell: no rehearsal is kept: make rehearse KEEP=1", file=sys.stderr)
            return 1
        os.execv(shell, [str(shell), *sys.argv[2:]])  # noqa: S606 - our own program
    account = next((word for word in sys.argv[1:] if not word.startswith("--")), "")
    if account not in PROFILES:
        print(f"rehearse: ACCOUNT is {' or '.join(filter(None, PROFILES))}", file=sys.stderr)
        return 2
    return perform(WHOLE, keep="--keep" in sys.argv, account=account)


if __name__ == "__main__":
    sys.exit(main())
