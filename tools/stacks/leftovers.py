"""What creations that failed left behind, each with the command that removes it.

CloudFormation keeps the events of a deleted stack for 90 days. What a stack left that had been
created is not listed: its key may be what reads the snapshots that are left of its data.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from tools.assembly import Document
from tools.stacks.states import events, is_of_stack

_ENDED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "DELETE_COMPLETE")


def _key_is_there(client: Any, key: str) -> bool:
    return bool(client.describe_key(KeyId=key)["KeyMetadata"].get("KeyState") != "PendingDeletion")


def _bucket_is_there(client: Any, bucket: str) -> bool:
    return bool(client.head_bucket(Bucket=bucket))


# The service, whether the resource is still there, and how it is removed. A bucket is removed only
# when it is empty, and a key 30 days later, until when it can be had back.
_REMOVED: dict[str, tuple[str, Callable[[Any, str], bool], str]] = {
    "AWS::KMS::Key": (
        "kms",
        _key_is_there,
        "aws kms schedule-key-deletion --pending-window-in-days 30 --key-id {}",
    ),
    "AWS::S3::Bucket": ("s3", _bucket_is_there, "aws s3 rb s3://{}"),
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
            service, is_there, command = _REMOVED[kind]
            if _exists(is_there, client(service), name):
                yield f"{says} If nothing uses it, remove it:"
                yield f"  {command.format(name)}"


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


def _exists(is_there: Callable[[Any, str], bool], client: Any, name: str) -> bool:
    try:
        return is_there(client, name)
    except ClientError as failure:
        if failure.response["Error"]["Code"] not in ("403", "404", "NotFoundException"):
            raise
        return False
