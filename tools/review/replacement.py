"""Which resources an update replaces, and why.

CloudFormation's schemas say which properties do. What they leave to a condition counts as
replacing, but for the conditions below that are documented. A replacement goes on to whatever
refers to the replaced resource in a property that replaces, in every stack.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.review.estate import Address, Estate, Resource
from tools.review.schemas import Path, conditionally_create_only, create_only
from tools.review.showing import shown
from tools.review.values import references

GROUP = "AWS::ElastiCache::ReplicationGroup"

ADDED_OR_REMOVED = (
    "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2356 and"
    " https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html"
)
RESHARDING = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
    "aws-attribute-updatepolicy.html#cfn-attributes-updatepolicy-useonlineresharding"
)
REPLICAS = "the schema's own description of ReplicasPerNodeGroup"


@dataclass(frozen=True)
class Cause:
    """Why a resource is replaced: one sentence, and whether the schema leaves no doubt."""

    says: str
    certain: bool = True


def replacements(base: Estate, head: Estate) -> dict[Address, list[Cause]]:
    """Every resource of both sides that the update replaces, each with its causes."""
    both = [
        (before, head.resources[address])
        for address, before in base.resources.items()
        if address in head.resources and head.resources[address].kind == before.kind
    ]
    found: dict[Address, list[Cause]] = {}
    for before, after in both:
        if causes := list(_own(before, after)):
            found[before.address] = causes
    ahead = set(found)
    while ahead:
        reached = {
            after.address: causes
            for before, after in both
            if after.address not in found and (causes := list(_inherited(before, after, ahead)))
        }
        found |= reached
        ahead = set(reached)
    return found


def values_at(value: Any, path: Path) -> list[Any]:
    """What stands at a schema's path, where ``*`` is every item of a list."""
    if not path:
        return [value]
    match value:
        case dict() if path[0] in value:
            return values_at(value[path[0]], path[1:])
        case dict() if not any(name.startswith("Fn::") for name in value):
            return []
        case list() if path[0] == "*":
            return [one for item in value for one in values_at(item, path[1:])]
    return [value] if value else []  # a function stands for what only AWS can work out


def _own(before: Resource, after: Resource) -> Iterator[Cause]:
    yield from _documented(before, after)
    for path in create_only(after.kind):
        yield from _compared(before, after, path, certain=True)
    for path in conditionally_create_only(after.kind):
        decides = CONDITIONS.get((after.kind, path[0]))
        if decides is None or decides(before.properties, after.properties):
            yield from _compared(before, after, path, certain=decides is not None)


def _compared(before: Resource, after: Resource, path: Path, *, certain: bool) -> Iterator[Cause]:
    was, becomes = values_at(before.properties, path), values_at(after.properties, path)
    if was != becomes:
        name = ".".join(path)
        yield Cause(
            f"{name}: {shown(name, was[0] if was else None)} → "
            f"{shown(name, becomes[0] if becomes else None)}",
            certain,
        )


def _token_comes_or_goes(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """A token that changes is rotated in place; one that comes or goes replaces the group.

    Sources: ADDED_OR_REMOVED.
    """
    return ("AuthToken" in before) is not ("AuthToken" in after)


CONDITIONS: dict[tuple[str, str], Callable[[Mapping[str, Any], Mapping[str, Any]], bool]] = {
    (GROUP, "AuthToken"): _token_comes_or_goes,
}


def _documented(before: Resource, after: Resource) -> Iterator[Cause]:
    """What replaces a replication group beyond its schema. Sources: RESHARDING and REPLICAS."""
    if after.kind != GROUP:
        return

    def moved(name: str) -> bool:
        return bool(before.properties.get(name) != after.properties.get(name))

    online = (after.attributes.get("UpdatePolicy") or {}).get("UseOnlineResharding")
    if moved("NumNodeGroups") and str(online).lower() != "true":
        yield Cause("NumNodeGroups changes and UpdatePolicy.UseOnlineResharding is not set")
    if moved("ReplicasPerNodeGroup") and "NodeGroupConfiguration" in after.properties:
        yield Cause("ReplicasPerNodeGroup changes beside a NodeGroupConfiguration")


def _inherited(before: Resource, after: Resource, replaced: set[Address]) -> Iterator[Cause]:
    for path in (*create_only(after.kind), *conditionally_create_only(after.kind)):
        referred = {Address(*one) for one in references(values_at(after.properties, path))}
        for address in sorted(referred & replaced - {before.address}):
            yield Cause(f"{'.'.join(path)} refers to {address.name}, which is replaced")
