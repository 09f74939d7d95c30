"""Changes made on our own synthesised templates, and what the review says of them."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from tests.support import Document, Stacks
from tools.assembly import Stack
from tools.review.findings import Finding, What
from tools.review.verdict import Review, judge

DATA = "vibewell-redis-production-data"
MONITORING = "vibewell-redis-production-monitoring"
OPERATIONS = "vibewell-redis-production-operations"

GROUP = "AWS::ElastiCache::ReplicationGroup"
ALARM = "AWS::CloudWatch::Alarm"

Change = Callable[["World"], None]


class World:
    """Production's templates as a change may leave them: a copy that a test edits."""

    def __init__(self, stacks: Stacks) -> None:
        self.stacks = {
            name: Stack(name, copy.deepcopy(one.body), copy.deepcopy(one.artifact), [])
            for name, one in stacks.items()
        }

    def resources(self, kind: str) -> Iterator[tuple[str, str, Document]]:
        """Stack, logical id and body of each resource of a type."""
        for stack in self.stacks.values():
            for name, body in stack.resources.items():
                if body["Type"] == kind:
                    yield stack.name, name, body

    def where(self, kind: str, **wanted: Any) -> tuple[str, str, Document]:
        """The first resource of a type whose properties are these; text may be a part."""
        for stack, name, body in self.resources(kind):
            properties = body.get("Properties", {})
            if all(_fits(properties.get(key), value) for key, value in wanted.items()):
                return stack, name, body
        raise AssertionError(f"no {kind} with {wanted}")

    def of(self, kind: str, **wanted: Any) -> Document:
        """Its properties, to be changed."""
        properties: Document = self.where(kind, **wanted)[2].setdefault("Properties", {})
        return properties

    def remove(self, kind: str, **wanted: Any) -> None:
        """Take the resource out of its template."""
        stack, name, _ = self.where(kind, **wanted)
        del self.stacks[stack].resources[name]

    def rename(self, kind: str, **wanted: Any) -> None:
        """Give it another logical id, and let whatever refers to it follow."""
        stack, name, _ = self.where(kind, **wanted)
        body = self.stacks[stack].body

        def follow(value: Any) -> Any:
            match value:
                case {"Ref": str(target)} if target == name:
                    return {"Ref": f"{name}New"}
                case {"Fn::GetAtt": [str(target), attribute]} if target == name:
                    return {"Fn::GetAtt": [f"{name}New", attribute]}
                case dict():
                    return {key: follow(one) for key, one in value.items()}
                case list():
                    return [follow(one) for one in value]
            return value

        body["Resources"] = {
            (f"{name}New" if key == name else key): follow(one)
            for key, one in body["Resources"].items()
        }
        body["Outputs"] = follow(body.get("Outputs", {}))

    def add(self, stack: str, name: str, kind: str, **properties: Any) -> None:
        """Add a resource."""
        self.stacks[stack].resources[name] = {"Type": kind, "Properties": properties}


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return wanted in value
    return bool(value == wanted)


def reviewed(before: Stacks, *changes: Change) -> Review:
    """The review of a change of ``before``."""
    head = World(before)
    for change in changes:
        change(head)
    return judge("production", ("base", before), ("head", head.stacks))


def found(review: Review, what: What, kind: str) -> list[Finding]:
    """What the review refuses of one sort for resources of one type."""
    return [one for one in review.open if one.what is what and one.kind == kind]
