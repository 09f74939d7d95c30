"""CloudFormation: operations on a type that fail once, or last until they are released."""
# ruff: noqa: SLF001 - another package's private names are its matter

import contextvars
import threading
from collections.abc import Callable
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


def _begin(operation: Operation) -> None:
    if event := _held.get(operation):
        event.wait(_LONGEST)
    if operation in _failing:
        _failing.remove(operation)
        raise ValueError(_REASON)


def _failing_when_asked(original: Callable[..., Any], name: str) -> Callable[..., Any]:
    def act(kind: str, *rest: Any) -> Any:
        _begin((kind, "revert" if name == "update" and _REVERTING.get() else name))
        return original(kind, *rest)

    return act


def install() -> None:
    """Ask before each operation on a resource."""
    stacks._provision_resource = _failing_when_asked(stacks._provision_resource, "create")
    stacks._update_resource = _failing_when_asked(stacks._update_resource, "update")
    stacks._delete_resource = _failing_when_asked(stacks._delete_resource, "delete")
    revert = stacks._revert_update

    async def reverted(*of_resource: Any) -> None:
        token = _REVERTING.set(True)
        try:
            await revert(*of_resource)
        finally:
            _REVERTING.reset(token)

    stacks._revert_update = reverted
