"""The steps of a rehearsal, in their order; each returns what it found in a few words."""

from collections.abc import Callable

from rehearsal.common.checks import CHECKS
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import access, account, change, deploy, destroy

Step = tuple[str, Callable[[Rehearsal], str]]

_JUDGED: Step = ("AWS would have allowed all of it", access.judge)

DEPLOYED: tuple[Step, ...] = (
    ("cdk bootstrap", account.bootstrap),
    ("the account's VPC, security group and secret", account.surroundings),
    ("cdk synth asks for the VPC and the group", deploy.synth),
    ("cdk deploy", deploy.deploy),
)

WHOLE: tuple[Step, ...] = (
    *DEPLOYED,
    *CHECKS,
    ("one property changed, cdk deploy", change.change),
    ("cdk diff is empty", change.nothing_left_to_change),
    _JUDGED,
    ("cdk destroy is refused while protected", destroy.refused),
    ("termination protection lifted", destroy.lift_protection),
    ("cdk destroy", destroy.destroy),
    ("what must stay stayed, the rest is gone", destroy.prove),
    ("cdk deploy once more, beside what stayed", deploy.again),
    *CHECKS[:3],
    CHECKS[-1],
    _JUDGED,
)
