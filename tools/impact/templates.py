"""Both sides of a comparison: what their templates hold, and where they differ."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from tools.assembly import Stack
from tools.command import Answer

# A reference in comparable text: stack, logical id and attribute.
TOKEN = re.compile(r"⟦([\w-]+)/([\w:]+)(?:\.([\w.]+))?⟧")
_IN_SUB = re.compile(r"\$\{([^!}][^}]*)\}")


class ImpactError(Answer):
    """Why no verdict can be given: what is wrong, where, and what to do instead."""


class Address(NamedTuple):
    """Where a resource is: its stack's name and its logical id."""

    stack: str
    name: str


@dataclass(frozen=True)
class Leaf:
    """One JSON path whose values differ; None where there is none."""

    path: str
    before: Any
    after: Any


class Side:
    """The stacks of an environment on one side. ``label`` names it in the report."""

    def __init__(self, label: str, stacks: Mapping[str, Stack]) -> None:
        """``stacks`` are by name."""
        self.label = label
        self.stacks = stacks
        self.resources: dict[Address, dict[str, Any]] = {
            Address(stack.name, name): body
            for stack in stacks.values()
            for name, body in stack.body.get("Resources", {}).items()
        }

    def properties(self, address: Address) -> dict[str, Any]:
        """A resource's properties, references as text."""
        found: dict[str, Any] = self.plain(
            address.stack, self.resources[address].get("Properties", {})
        )
        return found

    @cached_property
    def exports(self) -> dict[str, tuple[str, Any]]:
        """The name of each export -> the stack that exports it, and the value."""
        found = {}
        for stack in self.stacks.values():
            for output in stack.body.get("Outputs", {}).values():
                name = self._text(stack.name, output.get("Export", {}).get("Name"))
                found[name] = (stack.name, output.get("Value"))
        return found

    @cached_property
    def imported(self) -> dict[str, list[str]]:
        """The name of each export -> the stacks that import it (Fn::ImportValue)."""
        found: dict[str, list[str]] = {}
        for stack in self.stacks.values():
            for argument in _arguments(stack.body, "Fn::ImportValue"):
                found.setdefault(self._text(stack.name, argument), []).append(stack.name)
        return found

    def plain(self, stack: str, value: Any) -> Any:
        """A value in which each reference is text, however it is written and to whatever stack."""
        match value:
            case list():
                return [self.plain(stack, item) for item in value]
            case dict() if len(value) == 1:
                ((function, argument),) = value.items()
                found = self._function(stack, function, argument)
                return {function: self.plain(stack, argument)} if found is None else found
            case dict():
                return {key: self.plain(stack, item) for key, item in value.items()}
        return value

    def _function(self, stack: str, function: str, argument: Any) -> Any:
        match function, argument:
            case "Ref", str():
                return f"⟦{stack}/{argument}⟧"
            case "Fn::GetAtt", [str() as name, str() as attribute]:
                return f"⟦{stack}/{name}.{attribute}⟧"
            case "Fn::GetAtt", str():
                return f"⟦{stack}/{argument}⟧"
            case "Fn::Join", [str() as between, list() as parts]:
                texts = [self.plain(stack, part) for part in parts]
                if all(isinstance(text, str) for text in texts):
                    return between.join(texts)
            case "Fn::Sub", str():
                return _IN_SUB.sub(lambda found: f"⟦{stack}/{found[1].strip()}⟧", argument)
        elsewhere = self._elsewhere(stack, function, argument)
        return self.plain(*elsewhere) if elsewhere else None

    def _elsewhere(self, stack: str, function: str, argument: Any) -> tuple[str, Any] | None:
        """The other stack and its value, of a function that reads one that is known."""
        match function, argument:
            case "Fn::ImportValue", _:
                return self.exports.get(self._text(stack, argument))
            case "Fn::GetStackOutput", {"StackName": str() as other, "OutputName": str() as key}:
                outputs = self.stacks[other].body.get("Outputs", {}) if other in self.stacks else {}
                return (other, outputs[key].get("Value")) if key in outputs else None
        return None

    def _text(self, stack: str, value: Any) -> str:
        found = self.plain(stack, value)
        return found if isinstance(found, str) else json.dumps(found, sort_keys=True)


def references(value: Any) -> set[Address]:
    """The resources that a plain value refers to."""
    text = json.dumps(value, ensure_ascii=False)
    return {Address(stack, name) for stack, name, _ in TOKEN.findall(text)}


def differences(before: Any, after: Any, path: str = "") -> Iterator[Leaf]:
    """Each path that differs, as deep as both sides have the same shape."""
    if before == after and json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True):
        return
    if isinstance(before, dict) and isinstance(after, dict) and not _is_function(before, after):
        for name in sorted(before.keys() | after.keys()):
            inner = f"{path}.{name}" if path else name
            yield from differences(before.get(name), after.get(name), inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (was, becomes) in enumerate(zip(before, after, strict=True)):
            yield from differences(was, becomes, f"{path}[{place}]")
    else:
        yield Leaf(path, before, after)


def _is_function(*values: Mapping[str, Any]) -> bool:
    return any(
        len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")) for value in values
    )


def _arguments(value: Any, function: str) -> Iterator[Any]:
    match value:
        case dict():
            for key, item in value.items():
                if key == function:
                    yield item
                yield from _arguments(item, function)
        case list():
            for item in value:
                yield from _arguments(item, function)
