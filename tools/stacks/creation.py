"""Makes way for the second attempt of a creation that failed.

The CDK command line protects a stack before it creates the resources, and deletes a stack whose
creation failed before it creates it again. CloudFormation refuses the deletion of what is
protected, so the protection of such a stack is lifted here: of no other one, and of this one only
if nothing is left in it. The deployment that follows protects it again.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tools.assembly import Document
from tools.command import Answer
from tools.stacks.leftovers import left
from tools.stacks.states import UNPROTECT, explained, find

FAILED = "ROLLBACK_COMPLETE"


def make_way(
    client: Any,
    names: Sequence[str],
    environment: str,
    recreate: Sequence[str],
    ask: Callable[[str], str] | None,
) -> None:
    """Lift the protection of each stack whose creation failed, once its name was given.

    ``client`` is CloudFormation's. ``recreate`` are the names given beforehand; without them
    ``ask`` shows a question and returns the answer, None without a terminal. Raises
    Answer, with every stack protected that was.
    """
    stacks = {name: find(client, name) for name in names}
    for name in recreate:
        stack = stacks.get(name)
        if stack is None or stack["StackStatus"] != FAILED:
            state = (
                f"is {stack['StackStatus']}"
                if stack
                else "is not there, or not one of this environment's"
            )
            raise Answer(
                f"deploy: RECREATE names {name}, which {state}. It is for a stack of {environment} "
                f"that is {FAILED}, and for no other: leave it out."
            )
    failed = [stack for stack in stacks.values() if stack and stack["StackStatus"] == FAILED]
    protected = [stack for stack in failed if stack.get("EnableTerminationProtection", True)]
    for stack in protected:
        _confirm(client, stack, environment, recreate, ask)
    for stack in protected:
        # By its id: one that was made under this name meanwhile stays protected.
        client.update_termination_protection(
            StackName=stack["StackId"], EnableTerminationProtection=False
        )


def _confirm(
    client: Any,
    stack: Document,
    environment: str,
    recreate: Sequence[str],
    ask: Callable[[str], str] | None,
) -> None:
    name = stack["StackName"]
    kept = left(client, stack["StackId"])
    retained = [event for event in kept or () if event["ResourceStatus"] == "DELETE_SKIPPED"]
    others = [_named(event) for event in kept or () if event not in retained]
    if kept is None or others:
        raise Answer(
            f"deploy: {name} is {FAILED}, but its events do not show that these were deleted: "
            f"{', '.join(others) or 'any of its resources'}. Its protection stays. Look at them, "
            f"and if none is needed, lift it by hand:\n{UNPROTECT.format(stack=name)}"
        )
    if name in recreate:
        return
    if ask is None:
        raise Answer(
            f"deploy: {explained(client, stack, environment)}\nWithout a terminal the name is "
            f"given beforehand: make deploy ENV={environment} RECREATE={name}"
        )
    listed = "".join(f"\n  retained: {_named(event)}" for event in retained)
    answer = ask(
        f"{explained(client, stack, environment)}\nIt holds no resource any more.{listed}\n"
        "Its termination protection is lifted, and it is deleted and created again. "
        "Type its name to continue: "
    )
    if answer.strip() != name:
        raise Answer(f"deploy: that is not {name}: nothing was changed.")


def _named(event: Document) -> str:
    return f"{event['LogicalResourceId']} ({event['ResourceType']} {event['PhysicalResourceId']})"
