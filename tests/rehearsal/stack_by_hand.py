"""A deployed stack with another template, and with its own again."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from emulator.clean_environment import ACCOUNT, REGION
from rehearsal.common.rehearsal import Rehearsal
from tests.emulator.aws.helpers import Stacks

Template = dict[str, Any]


@contextmanager
def changed(deployed: Rehearsal, stack: str, change: Callable[[Template], None]) -> Iterator[None]:
    """The stack with changed resources, as long as this lasts."""
    update(deployed, stack, change)
    try:
        yield
    finally:
        update(deployed, stack, lambda _resources: None)


def update(
    deployed: Rehearsal,
    stack: str,
    change: Callable[[Template], None],
    ends: str = "UPDATE_COMPLETE",
) -> None:
    """Deploy what was synthesised, with changed resources, and see it end so."""
    template = deployed.cdk.template(stack)
    change(template["Resources"])
    # By way of the bootstrap's bucket, as CDK does: a call itself takes 51,200 characters.
    bucket, key = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}", "by-hand.template.json"
    deployed.aws("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(template))
    deployed.aws("cloudformation").update_stack(
        StackName=stack,
        TemplateURL=f"https://s3.{REGION}.amazonaws.com/{bucket}/{key}",
        Capabilities=["CAPABILITY_IAM"],
    )
    stacks = Stacks(deployed.aws)
    assert stacks.settled(stack) == ends, stacks.reasons(stack)
