"""The state of each stack of an environment, and the command on from it: ``make stacks``.

usage: python -m tools.stacks ENVIRONMENT

What each state means is in docs/operate/stack-states.md too; what failed creations left is listed.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from environments.schema import Settings
from tools.assembly import Document
from tools.command import Answer, for_environment, session


@dataclass(frozen=True, slots=True)
class State:
    """A stack's status: what it means, and what to do in it.

    In ``todo``, ``{stack}``, ``{environment}`` and ``{failed}`` stand for the stack's name, the
    environment's, and the logical ids of the resources whose last operation failed. It is empty
    where a deployment has ended well. ``deployable``: make deploy goes on from here.
    ``changeable``: CloudFormation takes an update.
    """

    meaning: str
    todo: str
    deployable: bool = False
    changeable: bool = False


def _in_progress(meaning: str, more: str = "") -> State:
    return State(
        f"{meaning}. CloudFormation continues without the command that started it",
        "Wait: make stacks ENV={environment} shows when it has ended. Then run make deploy or "
        f"make prepare again, for what is left.{more}",
    )


_DEPLOYED = State("it is deployed", "", deployable=True, changeable=True)
_DELETE = "  aws cloudformation delete-stack --stack-name {stack}"
_DELETED = "  aws cloudformation wait stack-delete-complete --stack-name {stack}"
_CONTINUE = "  aws cloudformation continue-update-rollback --stack-name {stack}"
UNPROTECT = (
    "  aws cloudformation update-termination-protection --no-enable-termination-protection "
    "--stack-name {stack}"
)

# CloudFormation's user guide, "Stack status codes" and "Continue rolling back an update".
STATES = {
    **dict.fromkeys(("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"), _DEPLOYED),
    "UPDATE_ROLLBACK_COMPLETE": State(
        "its last update failed and was rolled back. It is what it was before that update",
        "Fix the cause, then run make deploy ENV={environment}.",
        deployable=True,
        changeable=True,
    ),
    "IMPORT_ROLLBACK_COMPLETE": State("an import failed and was rolled back", "", True, True),
    "REVIEW_IN_PROGRESS": State(
        "its creation was prepared and not executed. It has no resources, and does not leave this "
        "state by itself",
        "Run make deploy ENV={environment}, which creates it.",
        deployable=True,
    ),
    "ROLLBACK_COMPLETE": State(
        "its creation failed and was rolled back. It has no resources and takes no update: it has "
        "to be deleted and created again",
        "Fix the cause, then run make deploy ENV={environment}, which asks for the stack's name "
        "and does both.",
        deployable=True,
    ),
    "ROLLBACK_FAILED": State(
        "its creation failed, and the rollback could not delete everything",
        "Remove what prevents the deletion, then run:\n"
        f"{UNPROTECT}\n{_DELETE}\n{_DELETED}\n  make deploy ENV={{environment}}",
    ),
    "CREATE_FAILED": State(
        "its creation failed and is paused: a command asked CloudFormation not to roll it back",
        "Run the rollback, then make deploy ENV={environment}:\n"
        "  aws cloudformation rollback-stack --retain-except-on-create --stack-name {stack}",
    ),
    "UPDATE_FAILED": State(
        "an update failed and is paused: a command asked CloudFormation not to roll it back. Some "
        "resources have the new properties, others the old ones",
        "Run the rollback, then make deploy ENV={environment}:\n"
        "  aws cloudformation rollback-stack --stack-name {stack}",
    ),
    "UPDATE_ROLLBACK_FAILED": State(
        "an update failed, and its rollback failed too. Some resources have the new properties, "
        "others the old ones",
        "Remove the cause, then run the rest of the rollback:\n"
        f"{_CONTINUE}\nA resource that cannot go back, such as a group whose engine was upgraded, "
        "is left as it is by naming it. Then write what it is now into the settings before "
        "anything is deployed:\n"
        f"{_CONTINUE} --resources-to-skip {{failed}}",
    ),
    "DELETE_FAILED": State(
        "its deletion could not delete everything",
        "If it is the data stack, its group may still serve: the deletion ends it after a final "
        "snapshot, and make deploy makes an empty group, into which that snapshot is restored "
        "(docs/operate/disaster-recovery.md). "
        "Remove what prevents it and delete again. Then make deploy ENV={environment} creates it:\n"
        f"{_DELETE}\n{_DELETED}\nA resource that is to stay is left out by naming it:\n"
        f"{_DELETE} --retain-resources {{failed}}\n{_DELETED}",
    ),
    "IMPORT_ROLLBACK_FAILED": State(
        "an import failed, and its rollback failed too. No command of this repository imports",
        "Ask the person who imported, then AWS Support; the events say what failed:\n"
        "  aws cloudformation describe-stack-events --stack-name {stack}",
    ),
    "CREATE_IN_PROGRESS": _in_progress("it is being created"),
    "ROLLBACK_IN_PROGRESS": _in_progress("its creation failed and is being rolled back"),
    "DELETE_IN_PROGRESS": _in_progress("it is being deleted"),
    "UPDATE_IN_PROGRESS": _in_progress(
        "it is being updated",
        " To have the update rolled back, unless it changes the engine:\n"
        "  aws cloudformation cancel-update-stack --stack-name {stack}",
    ),
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": _in_progress(
        "its update is done, and what was replaced is being deleted"
    ),
    "UPDATE_ROLLBACK_IN_PROGRESS": _in_progress("its update failed and is being rolled back"),
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": _in_progress(
        "its update was rolled back, and what it had created is being deleted"
    ),
    "IMPORT_IN_PROGRESS": _in_progress("resources are being imported"),
    "IMPORT_ROLLBACK_IN_PROGRESS": _in_progress("an import failed and is being rolled back"),
}
_OPERATION = "(CREATE|UPDATE|DELETE|IMPORT)"
_CANCELLED = re.compile(r"Resource \w+ cancelled")  # since another one failed
_UNKNOWN = State(
    "a state that this release does not know", "Look at the stack in CloudFormation's console."
)


def state_of(stack: Document) -> State:
    """The state of a stack that DescribeStacks described."""
    return STATES.get(stack["StackStatus"], _UNKNOWN)


def find(client: Any, name: str) -> Document | None:
    """A stack as DescribeStacks describes it, by name or ARN; None where there is none."""
    try:
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as failure:
        if "does not exist" not in str(failure):
            raise
        return None
    described: Document = stack
    return described


def template(client: Any, name: str) -> Document:
    """What is deployed under this name; empty if nothing is."""
    described = find(client, name)
    if described is None or not state_of(described).changeable:
        return {}
    body = client.get_template(StackName=name)["TemplateBody"]
    there: Document = json.loads(body) if isinstance(body, str) else body
    return there


def require_deployable(client: Any, names: Sequence[str], environment: str) -> None:
    """Raise Answer for the stacks from whose state make deploy does not go on."""
    stacks = [stack for name in names if (stack := find(client, name))]
    blocked = [stack for stack in stacks if not state_of(stack).deployable]
    if blocked:
        raise Answer("\n".join(explained(client, stack, environment) for stack in blocked))


def explained(client: Any, stack: Document, environment: str) -> str:
    """State, meaning, what failed, and what to do, as the terminal shows it."""
    name, status, state = stack["StackName"], stack["StackStatus"], state_of(stack)
    if not state.todo:
        return f"{name} is {status}: {state.meaning}."
    failed = failures(client, stack)
    ids = [event["LogicalResourceId"] for event in failed if not is_of_stack(event)]
    todo = state.todo.format(
        stack=name, environment=environment, failed=" ".join(ids) or "<logical id>"
    )
    reasons = [f"  {event['LogicalResourceId']}: {_reason(event)}" for event in failed]
    return "\n".join(
        [
            f"{name} is {status}: {state.meaning}.",
            *(["What failed:", *reasons] if reasons else []),
            f"What to do: {todo}",
            "More: docs/operate/stack-states.md",
        ]
    )


def failures(client: Any, stack: Document) -> list[Document]:
    """Events of what failed in the stack's last operation, in their order.

    After a rollback that failed they are of what failed in the rollback: CloudFormation lets
    nothing else be skipped (ContinueUpdateRollback, ResourcesToSkip).
    """
    last = "UPDATE_ROLLBACK" if stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED" else _OPERATION
    failed: list[Document] = []
    for event in events(client, stack["StackId"]):
        status = event["ResourceStatus"]
        if is_of_stack(event) and re.fullmatch(f"{last}_IN_PROGRESS", status):
            break
        if re.fullmatch(f"{_OPERATION}_FAILED", status) and not _CANCELLED.match(_reason(event)):
            failed.append(event)
    return failed[::-1]


def events(client: Any, stack_id: str) -> Iterator[Document]:
    """Every event of a stack, newest first; CloudFormation keeps them for 90 days."""
    for page in client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        yield from page["StackEvents"]


def is_of_stack(event: Document) -> bool:
    """Whether an event is of the stack itself, and not of a resource."""
    return bool(event.get("PhysicalResourceId") == event["StackId"])


def _reason(event: Document) -> str:
    return str(event.get("ResourceStatusReason", event["ResourceStatus"]))


# What creations that failed left behind. CloudFormation keeps the events of a deleted stack for 90
# days. What a stack left that had been created is not listed: its key may be what reads the
# snapshots that are left of its data.
_ENDED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "DELETE_COMPLETE")


# How what a creation left is removed. A bucket is removed only when it is empty, and a key 30 days
# later, until when it can be had back.
_REMOVED = {
    "AWS::KMS::Key": "aws kms schedule-key-deletion --pending-window-in-days 30 --key-id {}",
    "AWS::S3::Bucket": "aws s3 rb s3://{}",
}


def leftovers(client: Callable[[str], Any], names: Sequence[str]) -> Iterator[str]:
    """A line for each resource, and below it the command. ``client`` makes clients of services."""
    cloudformation = client("cloudformation")
    pages = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=_ENDED)
    for stack in (one for page in pages for one in page["StackSummaries"]):
        if stack["StackName"] not in names:
            continue
        for event in left(cloudformation, stack["StackId"]) or ():
            if event["ResourceStatus"] == "CREATE_FAILED":
                continue  # its name may be one that was taken already: somebody else's
            kind, name = event["ResourceType"], event["PhysicalResourceId"]
            says = f"A creation of {stack['StackName']} failed and left {kind} {name}."
            if kind not in _REMOVED:
                yield f"{says} Delete it in its service's console."
                continue
            if _is_there(client, kind, name):
                yield f"{says} If nothing uses it, remove it:"
                yield f"  {_REMOVED[kind].format(name)}"


def left(cloudformation: Any, stack_id: str) -> list[Document] | None:
    """The last event of each resource that a failed creation left.

    None for a stack whose events do not show that its creation failed: they are gone after 90
    days, and what a stack left that had been created is not for here.
    """
    last: dict[str, Document] = {}
    failed = False
    for event in events(cloudformation, stack_id):
        if is_of_stack(event):
            # Of an update it would be UPDATE_ROLLBACK_IN_PROGRESS.
            failed |= event["ResourceStatus"] == "ROLLBACK_IN_PROGRESS"
        else:
            last.setdefault(event["LogicalResourceId"], event)
    if not failed:
        return None
    return [
        event
        for event in last.values()
        # One that could not be created has no physical id.
        if event.get("PhysicalResourceId") and event["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def _is_there(client: Callable[[str], Any], kind: str, name: str) -> bool:
    try:
        if kind == "AWS::KMS::Key":
            described = client("kms").describe_key(KeyId=name)["KeyMetadata"]
            return bool(described.get("KeyState") != "PendingDeletion")
        client("s3").head_bucket(Bucket=name)
    except ClientError as failure:
        if failure.response["Error"]["Code"] not in ("403", "404", "NotFoundException"):
            raise
        return False
    return True


def _show(settings: Settings) -> int:
    name, client = settings.environment.name, session(settings).client
    waits = 0
    for stack_name in settings.stacks:
        stack = find(client("cloudformation"), stack_name)
        if stack is None:
            print(f"{stack_name} is not deployed: make deploy ENV={name} creates it.")
        else:
            waits += not state_of(stack).changeable
            print(explained(client("cloudformation"), stack, name))
    for line in leftovers(client, settings.stacks):
        print(line)
    return int(waits > 0)


main = for_environment(
    "stacks", _show, interrupted="nothing is known. It changes nothing: run it again."
)
