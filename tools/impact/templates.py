"""Both sides of a comparison: what their templates hold, and where they differ."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from tools.assembly import Asset, Stack
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


class Leaf(NamedTuple):
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

    def of(self, kind: str) -> list[Address]:
        """The resources of a type."""
        return [place for place, body in self.resources.items() if body["Type"] == kind]

    def properties(self, address: Address) -> dict[str, Any]:
        """A resource's properties, references as text."""
        found: dict[str, Any] = self.plain(
            address.stack, self.resources[address].get("Properties", {})
        )
        return found

    def asset(self, function: Address) -> Asset | None:
        """The file of the assembly that a function's code is."""
        if function not in self.resources:
            return None
        code = self.properties(function).get("Code")
        key = code.get("S3Key") if isinstance(code, dict) else None
        return self.stacks[function.stack].assets.get(str(key))

    @cached_property
    def exports(self) -> dict[str, tuple[str, Any]]:
        """The name of each export -> the stack that exports it, and the value."""
        return {
            self.text(stack.name, output.get("Export", {}).get("Name")): (
                stack.name,
                output.get("Value"),
            )
            for stack in self.stacks.values()
            for output in stack.body.get("Outputs", {}).values()
        }

    def importing(self, stack: str, output: Any) -> str:
        """The stacks that import an output of a stack (Fn::ImportValue), as text."""
        export = self.text(stack, output.get("Export", {}).get("Name"))
        return ", ".join(
            other.name
            for other in self.stacks.values()
            if export in [self.text(other.name, one) for one in _imports(other.body)]
        )

    def plain(self, stack: str, value: Any) -> Any:
        """A value in which each reference is text, however it is written and to whatever stack."""
        match value:
            case list():
                return [self.plain(stack, item) for item in value]
            case dict() if len(value) != 1:
                return {key: self.plain(stack, item) for key, item in value.items()}
            case {"Ref": str(name)} | {"Fn::GetAtt": str(name)}:
                return f"⟦{stack}/{name}⟧"
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return f"⟦{stack}/{name}.{attribute}⟧"
            case {"Fn::Join": [str(between), list(parts)]}:
                texts = self.plain(stack, parts)
                if all(isinstance(text, str) for text in texts):
                    return between.join(texts)
            case {"Fn::Sub": str(text)}:
                return _IN_SUB.sub(lambda found: f"⟦{stack}/{found[1].strip()}⟧", text)
            case _:
                if other := self._elsewhere(stack, value):
                    return self.plain(*other)
        if isinstance(value, dict):
            return {key: self.plain(stack, item) for key, item in value.items()}
        return value

    def _elsewhere(self, stack: str, value: Any) -> tuple[str, Any] | None:
        """The stack and its value, of a function that reads what a stack puts out."""
        match value:
            case {"Fn::ImportValue": name}:
                return self.exports.get(self.text(stack, name))
            case {"Fn::GetStackOutput": {"StackName": str(other), "OutputName": str(key)}}:
                outputs = self.stacks[other].body.get("Outputs", {}) if other in self.stacks else {}
                return (other, outputs[key].get("Value")) if key in outputs else None
        return None

    def text(self, stack: str, value: Any) -> str:
        """A plain value as text."""
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


def _imports(value: Any) -> Iterator[Any]:
    if isinstance(value, dict) and "Fn::ImportValue" in value:
        yield value["Fn::ImportValue"]
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            yield from _imports(item)
