"""Functions of ours in the place of ministack's."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])
_PATCHES: list[tuple[Callable[..., Any], Any, tuple[str, ...]]] = []


def instead_of(module: Any, *path: str) -> Callable[[_Function], _Function]:
    """Have a function take the place of a module's, or of a table's; it is given that one first.

    Nothing is looked up before `apply`: another version of ministack may lack it.
    """

    def register(function: _Function) -> _Function:
        _PATCHES.append((function, module, path))
        return function

    return register


def apply() -> None:
    """Put each function in its place, in the order of their modules."""
    for function, owner, (*tables, name) in _PATCHES:
        for table in tables:
            owner = owner[table] if isinstance(owner, dict) else getattr(owner, table)
        if isinstance(owner, dict):
            owner[name] = partial(function, owner[name])
        else:
            setattr(owner, name, partial(function, getattr(owner, name)))
