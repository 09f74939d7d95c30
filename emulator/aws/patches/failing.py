"""CloudFormation: operations on a type that fail once, or last until they are released."""
# ruff: noqa: SLF001 - another package's private names are its matter

import contextvars
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from ministack.services.cloudformation import stacks  # type: ignore[import-not-found]

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


def install() -> None:
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
