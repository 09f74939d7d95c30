"""CloudFormation: its types, their names, snapshots on replacement, and planned failures.

A planned failure is of one operation on a type: it fails once, or lasts until it is released.
"""
# ruff: noqa: SLF001 - another package's private names are its matter

import contextvars
import hashlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from ministack.services.cloudformation import _stacks, provisioners, stacks  # type: ignore[import-not-found]

Record = dict[str, Any]


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


def _patch_removal() -> None:
    """Events of what an update deletes at its end, and a snapshot where the policy asks for one.

    ministack takes none on replacement, nor when a creation is rolled back. That CloudFormation
    takes one in a rollback too: go-to-k/cdkd issue 1358, seen on AWS.
    """
    policy_of, delete = stacks._resource_policy, stacks._delete_resource

    def policy(*of_resource: Any) -> str:
        value: str = policy_of(*of_resource)
        _SNAPSHOT_FIRST.set(value == "Snapshot")
        return value

    def delete_resource(kind: str, physical_id: str, properties: Record, *rest: Any) -> None:
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

    stacks._resource_policy, stacks._delete_resource = policy, delete_resource


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


def _patch_operations() -> None:
    """Ask before each operation on a resource."""
    for name, function in (
        ("create", "_provision_resource"),
        ("update", "_update_resource"),
        ("delete", "_delete_resource"),
    ):
        setattr(stacks, function, partial(_operate, name, getattr(stacks, function)))
    revert = stacks._revert_update

    async def reverted(*of_resource: Any) -> None:
        token = _REVERTING.set(True)
        try:
            await revert(*of_resource)
        finally:
            _REVERTING.reset(token)

    stacks._revert_update = reverted


def install() -> None:
    """Names, threads, snapshots and events as CloudFormation has them."""
    provisioners._physical_name = resource_name
    blocking = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: kind in _ON_A_THREAD or blocking(kind)
    _patch_removal()
    _patch_operations()
