"""Which resources a change adds, removes and changes, property by property."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tools.review.estate import Address, Estate, Resource
from tools.review.grants import grants
from tools.review.schemas import unordered

CODE = "Code"  # of a function: an asset whose name is the hash of its bytes


class How(StrEnum):
    """What becomes of a resource."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class PropertyChange:
    """One property's values on both sides; None where it is not there."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class ResourceChange:
    """One resource that is not the same on both sides."""

    address: Address
    kind: str
    how: How
    properties: tuple[PropertyChange, ...] = ()
    attributes: tuple[PropertyChange, ...] = ()

    @property
    def new_code(self) -> bool:
        """Whether a function gets other code."""
        return any(one.path.startswith(f"{CODE}.") for one in self.properties)


def differences(base: Estate, head: Estate) -> list[ResourceChange]:
    """Every resource that differs, by stack and logical id."""
    return sorted(_differences(base, head), key=lambda change: (change.address, change.how))


def _differences(base: Estate, head: Estate) -> Iterator[ResourceChange]:
    for address in base.resources.keys() | head.resources.keys():
        before, after = base.resources.get(address), head.resources.get(address)
        if before and (not after or after.kind != before.kind):
            yield ResourceChange(address, before.kind, How.REMOVED)
        if after and (not before or after.kind != before.kind):
            yield ResourceChange(address, after.kind, How.ADDED)
        if before and after and after.kind == before.kind:
            properties = tuple(changed_properties(before, after))
            attributes = tuple(_attributes(before, after))
            if properties or attributes:
                yield ResourceChange(address, after.kind, How.CHANGED, properties, attributes)


def changed_properties(before: Resource, after: Resource) -> Iterator[PropertyChange]:
    """The properties that differ, each at the deepest name that they share."""
    yield from _compared("", comparable(before), comparable(after))


def deepest(change: PropertyChange) -> Iterator[PropertyChange]:
    """The places inside lists of the same length where a change lies, for people to read."""
    pairs: list[tuple[str, Any, Any]] = []
    match change.before, change.after:
        case list() as before, list() as after if len(before) == len(after) and all(
            isinstance(one, dict) for one in before + after
        ):
            pairs = [
                (f"{change.path}[{place}]", *both)
                for place, both in enumerate(zip(before, after, strict=True))
            ]
    inner = [one for path, *both in pairs for one in _compared(path, *both)]
    if not inner:
        yield change
    for one in inner:
        yield from deepest(one)


def comparable(resource: Resource) -> dict[str, Any]:
    """Properties without what means nothing: the order of sets, how a policy is written."""
    return {
        name: _ordered(value) if name in unordered(resource.kind) else _policies(value)
        for name, value in resource.properties.items()
    }


def _compared(path: str, before: Any, after: Any) -> Iterator[PropertyChange]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict) and not _is_function(before, after):
        for name in sorted(before.keys() | after.keys()):
            inner = f"{path}.{name}" if path else name
            yield from _compared(inner, before.get(name), after.get(name))
        return
    yield PropertyChange(path, before, after)


def _is_function(*values: Mapping[str, Any]) -> bool:
    return any(len(value) == 1 and next(iter(value)).startswith("Fn::") for value in values)


def _ordered(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return sorted(value, key=lambda item: json.dumps(item, sort_keys=True))


def _policies(value: Any) -> Any:
    """Each policy document as the sorted lines of what it grants."""
    found = grants(value)
    if found is not None:
        return sorted({str(grant) for grant in found})
    match value:
        case dict():
            return {key: _policies(item) for key, item in value.items()}
        case list():
            return [_policies(item) for item in value]
    return value


def _attributes(before: Resource, after: Resource) -> Iterator[PropertyChange]:
    """What decides how CloudFormation treats the resource; order of creation and notes do not."""
    for name in ("DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy", "Condition"):
        was, becomes = before.attributes.get(name), after.attributes.get(name)
        if was != becomes:
            yield PropertyChange(name, was, becomes)
