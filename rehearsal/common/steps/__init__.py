"""The steps that scenarios begin with, in order; each returns what it checked in a few words."""

from collections.abc import Callable

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import access, account, deploy

Step = tuple[str, Callable[[Rehearsal], str]]

JUDGED: Step = ("AWS would have allowed all of it", access.judge)

DEPLOYED: tuple[Step, ...] = (
    ("cdk bootstrap", account.bootstrap),
    ("the account's VPC, security group and secret", account.surroundings),
    ("cdk synth asks for the VPC and the group", deploy.synth),
    ("cdk deploy", deploy.deploy),
)
