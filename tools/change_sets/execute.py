"""Executes exactly what was prepared, in its order, or nothing of it: ``make execute``.

usage: python -m tools.change_sets.execute ENVIRONMENT
"""

from datetime import timedelta
from typing import Any

from botocore.exceptions import WaiterError

from environments.schema import Settings
from tools.change_sets import record
from tools.change_sets.record import Prepared, Record
from tools.command import Answer, for_environment, session
from tools.stacks import explained

# A change of the nodes takes the better part of an hour. As often as the CDK asks, for two hours.
PATIENCE = {"Delay": 2, "MaxAttempts": 3600}
LONGEST = timedelta(seconds=PATIENCE["Delay"] * PATIENCE["MaxAttempts"])


def _execute_prepared(settings: Settings) -> int:
    prepared = record.load(settings.environment.name)
    execute(prepared, session(settings, LONGEST).client("cloudformation"))
    return 0


def execute(prepared: Record, client: Any) -> None:
    """Check everything, then execute stack by stack and wait for each.

    Raises Answer before anything was changed if a stack or a change set is not what
    it was, and after the first stack that did not reach its new state: CloudFormation has then
    put that one back, those before it are deployed, those after it untouched.
    """
    for stack in prepared.stacks:
        _unchanged(stack, client, prepared.environment)
    for stack in prepared.changing:
        client.execute_change_set(ChangeSetName=stack.change_set)
        print(f"{stack.stack}: executing what was approved")
        try:
            waiter = client.get_waiter("stack_update_complete")
            waiter.wait(StackName=stack.stack, WaiterConfig=PATIENCE)
        except WaiterError:
            (there,) = client.describe_stacks(StackName=stack.stack)["Stacks"]
            raise Answer(
                f"execute: {explained(client, there, prepared.environment)}\n"
                "The stacks after it were left alone."
            ) from None
        print(f"{stack.stack}: deployed")
    if not prepared.changing:
        print("execute: nothing was prepared, so nothing changes")
    if prepared.later:
        raise Answer(
            f"execute: {', '.join(prepared.later)} need what was just deployed and could not be "
            "prepared before. Start the delivery again: they are prepared and approved then."
        )


def _unchanged(prepared: Prepared, client: Any, environment: str) -> None:
    again = (
        f"Nothing was executed. Run make prepare ENV={environment} again, and let it be approved"
    )
    (there,) = client.describe_stacks(StackName=prepared.stack)["Stacks"]
    if (now := record.changed_at(there)) != prepared.updated:
        raise Answer(
            f"execute: {prepared.stack} was changed at {now}, after it was prepared. {again}."
        )
    if not prepared.change_set:
        return
    try:
        found = client.describe_change_set(ChangeSetName=prepared.change_set)
    except client.exceptions.ChangeSetNotFoundException:
        raise Answer(
            f"execute: the change set of {prepared.stack} is not there any more: another was "
            f"prepared or executed since, or somebody deleted it. {again}."
        ) from None
    if found["ExecutionStatus"] != "AVAILABLE":
        raise Answer(
            f"execute: the change set of {prepared.stack} is {found['ExecutionStatus']}. {again}."
        )


main = for_environment(
    "execute",
    _execute_prepared,
    interrupted="what CloudFormation has started continues, the stacks after it were not changed. "
    "When it has ended, run make prepare for what is left.",
)
