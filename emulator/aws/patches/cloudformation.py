"""CloudFormation: types and their names, snapshots, planned failures, states and exports.

A planned failure is of one operation on a type: it fails once, or lasts until it is released.

ministack creates a stack over one whose creation failed, makes a new stack of one in review, and
takes changes while an operation runs. It lets an update change or remove an export that another
stack imports, and refuses only to delete the stack. All four would hide what users of AWS run into.
"""
# ruff: noqa: SLF001 - another package's private names are its matter

import contextvars
import hashlib
import json
import threading
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
    provisioners,
    stacks,
)

from emulator.aws.patches.instead import instead_of

Record = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[Record], Answer]


def resource_name(stack_name: str, logical_id: str, *, max_len: int = 128, **style: bool) -> str:
    """A generated physical name as CloudFormation makes one: fresh with each creation of a stack.

    ministack derives it from the stack's name alone, so what an earlier stack of that name
    retained would collide with the next one's, which on AWS it does not.
    """
    seed = provisioners._NAME_SEED.get() if style.get("seeded", True) else ""
    born = _stacks[stack_name]["StackId"]
    suffix = hashlib.sha256(f"{born}:{logical_id}:{seed}".encode()).hexdigest()[:12]
    name = f"{f'{stack_name}-{logical_id}-'[: max_len - len(suffix)]}{suffix.upper()}"
    return name.lower() if style.get("lowercase") else name


def register(kind: Any) -> None:
    """Make CloudFormation deploy a type of emulator/aws/cfn_types."""

    def create(logical_id: str, properties: Record, stack_name: str) -> tuple[str, Record]:
        created: tuple[str, Record] = kind.create(
            properties, partial(resource_name, stack_name, logical_id)
        )
        return created

    def update(physical_id: str, old: Record, new: Record, _stack: str) -> tuple[str, Record]:
        return physical_id, kind.update(physical_id, old, new)

    handler = {"create": create, "update": update, "delete": kind.delete}
    if hasattr(kind, "snapshot"):
        handler["snapshot"] = kind.snapshot
    provisioners._RESOURCE_HANDLERS[kind.name] = handler
    provisioners._REPLACING_PROPERTIES[kind.name] = kind.create_only
    provisioners._CUSTOM_NAME_REPLACEMENT.pop(kind.name, None)
    if kind.custom_name:
        provisioners._CUSTOM_NAME_REPLACEMENT[kind.name] = {"name": kind.custom_name}
    _ON_A_THREAD.add(kind.name)


def before_create(resource_type: str, check: Callable[[Record], None]) -> None:
    """Run `check` with the properties before ministack's own handler creates the resource."""
    around(
        resource_type, before=lambda _id, properties, exists: None if exists else check(properties)
    )
    _ON_A_THREAD.add(resource_type)


def around(
    resource_type: str,
    *,
    before: Callable[[str, Record, bool], object] = lambda *_: None,
    after: Callable[[str, Record], object] = lambda *_: None,
) -> None:
    """Run functions before and after ministack's own handler creates or updates a resource.

    `before` takes its id, the logical one at a creation, the new properties, and whether it
    exists; `after` takes the physical id and the new properties.
    """
    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    create, update = handler["create"], handler.get("update")

    def creating(logical_id: str, properties: Record, *rest: Any) -> Any:
        before(logical_id, properties, False)
        created = create(logical_id, properties, *rest)
        after(created[0], properties)
        return created

    def updating(physical_id: str, old: Record, new: Record, *rest: Any, **more: Any) -> Any:
        before(physical_id, new, True)
        updated: Any = update(physical_id, old, new, *rest, **more)
        after(updated[0], new)
        return updated

    handler["create"] = creating
    if update is not None:
        handler["update"] = updating


# Handlers that call the embedded AWS over its API wait for the loop that would answer them.
_ON_A_THREAD: set[str] = set()


_SNAPSHOT_FIRST: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "snapshot_first", default=False
)


@instead_of(stacks, "_resource_policy")
def _policy(policy_of: Any, *of_resource: Any) -> str:
    value: str = policy_of(*of_resource)
    _SNAPSHOT_FIRST.set(value == "Snapshot")
    return value


@instead_of(stacks, "_delete_resource")
def _delete_resource(
    delete: Any, kind: str, physical_id: str, properties: Record, *rest: Any
) -> None:
    """With events of what an update deletes at its end, and a snapshot that the policy asks for.

    ministack takes none on replacement, nor when a creation is rolled back. That CloudFormation
    takes one in a rollback too: go-to-k/cdkd issue 1358, seen on AWS.
    """
    stack_name, logical_id = rest
    stack = _stacks.get(stack_name, {})

    def add_event(status: str) -> None:
        if stack.get("StackStatus") == "UPDATE_IN_PROGRESS":
            stacks._add_event(
                stack["StackId"], stack_name, logical_id, kind, status, physical_id=physical_id
            )

    add_event("DELETE_IN_PROGRESS")
    if _SNAPSHOT_FIRST.get():
        provisioners._snapshot_resource(kind, physical_id, properties)
    delete(kind, physical_id, properties, *rest)
    add_event("DELETE_COMPLETE")


_LONGEST = 120  # seconds that an operation lasts at most without a release
_REASON = "The rehearsal let this operation fail"

Operation = tuple[str, str]
_failing: list[Operation] = []
_held: dict[Operation, threading.Event] = {}
_REVERTING: contextvars.ContextVar[bool] = contextvars.ContextVar("reverting", default=False)


def fail_once(kind: str, operation: str) -> None:
    """The next `operation` on a resource of type `kind` fails.

    Operations are create, update, delete, and revert: an update in the rollback of an update.
    """
    _failing.append((kind, operation))


def hold(kind: str, operation: str) -> None:
    """The next operation lasts until `release`; for types that are deployed on a thread."""
    _held[kind, operation] = threading.Event()


def release() -> list[Operation]:
    """Let every operation go on that is held; forget, and return, failures that never came."""
    for event in _held.values():
        event.set()
    _held.clear()
    never = list(_failing)
    _failing.clear()
    return never


def _operate(name: str, original: Callable[..., Any], kind: str, *rest: Any) -> Any:
    operation = kind, "revert" if name == "update" and _REVERTING.get() else name
    if event := _held.get(operation):
        event.wait(_LONGEST)
    if operation in _failing:
        _failing.remove(operation)
        raise ValueError(_REASON)
    return original(kind, *rest)


@instead_of(stacks, "_revert_update")
async def _revert_update(revert: Any, *of_resource: Any) -> None:
    token = _REVERTING.set(True)
    try:
        await revert(*of_resource)
    finally:
        _REVERTING.reset(token)


# Two of them are paused: an operation that failed without being rolled back.
_UPDATABLE = (
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
    *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED"),
)
_DELETED = "DELETE_COMPLETE"


@instead_of(handlers, "_ACTION_HANDLERS", "CreateChangeSet")
def _create_change_set(original: Handler, parameters: Record) -> Answer:
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


def _still_in_review(stack: Record, answer: Answer) -> Answer:
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


@instead_of(handlers, "_ACTION_HANDLERS", "CreateStack")
def _create_stack(original: Handler, parameters: Record) -> Answer:
    stack = _known(parameters)
    if stack is None:
        return original(parameters)
    name = stack["StackName"]
    return _refused(f"Stack [{name}] already exists", code="AlreadyExistsException")


@instead_of(handlers, "_ACTION_HANDLERS", "DeleteStack")
def _delete_stack(original: Handler, parameters: Record) -> Answer:
    stack = handlers._resolve_stack(helpers._p(parameters, "StackName"))
    status = stack["StackStatus"] if stack else ""
    if status.startswith("UPDATE_") and status.endswith("_IN_PROGRESS"):
        return _refused(f"Stack [{stack['StackId']}] cannot be deleted while in status {status}")
    return original(parameters)


def _known(parameters: Record) -> Record | None:
    """The stack of a request, unless it is deleted: then it stays under its id, to be listed."""
    stack: Record | None = handlers._resolve_stack(helpers._p(parameters, "StackName"))
    if stack is None or stack["StackStatus"] != _DELETED:
        return stack
    _stacks[stack["StackId"]] = stack
    return None


def _refused(message: str, code: str = "ValidationError") -> Answer:
    answer: Answer = helpers._error(code, message)
    return answer


@instead_of(engine, "_resolve_dynamic_reference")
def _resolve_reference(resolve: Any, literal: str) -> str:
    """CloudFormation's messages about a secret's shape name neither secret nor key.

    aws-cloudformation/cloudformation-coverage-roadmap issue 1822; ministack names both.
    """
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
        raise ValueError("Could not find a value associated with JSONKey in SecretString") from None
    return value


@instead_of(stacks, "_roll_back_operation")
@instead_of(handlers, "_roll_back_operation")
async def _roll_back(
    roll_back: Any, name: str, stack_id: str, stack: Record, operation: Record, **more: str
) -> None:
    """Resources that a failed rollback could not delete stay in the stack: ministack drops them."""
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


def _importers(export: str) -> Iterator[str]:
    for name, stack in _stacks.items():
        status = stack["StackStatus"]
        exists = status.endswith("_COMPLETE") and status not in (_DELETED, "ROLLBACK_COMPLETE")
        if exists and export in handlers._imported_export_names(stack, name):
            yield name


@instead_of(stacks, "_resolve_stack_outputs")
def _resolve_outputs(resolve: Any, *of_stack: Any) -> tuple[list[Record], dict[str, Record]]:
    """An export that another stack imports neither changes nor goes (Fn::ImportValue).

    Compared when the outputs are computed, all resources being done: where AWS fails too
    (linz/geostore issue 630: 10 of 11). In AWS's words as users report them: aws-samples/
    generative-ai-use-cases issue 1232 and aws/aws-cdk issue 33395, both of 2025; earlier it was
    "Export X cannot be updated as it is in use by Y".
    """
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


def install() -> None:
    """Names and threads as CloudFormation has them, and planned failures of each operation."""
    provisioners._physical_name = resource_name
    blocking = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: kind in _ON_A_THREAD or blocking(kind)
    for name, function in (
        ("create", "_provision_resource"),
        ("update", "_update_resource"),
        ("delete", "_delete_resource"),
    ):
        setattr(stacks, function, partial(_operate, name, getattr(stacks, function)))
    # AWS sends the previous properties to it too: what it changed before it failed is unknown.
    stacks._sends_back_failed_update = lambda _kind: True
