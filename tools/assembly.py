"""A synthesised cloud assembly (cdk.out), as the other tools and the tests read it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the assembly that is put into a bucket before the stack is deployed."""

    file: Path
    bucket: str


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack: its template, what the manifest says of it, what synth warned of, its assets.

    ``assets`` are by object key.
    """

    name: str
    body: Document
    artifact: Document
    warnings: list[str]
    assets: Mapping[str, Asset] = field(default_factory=dict)
    size: int = 0  # bytes of the template's file, as CloudFormation counts them

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


def read(folder: Path) -> dict[str, Stack]:
    """Every stack of the assembly in ``folder``, by name."""
    manifest = json.loads((folder / "manifest.json").read_text())
    return {
        name: Stack(
            name,
            json.loads((folder / artifact["properties"]["templateFile"]).read_text()),
            artifact,
            _warnings(folder, artifact),
            dict(_assets(folder, name)),
            (folder / artifact["properties"]["templateFile"]).stat().st_size,
        )
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }


def _assets(folder: Path, stack: str) -> Iterator[tuple[str, Asset]]:
    file = folder / f"{stack}.assets.json"
    files = json.loads(file.read_text())["files"] if file.exists() else {}
    for asset in files.values():
        for place in asset["destinations"].values():
            yield place["objectKey"], Asset(folder / asset["source"]["path"], place["bucketName"])


def _warnings(folder: Path, artifact: Document) -> list[str]:
    metadata = artifact.get("metadata", {})
    if file := artifact.get("additionalMetadataFile"):
        metadata = metadata | json.loads((folder / file).read_text())
    return [
        entry["data"]
        for entries in metadata.values()
        for entry in entries
        if entry["type"] == "aws:cdk:warning"
    ]
