"""A synthesised cloud assembly (cdk.out), as the other tools and the tests read it."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tools.command import Answer

Document = dict[str, Any]
T = TypeVar("T")
_AGAIN = "Run make synth, which writes it again."


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the assembly that is put into a bucket before the stack is deployed."""

    file: Path
    bucket: str


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack: its template, what the manifest says of it, what synth warned of, its assets.

    ``assets`` are by object key; ``publishing`` has each way in which the CDK uploads them: bucket,
    role, program.
    """

    name: str
    body: Document
    artifact: Document
    warnings: list[str]
    assets: Mapping[str, Asset] = field(default_factory=dict)
    size: int = 0  # bytes of the template's file, as CloudFormation counts them
    publishing: list[Document] = field(default_factory=list)

    @property
    def resources(self) -> dict[str, Document]:
        """Logical id -> resource."""
        resources: dict[str, Document] = self.body["Resources"]
        return resources

    def of_type(self, kind: str) -> dict[str, Document]:
        """Logical id -> properties of each resource of one CloudFormation type."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def one(self, kind: str, **having: str) -> tuple[str, Document]:
        """The logical id and the properties of the one resource of a type that has these values.

        Raises ValueError if it is not one.
        """
        found = self.of_type(kind).items()
        (one,) = ((name, each) for name, each in found if having.items() <= each.items())
        return one

    def only(self, kind: str, **having: str) -> Document:
        """The properties of the resource that `one` finds."""
        return self.one(kind, **having)[1]


def text_of(file: Path, todo: str) -> str:
    """The text of a file that a user may have edited or damaged. Raises Answer, with ``todo``."""
    try:
        return file.read_text(encoding="utf-8-sig")  # as some editors write it
    except OSError as problem:
        raise Answer(f"{_shown(file)}: it cannot be read: {problem.strerror}. {todo}") from None
    except UnicodeDecodeError as problem:
        raise Answer(
            f"{_shown(file)}: it is not UTF-8 text, at byte {problem.start + 1}. {todo}"
        ) from None


def mapping_of(file: Path, todo: str) -> Document:
    """The JSON object in such a file. Raises Answer, with ``todo``."""
    try:
        found = json.loads(text_of(file, todo))
    except json.JSONDecodeError as problem:
        where = f"line {problem.lineno}, {problem.msg}"
        raise Answer(f"{_shown(file)}: it is not JSON: {where}. {todo}") from None
    if not isinstance(found, dict):
        raise Answer(f"{_shown(file)}: it is not a JSON object. {todo}")
    return found


def parsed_of(file: Path, todo: str, parse: Callable[[Document], T]) -> T:
    """What ``parse`` makes of the JSON object. Raises Answer, with ``todo``."""
    document = mapping_of(file, todo)
    try:
        return parse(document)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        why = f"{type(problem).__name__}: {problem}"
        raise Answer(
            f"{_shown(file)}: it has not the content of such a file: {why}. {todo}"
        ) from None


def _shown(file: Path) -> str:
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


def read(folder: Path) -> dict[str, Stack]:
    """Every stack of the assembly in ``folder``, by name. Raises Answer where it is damaged."""
    manifest = folder / "manifest.json"
    return parsed_of(manifest, _AGAIN, lambda found: dict(_stacks(folder, found["artifacts"])))


def _stacks(folder: Path, artifacts: Document) -> Iterator[tuple[str, Stack]]:
    for name, artifact in artifacts.items():
        if artifact["type"] == "aws:cloudformation:stack":
            template = folder / artifact["properties"]["templateFile"]
            assets: dict[str, Asset] = {}
            publishing: list[Document] = []
            body = parsed_of(template, _AGAIN, _template)
            if (file := folder / f"{name}.assets.json").exists():
                assets = parsed_of(file, _AGAIN, lambda found: dict(_assets(folder, found)))
                publishing = parsed_of(file, _AGAIN, _publishing)
            size = template.stat().st_size
            warnings = _warnings(folder, artifact)
            yield name, Stack(name, body, artifact, warnings, assets, size, publishing)


def _template(document: Document) -> Document:
    if not all(isinstance(one["Type"], str) for one in document["Resources"].values()):
        raise TypeError("the type of a resource is not text")
    return document


def _assets(folder: Path, document: Document) -> Iterator[tuple[str, Asset]]:
    for asset in document["files"].values():
        for place in asset["destinations"].values():
            yield place["objectKey"], Asset(folder / asset["source"]["path"], place["bucketName"])


def _publishing(document: Document) -> list[Document]:
    found = [*document.get("dockerImages", {}).values()]
    for asset in document["files"].values():
        source = {name: value for name, value in asset["source"].items() if name != "path"}
        for place in asset["destinations"].values():
            way = {name: value for name, value in place.items() if name != "objectKey"} | source
            found += [way] if way not in found else []
    return sorted(found, key=json.dumps)


def _warnings(folder: Path, artifact: Document) -> list[str]:
    metadata = artifact.get("metadata", {})
    if file := artifact.get("additionalMetadataFile"):
        metadata = metadata | mapping_of(folder / file, _AGAIN)
    return [
        entry["data"]
        for entries in metadata.values()
        for entry in entries
        if entry["type"] == "aws:cdk:warning"
    ]
