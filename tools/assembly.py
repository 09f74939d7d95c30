"""A synthesised cloud assembly (cdk.out), as the other tools and the tests read it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack: its template, what the manifest says of it, and what synth warned of."""

    name: str
    body: Document
    artifact: Document
    warnings: list[str]
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

    def only(self, kind: str) -> Document:
        """The properties of the one resource of a type; ValueError if it is not one."""
        (properties,) = self.of_type(kind).values()
        return properties


def read(folder: Path) -> dict[str, Stack]:
    """Every stack of the assembly in ``folder``, by name."""
    manifest = json.loads((folder / "manifest.json").read_text())
    return {
        name: Stack(
            name,
            json.loads((folder / artifact["properties"]["templateFile"]).read_text()),
            artifact,
            _warnings(folder, artifact),
            (folder / artifact["properties"]["templateFile"]).stat().st_size,
        )
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }


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
