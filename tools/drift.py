"""Out-of-band changes of an environment (drift): ``make drift``.

usage: python -m tools.drift ENVIRONMENT

The weekly review's own look, at any time. ``cdk drift`` counts the secret too, and the rotation
keeps its times in the secret's tags: from the first rotation on it would always fail.
"""

from collections.abc import Iterator

import boto3

from environments.schema import Settings
from reviews.configuration.drift import check_drift, patience, read_stacks
from reviews.configuration.leftovers import check_parameters
from shared.errors import AwsRefusedError
from shared.line import Line
from tools.command import Answer, for_environment, session


def _show(settings: Settings) -> int:
    found = 0
    try:
        for line in lines(session(settings), settings):
            found += not line.passed
            wanted = "" if line.passed else f"  (wanted: {line.wanted})"
            print(f"  {'✓' if line.passed else '✗'} {line.name}: {line.found}{wanted}", flush=True)
    except AwsRefusedError as reason:
        raise Answer(
            f"drift: {reason}. Is it deployed? And may these credentials read what it consists of?"
        ) from None
    print(f"\n{found or 'no'} difference{'s' * (found != 1)} (docs/runbook.md#review-drift)")
    return int(found > 0)


def lines(aws: boto3.Session, settings: Settings) -> Iterator[Line]:
    """One line per stack and one per difference. Raises StoppedError for what AWS refuses."""
    cloudformation = aws.client("cloudformation")
    stacks = read_stacks(cloudformation, list(settings.stacks))
    pauses = patience()
    for stack in stacks.names:
        yield from check_drift(cloudformation, stacks, stack, pauses)
    yield from check_parameters(aws.client("elasticache"), stacks)


main = for_environment(
    "drift", _show, interrupted="nothing is known. It changes nothing: run it again."
)
