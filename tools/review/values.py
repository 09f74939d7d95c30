"""Values of a template in a form in which two of them can be compared, and be shown.

A reference becomes text, ``${stack/LogicalId}`` or ``${stack/LogicalId.Attribute}``, wherever it
stands and however it is written: Ref, Fn::GetAtt, Fn::Join, Fn::Sub, Fn::ImportValue and
Fn::GetStackOutput of the same thing are the same text. ``true`` and ``"true"`` are one value to
CloudFormation, and so are 7 and ``"7"``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.assembly import Stack

TOKEN = re.compile(r"\$\{([\w-]+)/(\w+)(?:\.([\w.]+))?\}")
NOTHING = "${AWS::NoValue}"
_IN_SUB = re.compile(r"\$\{([^!}][^}]*)\}")


class Reader:
    """Reads the values of one side's stacks; it knows what each output stands for."""

    def __init__(self, stacks: Mapping[str, Stack]) -> None:
        """``stacks`` are by name; an import of anything else keeps its name."""
        self._exports: dict[str, tuple[str, Any]] = {}
        self._outputs: dict[tuple[str, str], tuple[str, Any]] = {}
        for stack in stacks.values():
            for key, output in stack.body.get("Outputs", {}).items():
                self._outputs[stack.name, key] = (stack.name, output["Value"])
                name = self.plain(stack.name, output.get("Export", {}).get("Name", ""))
                if isinstance(name, str) and name:
                    self._exports[name] = (stack.name, output["Value"])

    def plain(self, stack: str, value: Any) -> Any:
        """Text, or lists and dictionaries of it; what only AWS can work out keeps its function."""
        match value:
            case None:
                return ""
            case bool():
                return str(value).lower()
            case int() | float():
                return f"{value:g}" if isinstance(value, float) else str(value)
            case str():
                return value
            case list():
                items = [self.plain(stack, item) for item in value]
                return [item for item in items if item != NOTHING]
            case dict() if len(value) == 1:
                ((function, argument),) = value.items()
                return self._function(stack, function, argument)
        return self._dictionary(stack, value)

    def _dictionary(self, stack: str, value: Mapping[str, Any]) -> dict[str, Any]:
        items = {key: self.plain(stack, item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item != NOTHING}

    def _function(self, stack: str, function: str, argument: Any) -> Any:
        match function, argument:
            case "Ref", str():
                return _token(stack, argument)
            case "Fn::GetAtt", [str() as name, str() as attribute]:
                return f"${{{stack}/{name}.{attribute}}}"
            case "Fn::GetAtt", str():
                return f"${{{stack}/{argument}}}"
            case "Fn::Join", [str() as between, list() as parts]:
                texts = [self.plain(stack, part) for part in parts]
                if all(isinstance(text, str) for text in texts):
                    return between.join(texts)
            case "Fn::Sub", str():
                return self._substituted(stack, argument, {})
            case "Fn::Sub", [str() as text, dict() as names]:
                return self._substituted(stack, text, names)
        elsewhere = self._elsewhere(stack, function, argument)
        return (
            self.plain(*elsewhere) if elsewhere else self._dictionary(stack, {function: argument})
        )

    def _elsewhere(self, stack: str, function: str, argument: Any) -> tuple[str, Any] | None:
        """The other stack and its value, of a function that asks for one that is known."""
        match function, argument:
            case "Fn::ImportValue", _:
                name = self.plain(stack, argument)
                return self._exports.get(name) if isinstance(name, str) else None
            case "Fn::GetStackOutput", {"StackName": str() as other, "OutputName": str() as key}:
                return self._outputs.get((other, key))
        return None

    def _substituted(self, stack: str, text: str, names: Mapping[str, Any]) -> str:
        def found(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name not in names:
                return _token(stack, name)
            value = self.plain(stack, names[name])
            return value if isinstance(value, str) else json.dumps(value, sort_keys=True)

        return _IN_SUB.sub(found, text)


def _token(stack: str, name: str) -> str:
    return f"${{{name}}}" if name.startswith("AWS::") else f"${{{stack}/{name}}}"


def texts(value: Any) -> Iterator[str]:
    """Every text in a plain value, keys left out."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from texts(item)
        case dict():
            for item in value.values():
                yield from texts(item)


def references(value: Any) -> set[tuple[str, str]]:
    """The resources that a plain value refers to: stack and logical id."""
    return {(stack, name) for text in texts(value) for stack, name, _ in TOKEN.findall(text)}


def number(value: Any) -> float | None:
    """The number that a plain value is, if it is one."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
