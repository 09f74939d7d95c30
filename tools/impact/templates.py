"""Both sides of a comparison: the templates' content, and where it differs."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from tools.assembly import Asset, Document, Stack

# A reference in comparable text: stack, logical id and attribute.
TOKEN = re.compile(r"⟦([\w-]+)/([\w:]+)(?:\.([\w.]+))?⟧")
_IN_SUB = re.compile(r"\$\{([^!}][^}]*)\}")


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
    """The stacks of an environment on one side, by name. ``label`` names it in the report."""

    def __init__(self, label: str, stacks: Mapping[str, Stack]) -> None:
        self.label = label
        self.stacks = stacks
        self.resources: dict[Address, Document] = {
            Address(stack.name, name): body
            for stack in stacks.values()
            for name, body in stack.body.get("Resources", {}).items()
        }
        self.outputs: dict[tuple[str, str], Document] = {
            (stack.name, name): output
            for stack in stacks.values()
            for name, output in stack.body.get("Outputs", {}).items()
        }
        # Name of each export -> the stack that has it, and the output.
        self.exports: dict[str, tuple[str, Document]] = {
            str(output.get("Export", {}).get("Name")): (stack, output)
            for (stack, _), output in self.outputs.items()
        }

    @cached_property
    def texts(self) -> dict[str, str]:
        """Each template as text."""
        return {name: json.dumps(stack.body) for name, stack in self.stacks.items()}

    def of(self, kind: str) -> list[Address]:
        """The resources of a type."""
        return [place for place, body in self.resources.items() if body.get("Type") == kind]

    def properties(self, address: Address) -> Document:
        """A resource's properties, references as text; empty where there is no such resource."""
        body = self.resources.get(address, {})
        found: Document = self.plain(address.stack, body.get("Properties", {}))
        return found

    def asset(self, function: Address) -> Asset | None:
        """The file of the assembly that a function's code is."""
        code = self.properties(function).get("Code")
        key = code.get("S3Key") if isinstance(code, dict) else None
        stack = self.stacks.get(function.stack)
        return stack.assets.get(str(key)) if stack else None

    def importing(self, export: str) -> str:
        """The stacks that import an export (Fn::ImportValue), as text."""
        wanted = json.dumps({"Fn::ImportValue": export})[1:-1]
        return ", ".join(name for name, text in self.texts.items() if wanted in text)

    def plain(self, stack: str, value: Any) -> Any:
        """A value in which each reference is text, however it is written and to whatever stack."""
        match value:
            case list():
                return [self.plain(stack, item) for item in value]
            case {"Ref": str(name)} | {"Fn::GetAtt": str(name)}:
                return f"⟦{stack}/{name}⟧"
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return f"⟦{stack}/{name}.{attribute}⟧"
            case {"Fn::Sub": str(text)}:
                return _IN_SUB.sub(lambda found: f"⟦{stack}/{found[1].strip()}⟧", text)
            case {"Fn::Join": [str(between), list(parts)]}:
                texts = self.plain(stack, parts)
                if all(isinstance(text, str) for text in texts):
                    return between.join(texts)
            case {"Fn::ImportValue": str(name)} if name in self.exports:
                other, output = self.exports[name]
                return self.plain(other, output.get("Value"))
            case {"Fn::GetStackOutput": {"StackName": str(other), "OutputName": str(key)}}:
                found = self.outputs.get((other, key))
                return self.plain(other, found.get("Value")) if found else value
        if isinstance(value, dict):
            return {key: self.plain(stack, item) for key, item in value.items()}
        return value


def references(value: Any) -> set[Address]:
    """The resources that a plain value refers to."""
    text = json.dumps(value, ensure_ascii=False)
    return {Address(stack, name) for stack, name, _ in TOKEN.findall(text)}


def leaves(base: Side, head: Side, stack: str, before: Any, after: Any) -> Iterator[Leaf]:
    """Each path that differs, also within JSON text; values have references as text."""
    for path, *values in differences(before, after):
        was, becomes = base.plain(stack, values[0]), head.plain(stack, values[1])
        documents = _document(was), _document(becomes)
        inner = [] if None in documents else list(differences(*documents, path))
        yield from inner or [Leaf(path, was, becomes)]


def differences(before: Any, after: Any, path: str = "") -> Iterator[Leaf]:
    """Each path that differs, as deep as both sides have the same shape; tags by their key."""
    if before == after and json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True):
        return
    if path == "Properties.Tags":
        before, after = _by_key(before), _by_key(after)
    if isinstance(before, dict) and isinstance(after, dict) and not _is_function(before, after):
        for name in sorted(before.keys() | after.keys()):
            step = json.dumps(name) if "." in name else name  # no name is taken for a path
            inner = f"{path}.{step}" if path else step
            yield from differences(before.get(name), after.get(name), inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (was, becomes) in enumerate(zip(before, after, strict=True)):
            yield from differences(was, becomes, f"{path}[{place}]")
    else:
        yield Leaf(path, before, after)


def _by_key(tags: Any) -> Any:
    try:
        found = {one["Key"]: one["Value"] for one in tags or []}
        whole = [{"Key": str(key), "Value": found[key]} for key in found]
    except (LookupError, TypeError):
        return tags
    return found if whole == list(tags or []) else tags


def _is_function(*values: Mapping[str, Any]) -> bool:
    return any(
        len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")) for value in values
    )


def _document(value: Any) -> Any:
    try:
        found = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None
