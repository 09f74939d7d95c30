"""Deploys an environment by the CDK command line, from each state that a stack may be in.

usage: python -m tools.deploy ENVIRONMENT RECREATE REVIEWED CDK-COMMAND…

RECREATE names stacks, separated by spaces, whose creation failed and that are created again;
REVIEWED, if not empty, leaves CDK's question out. ``make deploy`` ends with the health check.
"""

import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence
from typing import Any

from environments.load import load
from environments.schema import PROJECT
from tools.assembly import Document
from tools.change_sets.execute import LONGEST
from tools.command import Answer, command, session
from tools.deploy_guard import check_engine_alone, may_be_deployed
from tools.stacks import UNPROTECT, explained, find, left, state_of

FAILED = "ROLLBACK_COMPLETE"


def cdk_deploy(name: str, cdk: Sequence[str], *, reviewed: bool) -> list[str]:
    """CDK's deployment of an environment, by change sets of a name that no other one uses.

    CDK executes the change set that has the name, whoever made it, and its own name is shared by
    every deployment: two at once would execute each other's (aws/aws-cdk issue 14316).
    """
    return [
        *(*cdk, "deploy", f"{PROJECT}-{name}-*"),
        *("--change-set-name", f"deploy-{uuid.uuid4().hex[:12]}"),
        *(["--require-approval", "never"] if reviewed else []),
    ]


def _deploy(name: str, recreate: str, reviewed: str, *cdk: str) -> int:
    """0 when it is deployed; 1 or CDK's own status with the way on."""
    settings = load(name)
    may_be_deployed(settings)
    client = session(settings, LONGEST).client("cloudformation")
    check_engine_alone(settings, client)
    make_way(client, settings.stacks, name, recreate.split())
    # Another synth takes cdk.out away while this deployment still reads it.
    with tempfile.TemporaryDirectory() as folder:
        output = ("--output", f"{folder}/cdk.out")
        deployment = cdk_deploy(name, cdk, reviewed=bool(reviewed))
        status = subprocess.run([*deployment, *output], check=False).returncode
    if status:
        for stack in filter(None, (find(client, one) for one in settings.stacks)):
            if state_of(stack).todo:
                print(f"\n{explained(client, stack, name)}", file=sys.stderr)
    return status


def make_way(client: Any, names: Sequence[str], environment: str, recreate: Sequence[str]) -> None:
    """Lift the protection of each stack whose creation failed, once its name was given.

    The CDK command line protects a stack before it creates the resources, and deletes a stack whose
    creation failed before it creates it again. CloudFormation refuses the deletion of what is
    protected, so the protection of such a stack is lifted here: of no other one, and of this one
    only if nothing is left in it. The deployment that follows protects it again.

    ``client`` is CloudFormation's. ``recreate`` are the names given beforehand; without them the
    terminal is asked. Raises Answer, with every stack protected that was.
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
        _confirm(client, stack, environment, recreate)
    for stack in protected:
        # By its id: one that was made under this name meanwhile stays protected.
        client.update_termination_protection(
            StackName=stack["StackId"], EnableTerminationProtection=False
        )


def _confirm(client: Any, stack: Document, environment: str, recreate: Sequence[str]) -> None:
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
    if not sys.stdin.isatty():
        raise Answer(
            f"deploy: {explained(client, stack, environment)}\nWithout a terminal the name is "
            f"given beforehand: make deploy ENV={environment} RECREATE={name}"
        )
    listed = "".join(f"\n  retained: {_named(event)}" for event in retained)
    answer = _typed(
        f"{explained(client, stack, environment)}\nIt holds no resource any more.{listed}\n"
        "Its termination protection is lifted, and it is deleted and created again. "
        "Type its name to continue: "
    )
    if answer.strip() != name:
        raise Answer(f"deploy: that is not {name}: nothing was changed.")


def _named(event: Document) -> str:
    return f"{event['LogicalResourceId']} ({event['ResourceType']} {event['PhysicalResourceId']})"


def _typed(question: str) -> str:
    try:
        return input(question)
    except EOFError:  # Ctrl-D
        return ""


main = command(
    "deploy",
    _deploy,
    takes=lambda given: len(given) >= 4 and given[0],
    interrupted="what CloudFormation has started continues. make stacks ENV={0} shows it.",
)
