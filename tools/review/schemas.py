"""What is published about resource types: CloudFormation's schemas, and two tables beside them.

The schemas are the registry's own, as cfn-lint ships them. The CDK's table (service-spec, inside
the command line that package.json pins) says which properties hold permissions; where it says that
a property replaces and the schema does not, the schema is right, and the report says so.
"""

import gzip
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from tools.context import ROOT
from tools.review.errors import ReviewError

REGION = "us-east-1"
SERVICE_SPEC = ROOT / "node_modules" / "aws-cdk" / "db.json.gz"

Path = tuple[str, ...]


@cache
def schema(kind: str) -> Mapping[str, Any] | None:
    """CloudFormation's schema of a type, or None for a type that it does not know."""
    # Its import takes a second, which nobody waits for whose question cannot be answered.
    from cfnlint.schema import ResourceNotFoundError
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    try:
        found: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    except ResourceNotFoundError:
        return None
    return found


@cache
def create_only(kind: str) -> tuple[Path, ...]:
    """The paths of the properties whose change always replaces a resource of the type."""
    return _paths(kind, "createOnlyProperties")


@cache
def conditionally_create_only(kind: str) -> tuple[Path, ...]:
    """The paths of the properties whose change replaces it under conditions no schema tells."""
    return _paths(kind, "conditionalCreateOnlyProperties")


@cache
def changeable(kind: str) -> frozenset[str]:
    """The names of the properties that a template may set and an update may change in place."""
    found = schema(kind) or {}
    fixed = {path[0] for path in (*create_only(kind), *conditionally_create_only(kind))}
    told = {path[0] for path in _paths(kind, "readOnlyProperties") if len(path) == 1}
    return frozenset(found.get("properties", {})) - fixed - told


@cache
def own_name(kind: str) -> str | None:
    """The property that names a resource of the type, if a template may set it."""
    names = _paths(kind, "primaryIdentifier")
    return names[0][0] if len(names) == 1 and names[0] in create_only(kind) else None


@cache
def unordered(kind: str) -> frozenset[str]:
    """The list properties of which the schema says that their order means nothing."""
    properties = (schema(kind) or {}).get("properties", {})
    return frozenset(name for name, one in properties.items() if one.get("insertionOrder") is False)


@cache
def stateful_kinds() -> frozenset[str]:
    """Every type that cfn-lint or the CDK calls stateful."""
    table = files("cfnlint.data.AdditionalSpecs") / "StatefulResources.json"
    named = frozenset(json.loads(table.read_text())["ResourceTypes"])
    return named | {kind for kind, entry in _service_spec().items() if entry.get("isStateful")}


@cache
def cdk_replaces(kind: str) -> frozenset[str]:
    """The properties of which ``cdk diff`` says that a change replaces, or may replace."""
    properties = _service_spec().get(kind, {}).get("properties", {})
    return frozenset(
        name for name, one in properties.items() if one.get("causesReplacement", "no") != "no"
    )


@cache
def scrutinised(kind: str) -> Mapping[str, str]:
    """Which properties the CDK's table says hold permissions, and of which sort.

    The type itself, where it is a permission, stands under the empty name.
    """
    entry = _service_spec().get(kind, {})
    sorts = {
        name: sort
        for name, one in entry.get("properties", {}).items()
        if (sort := one.get("scrutinizable")) not in (None, "None")
    }
    if own := entry.get("scrutinizable"):
        sorts[""] = own
    return sorts


@cache
def _service_spec() -> Mapping[str, Mapping[str, Any]]:
    try:
        with gzip.open(SERVICE_SPEC) as file:
            document = json.load(file)
    except FileNotFoundError:
        raise ReviewError(
            "review: node_modules holds no CDK command line. Run make setup first."
        ) from None
    return {
        entry["cloudFormationType"]: entry for entry in document["schema"]["resource"]["entities"]
    }


def _paths(kind: str, which: str) -> tuple[Path, ...]:
    found = (schema(kind) or {}).get(which, [])
    return tuple(tuple(path.removeprefix("/properties/").split("/")) for path in found)
