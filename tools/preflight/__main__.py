"""Reads whether the account can take a deployment, before anything is created: ``make preflight``.

usage: python -m tools.preflight ENVIRONMENT

It reads what was synthesised into cdk.out. The lines are a Markdown list: ✓ holds, ! was not
decided, ✗ would let the deployment fail. The variable SKIP_PREFLIGHT holds a reason to skip it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from environments.schema import Settings
from tools.assembly import read
from tools.command import Answer, for_environment, session
from tools.preflight import checks, tables
from tools.preflight.account import REFUSED, Account, Check, Finding, warning
from tools.stacks import require_deployable

ASSEMBLY = Path("cdk.out")
CHECKS = (*checks.CHECKS, *tables.CHECKS)


def _preflight(settings: Settings) -> int:
    name, own = settings.environment.name, session(settings)
    if reason := os.environ.get("SKIP_PREFLIGHT", "").strip():
        who = own.client("sts").get_caller_identity()["Arn"]
        print(f"- ! preflight of {name}: skipped by {who}: {reason}")
        return 0
    stacks = {key: one for key, one in read(ASSEMBLY).items() if key in settings.stacks}
    if not stacks:
        raise Answer(f"preflight: cdk.out is not of {name}: make synth ENV={name} writes it.")
    require_deployable(own.client("cloudformation"), settings.stacks, name)
    account = Account.of(settings, stacks, own)
    print(f"Preflight of {name}, read with {account.reader}:\n", flush=True)
    refusals = 0
    for subject, check in CHECKS:
        for finding in findings(account, check):
            refusals += finding.mark == REFUSED
            print(finding.shown(subject), flush=True)
    if refusals:
        raise Answer(
            f"\npreflight: {refusals} of these would let the deployment fail, and nothing was "
            'created. SKIP_PREFLIGHT="the reason" continues anyway (docs/start/preflight.md).'
        )
    return 0


def findings(account: Account, check: Check) -> Iterator[Finding]:
    """Those of one check; what cannot be read is a warning, and ends this check alone."""
    try:
        yield from check(account)
    except (BotoCoreError, ClientError) as failure:
        remedy = "Ask somebody with that permission: docs/start/preflight.md"
        yield warning(f"not read: {failure}", remedy)


main = for_environment("preflight", _preflight, interrupted="nothing was created. Run it again.")
