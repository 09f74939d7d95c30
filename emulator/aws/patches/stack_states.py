"""CloudFormation: what a stack takes in which state, what a deleted one leaves, its exports.

ministack creates a stack over one whose creation failed, makes a new stack of one in review, and
takes changes while an operation runs. It lets an update change or remove an export that another
stack imports, and refuses only to delete the stack. All four would hide what users of AWS run into.
"""
# ruff: noqa: SLF001 - another package's private names are its matter

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ministack.services import secretsmanager  # type: ignore[import-not-found]
from ministack.services.cloudformation import (  # type: ignore[import-not-found]
    _change_sets,
    _exports,
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


def _create_change_set(original: Handler, parameters: Parameters) -> Answer:
    """Refused in AWS's words: aws/aws-sam-cli issue 4230; localstack's snapshots of AWS."""
    stack = _known(parameters)
    if stack is None:
        return original(parameters)
    name, status = stack["StackName"], stack["StackStatus"]
    if helpers._p(parameters, "ChangeSetType", "UPDATE") != "CREATE":
        if status in _UPDATABLE:
            return original(parameters)
        return _refused(f"Stack:{stack['StackId']} is in {status} state and can not be updated.")
    if status == "REVIEW_IN_PROGRESS":
        return _still_in_review(stack, original(parameters))
    change_set = helpers._p(parameters, "ChangeSetName")
    return _refused(
        f"Stack [{name}] already exists and cannot be created again with the changeSet "
        f"[{change_set}]."
    )


def _still_in_review(stack: Parameters, answer: Answer) -> Answer:
    """The stack stays the one it is, with its protection: ministack has put a new one there."""
    new = _stacks.get(stack["StackName"])
    _stacks[stack["StackName"]] = stack
    if new is None or new is stack:
        return answer
    _stack_events.pop(new["StackId"])
    for change_set in _change_sets.values():
        if change_set["StackId"] == new["StackId"]:
            change_set["StackId"] = stack["StackId"]
    status, headers, body = answer
    return status, headers, body.replace(new["StackId"].encode(), stack["StackId"].encode())


def _create_stack(original: Handler, parameters: Parameters) -> Answer:
    stack = _known(parameters)
    if stack is None:
        return original(parameters)
    name = stack["StackName"]
    return _refused(f"Stack [{name}] already exists", code="AlreadyExistsException")


def _delete_stack(original: Handler, parameters: Parameters) -> Answer:
    stack = handlers._resolve_stack(helpers._p(parameters, "StackName"))
    status = stack["StackStatus"] if stack else ""
    if status.startswith("UPDATE_") and status.endswith("_IN_PROGRESS"):
        return _refused(f"Stack [{stack['StackId']}] cannot be deleted while in status {status}")
    return original(parameters)


def _known(parameters: Parameters) -> Parameters | None:
    """The stack of a request, unless it is deleted: then it stays under its id, to be listed."""
    stack: Parameters | None = handlers._resolve_stack(helpers._p(parameters, "StackName"))
    if stack is None or stack["StackStatus"] != _DELETED:
        return stack
    _stacks[stack["StackId"]] = stack
    return None


def _refused(message: str, code: str = "ValidationError") -> Answer:
    answer: Answer = helpers._error(code, message)
    return answer


def _patch_secrets() -> None:
    """CloudFormation's messages about a secret's shape name neither secret nor key.

    aws-cloudformation/cloudformation-coverage-roadmap issue 1822; ministack names both.
    """
    resolve = engine._resolve_dynamic_reference

    def resolved(literal: str) -> str:
        reference = engine._DYNAMIC_REFERENCE.fullmatch(literal)
        try:
            value: str = resolve(literal)
        except ValueError:
            secret, _, key = reference[2].partition(":SecretString:")
            text = secretsmanager.resolve_secret_string(secret, "AWSCURRENT", None)
            if reference[1] != "secretsmanager" or not key or text is None:
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
    """Resources that a failed rollback could not delete stay in the stack: ministack drops them."""
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


def _importers(export: str) -> Iterator[str]:
    for name, stack in _stacks.items():
        status = stack["StackStatus"]
        exists = status.endswith("_COMPLETE") and status not in (_DELETED, "ROLLBACK_COMPLETE")
        if exists and export in handlers._imported_export_names(stack, name):
            yield name


def _patch_exports() -> None:
    """An export that another stack imports neither changes nor goes (Fn::ImportValue).

    Compared when the outputs are computed, all resources being done: where AWS fails too
    (linz/geostore issue 630: 10 of 11). In AWS's words as users report them: aws-samples/
    generative-ai-use-cases issue 1232 and aws/aws-cdk issue 33395, both of 2025; earlier it was
    "Export X cannot be updated as it is in use by Y".
    """
    resolve = stacks._resolve_stack_outputs

    def resolve_unless_in_use(*of_stack: Any) -> tuple[list[Parameters], dict[str, Parameters]]:
        outputs, after = resolve(*of_stack)
        stack_id = of_stack[-1]
        before = {name: old for name, old in _exports.items() if old["StackId"] == stack_id}
        for name, export in before.items():
            verb = "update" if name in after else "delete"
            importer = next(_importers(name), None)
            if importer and (verb == "delete" or after[name]["Value"] != export["Value"]):
                raise ValueError(
                    f"{verb.capitalize()} canceled. Cannot {verb} export {name} as it is in use by "
                    f"{importer}."
                )
        for gone in before.keys() - after.keys():
            _exports.pop(gone)
        return outputs, after

    stacks._resolve_stack_outputs = resolve_unless_in_use


def install() -> None:
    """Take and refuse as CloudFormation does, and send a resource back that failed to update."""
    for action, respond in (
        ("CreateChangeSet", _create_change_set),
        ("CreateStack", _create_stack),
        ("DeleteStack", _delete_stack),
    ):
        original = handlers._ACTION_HANDLERS[action]
        handlers._ACTION_HANDLERS[action] = partial(respond, original)
    # AWS sends the previous properties to it too: what it changed before it failed is unknown.
    stacks._sends_back_failed_update = lambda _kind: True
    _patch_rollbacks()
    _patch_secrets()
    _patch_exports()
