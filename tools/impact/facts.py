"""What is published about resource types: CloudFormation's schemas, of the pinned cfn-lint.

What ``cdk diff`` says of replacements comes from the table in the pinned CDK command line.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from tools.context import ROOT
from tools.impact.templates import ImpactError, Leaf

REGION = "us-east-1"
SERVICE_SPEC = ROOT / "node_modules" / "aws-cdk" / "db.json.gz"

Path = tuple[str, ...]


@cache
def schema(kind: str) -> Mapping[str, Any]:
    """CloudFormation's schema of a type; empty for a type that it does not know."""
    # Its import takes a second, which nobody waits for whose question cannot be answered.
    from cfnlint.schema import ResourceNotFoundError
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    try:
        found: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    except ResourceNotFoundError:
        return {}
    return found


@cache
def paths(kind: str, which: str) -> tuple[Path, ...]:
    """The property paths of one of a schema's lists, such as ``createOnlyProperties``."""
    return tuple(
        tuple(path.removeprefix("/properties/").split("/")) for path in schema(kind).get(which, [])
    )


def replaces(kind: str, leaf: Leaf) -> bool | None:
    """Whether a change replaces a resource: True, False, or None where only AWS decides.

    True is the schema's ``createOnlyProperties``; None its conditional ones, and what the CDK's
    table says beyond the schema.
    """
    if not leaf.path.startswith("Properties."):
        return False
    parts = tuple(re.sub(r"\[\d+\]", ".*", leaf.path.removeprefix("Properties.")).split("."))
    if any(_touches(leaf, parts, path) for path in paths(kind, "createOnlyProperties")):
        return True
    perhaps = paths(kind, "conditionalCreateOnlyProperties")
    cdk = _service_spec().get(kind, {}).get("properties", {}).get(parts[0], {})
    if cdk.get("causesReplacement", "no") != "no" or any(
        _touches(leaf, parts, path) for path in perhaps
    ):
        return None
    return False


def create_only_values(kind: str, properties: Any) -> Iterator[tuple[str, Any]]:
    """What a resource has in the properties that replace it, by name."""
    for path in paths(kind, "createOnlyProperties"):
        for value in _values(properties, path):
            yield ".".join(path), value


def own_name(kind: str) -> str | None:
    """The property that names a resource of the type, if a change of it replaces the resource."""
    names = paths(kind, "primaryIdentifier")
    one = len(names) == 1 and names[0] in paths(kind, "createOnlyProperties")
    return names[0][0] if one else None


@cache
def stateful_kinds() -> frozenset[str]:
    """Every type that cfn-lint or the CDK calls stateful."""
    table = files("cfnlint.data.AdditionalSpecs") / "StatefulResources.json"
    named = frozenset(json.loads(table.read_text())["ResourceTypes"])
    return named | {kind for kind, entry in _service_spec().items() if entry.get("isStateful")}


def _touches(leaf: Leaf, parts: Path, path: Path) -> bool:
    """Whether a leaf lies at or below a schema's path, or above it with another value there."""
    if parts[: len(path)] == path:
        return True
    below = path[len(parts) :]
    return path[: len(parts)] == parts and list(_values(leaf.before, below)) != list(
        _values(leaf.after, below)
    )


def _values(value: Any, path: Path) -> Iterator[Any]:
    if not path:
        yield value
    elif isinstance(value, list) and path[0] == "*":
        for item in value:
            yield from _values(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _values(value[path[0]], path[1:])
    elif isinstance(value, dict) and any(key.startswith(("Ref", "Fn::")) for key in value):
        yield value  # what only AWS works out


@cache
def _service_spec() -> Mapping[str, Mapping[str, Any]]:
    try:
        with gzip.open(SERVICE_SPEC) as file:
            document = json.load(file)
    except FileNotFoundError:
        raise ImpactError(
            "impact: node_modules holds no CDK command line. Run make setup first."
        ) from None
    return {
        entry["cloudFormationType"]: entry for entry in document["schema"]["resource"]["entities"]
    }
