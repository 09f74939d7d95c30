"""Stacks past the CDK command line: other templates, and the states that they end in."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from emulator.clean_environment import ACCOUNT, REGION
from rehearsal.common.errors import eventually, expect
from rehearsal.common.rehearsal import Rehearsal

Resources = dict[str, Any]
Change = Callable[[Resources], object]


def uploaded(rehearsal: Rehearsal, template: dict[str, Any]) -> str:
    """The template's address in the bootstrap's bucket: a call itself takes 51,200 characters."""
    bucket, key = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}", "by-hand.template.json"
    rehearsal.aws("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(template))
    return f"https://s3.{REGION}.amazonaws.com/{bucket}/{key}"


def update(rehearsal: Rehearsal, stack: str, change: Change, ends: str = "UPDATE_COMPLETE") -> None:
    """Deploy what was synthesised with changed resources. RehearsalError if it ends otherwise."""
    template = rehearsal.cdk.template(stack)
    change(template["Resources"])
    client = rehearsal.aws("cloudformation")
    client.update_stack(
        StackName=stack,
        TemplateURL=uploaded(rehearsal, template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )

    def status() -> str | None:
        (found,) = client.describe_stacks(StackName=stack)["Stacks"]
        state = str(found["StackStatus"])
        return None if state.endswith("_IN_PROGRESS") else state

    ended = eventually(status, f"{stack} settles")
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    expect(f"{stack} ({'; '.join(filter(None, reasons[:20]))}): status", ended, ends)


@contextmanager
def changed(rehearsal: Rehearsal, stack: str, change: Change) -> Iterator[None]:
    """The stack with changed resources, as long as this lasts."""
    update(rehearsal, stack, change)
    try:
        yield
    finally:
        update(rehearsal, stack, lambda _resources: None)


def settled(rehearsal: Rehearsal, name: str, status: str) -> None:
    """Wait until the stack has this status; TimeoutError if it does not come."""
    client = rehearsal.aws("cloudformation")

    def there() -> bool:
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        return bool(stack["StackStatus"] == status)

    eventually(there, f"{name} to be {status}")
