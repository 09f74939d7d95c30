"""Changes made on our own synthesised templates, and what the impact says of them."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tests.support import Document, Stacks
from tools.assembly import Asset
from tools.impact.acknowledged import Acknowledgement, What
from tools.impact.verdict import Impact, Question, judge

DATA = "vibewell-redis-production-data"
MONITORING = "vibewell-redis-production-monitoring"
OPERATIONS = "vibewell-redis-production-operations"

GROUP = "AWS::ElastiCache::ReplicationGroup"
ALARM = "AWS::CloudWatch::Alarm"
FUNCTION = "AWS::Lambda::Function"
TOPIC = "AWS::SNS::Topic"
SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type
ROLE = "AWS::IAM::Role"

Change = Callable[["World"], object]


class World:
    """Production's templates as a change may leave them: a copy that a test edits."""

    def __init__(self, stacks: Stacks) -> None:
        self.stacks = {
            name: replace(one, body=copy.deepcopy(one.body), artifact=copy.deepcopy(one.artifact))
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

    def ref(self, kind: str, **wanted: Any) -> Document:
        return {"Ref": self.where(kind, **wanted)[1]}

    def remove(self, kind: str, **wanted: Any) -> None:
        """Take the resource out of its template."""
        stack, name, _ = self.where(kind, **wanted)
        del self.stacks[stack].resources[name]

    def add(self, stack: str, name: str, kind: str, **properties: Any) -> None:
        """Add a resource."""
        self.stacks[stack].resources[name] = {"Type": kind, "Properties": properties}


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return wanted in value
    return bool(value == wanted)


def judged(before: Stacks, *changes: Change, entries: Any = (), spent: Any = ()) -> Impact:
    """The impact of a change of ``before``."""
    head = World(before)
    for change in changes:
        change(head)
    return judge("production", ("base", before), ("head", head.stacks), entries, spent)


def question(impact: Impact, what: What, kind: str) -> Question:
    """The one question of a sort about a resource of a type, or about a stack where it is ""."""
    sides = (impact.base, impact.head)
    (found,) = [
        one
        for one in impact.questions
        if one.what is what
        and kind in {side.resources.get(one.address, {}).get("Type", "") for side in sides}
    ]
    return found


def entry_for(asked: Question, reason: str) -> Acknowledgement:
    """What a change adds to docs/acknowledged.toml for a question."""
    stack, resource, what = asked.key
    return Acknowledgement(
        environment="production",
        stack=stack,
        resource=resource,
        what=What(what),
        difference=asked.difference,
        reason=reason,
    )


def with_code(folder: Path, function: str, files: Mapping[str, str | None]) -> Change:
    """A function's package with other files in it, as an asset; None takes a file out."""

    def change(world: World) -> None:
        stack, _, body = world.where(FUNCTION, FunctionName=function)
        one, code = world.stacks[stack], body["Properties"]["Code"]
        with ZipFile(one.assets[code["S3Key"]].file) as package:
            contents = {name: package.read(name) for name in package.namelist()}
        contents |= {name: (text or "").encode() for name, text in files.items()}
        archive = folder / "code.zip"
        with ZipFile(archive, "w") as package:
            for name, text in contents.items():
                if files.get(name, "") is not None:
                    package.writestr(name, text)
        key = f"{sha256(archive.read_bytes()).hexdigest()}.zip"
        assets = {**one.assets, key: Asset(archive, code["S3Bucket"])}
        world.stacks[stack] = replace(one, assets=assets)
        code["S3Key"] = key

    return change
