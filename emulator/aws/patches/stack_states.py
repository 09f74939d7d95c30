"""CloudFormation: which operation a stack takes in which state, and what a deleted one leaves.

ministack creates a stack over one whose creation failed, makes a new stack of one in review, and
takes changes while an operation runs. All three would hide what users of AWS run into.
"""
# ruff: noqa: SLF001 - another package's private names are its matter

import json
from collections.abc import Callable
from typing import Any

from ministack.services import secretsmanager  # type: ignore[import-not-found]
from ministack.services.cloudformation import (  # type: ignore[import-not-found]
    _change_sets,
    _stack_events,
    _stacks,
    engine,
    handlers,
    helpers,
    stacks,
)

Answer = tuple[int, dict[str, str], bytes]
Parameters = dict[str, Any]
Handler = Callable[[Parameters], Answer]

# Two of them are paused: an operation that failed without being rolled back.
_UPDATABLE = (
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
    *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED"),
)
_DELETED = "DELETE_COMPLETE"


def _create_change_set(original: Handler) -> Handler:
    """Refused in AWS's words: aws/aws-sam-cli issue 4230; localstack's snapshots of AWS."""

    def create(parameters: Parameters) -> Answer:
        stack = _known(parameters)
        if stack is None:
            return original(parameters)
        name, status = stack["StackName"], stack["StackStatus"]
        if helpers._p(parameters, "ChangeSetType", "UPDATE") != "CREATE":
            if status not in _UPDATABLE:
                return _refused(
                    f"Stack:{stack['StackId']} is in {status} state and can not be updated."
                )
            return original(parameters)
        if status != "REVIEW_IN_PROGRESS":
            change_set = helpers._p(parameters, "ChangeSetName")
            return _refused(
                f"Stack [{name}] already exists and cannot be created again with the changeSet "
                f"[{change_set}]."
            )
        answer = original(parameters)
        return _still_in_review(stack, answer)

    return create


def _still_in_review(stack: Parameters, answer: Answer) -> Answer:
    """The stack stays the one it is, with its protection: ministack has put a new one there."""
    made = _stacks.get(stack["StackName"])
    _stacks[stack["StackName"]] = stack
    if made is None or made is stack:
        return answer
    _stack_events.pop(made["StackId"])
    for change_set in _change_sets.values():
        if change_set["StackId"] == made["StackId"]:
            change_set["StackId"] = stack["StackId"]
    status, headers, body = answer
    return status, headers, body.replace(made["StackId"].encode(), stack["StackId"].encode())


def _create_stack(original: Handler) -> Handler:
    def create(parameters: Parameters) -> Answer:
        stack = _known(parameters)
        if stack is None:
            return original(parameters)
        name = stack["StackName"]
        return _refused(f"Stack [{name}] already exists", code="AlreadyExistsException")

    return create


def _delete_stack(original: Handler) -> Handler:
    def delete(parameters: Parameters) -> Answer:
        stack = handlers._resolve_stack(helpers._p(parameters, "StackName"))
        status = stack["StackStatus"] if stack else ""
        if status.startswith("UPDATE_") and status.endswith("_IN_PROGRESS"):
            return _refused(
                f"Stack [{stack['StackId']}] cannot be deleted while in status {status}"
            )
        return original(parameters)

    return delete


def _known(parameters: Parameters) -> Parameters | None:
    """The stack of a request, unless it is deleted: then it is kept under its id, to be listed."""
    stack: Parameters | None = handlers._resolve_stack(helpers._p(parameters, "StackName"))
    if stack is None or stack["StackStatus"] != _DELETED:
        return stack
    _stacks[stack["StackId"]] = stack
    return None


def _refused(message: str, code: str = "ValidationError") -> Answer:
    answer: Answer = helpers._error(code, message)
    return answer


def _patch_secrets() -> None:
    """What CloudFormation says of a secret's shape names neither secret nor key.

    aws-cloudformation/cloudformation-coverage-roadmap issue 1822; ministack names both.
    """
    resolve = engine._resolve_dynamic_reference

    def resolved(literal: str) -> str:
        found = engine._DYNAMIC_REFERENCE.fullmatch(literal)
        try:
            value: str = resolve(literal)
        except ValueError:
            secret, _, key = found[2].partition(":SecretString:")
            text = secretsmanager.resolve_secret_string(secret, "AWSCURRENT", None)
            if found[1] != "secretsmanager" or not key or text is None:
                raise
            try:
                json.loads(text)
            except ValueError:
                raise ValueError("Could not parse SecretString JSON") from None
            raise ValueError(
                "Could not find a value associated with JSONKey in SecretString"
            ) from None
        return value

    engine._resolve_dynamic_reference = resolved


def _patch_rollbacks() -> None:
    """What a failed rollback could not delete stays in the stack: ministack forgets it."""
    roll_back = stacks._roll_back_operation

    async def rolled_back(
        name: str, stack_id: str, stack: Parameters, operation: Parameters, **more: str
    ) -> None:
        await roll_back(name, stack_id, stack, operation, **more)
        if stack["StackStatus"] != "ROLLBACK_FAILED":
            return
        stack["_template"] = operation["template"]
        for logical_id, resource in stack["_rollback_failed"].items():
            stack["_resources"][logical_id] = {
                **resource,
                "LogicalResourceId": logical_id,
                "ResourceStatus": "DELETE_FAILED",
            }

    stacks._roll_back_operation = rolled_back
    handlers._roll_back_operation = rolled_back


def install() -> None:
    """Take and refuse as CloudFormation does, and send a resource back that failed to update."""
    for action, wrap in (
        ("CreateChangeSet", _create_change_set),
        ("CreateStack", _create_stack),
        ("DeleteStack", _delete_stack),
    ):
        handlers._ACTION_HANDLERS[action] = wrap(handlers._ACTION_HANDLERS[action])
    # AWS sends the previous properties to it too: what it changed before it failed is unknown.
    stacks._sends_back_failed_update = lambda _kind: True
    _patch_rollbacks()
    _patch_secrets()
