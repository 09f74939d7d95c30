"""Who holds which permissions on one side: roles with all their policies, resources with theirs."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from tools.review.estate import Address, Estate, Resource
from tools.review.grants import ANYBODY, SELF, Condition, Grant, grants
from tools.review.schemas import scrutinised
from tools.review.values import references

Held = dict[Address, list[Grant]]

_PERMISSION_LIMITS = {
    "SourceArn": "aws:sourcearn",
    "SourceAccount": "aws:sourceaccount",
    "PrincipalOrgID": "aws:principalorgid",
    "EventSourceToken": "lambda:eventsourcetoken",
    "FunctionUrlAuthType": "lambda:functionurlauthtype",
}


def held(estate: Estate) -> Held:
    """Each role's and each resource's grants.

    A policy that is attached to a role counts as the role's own, so that splitting it is no change.
    """
    found: Held = defaultdict(list)
    attached = _attached(estate)
    for address, resource in estate.resources.items():
        own = list(_own(resource))
        for holder in attached.get(address) or [_target(resource)]:
            found[holder] += own
    return {holder: list(dict.fromkeys(those)) for holder, those in found.items() if those}


def _own(resource: Resource) -> Iterator[Grant]:
    """The grants that a resource itself carries, wherever in its properties."""
    if scrutinised(resource.kind).get("") == "LambdaPermission":
        yield _permission(resource.properties)
        return
    yield from _documents(resource.properties)
    for name, sort in scrutinised(resource.kind).items():
        if sort == "ManagedPolicies":
            for arn in resource.properties.get(name) or []:
                if isinstance(arn, str) and not references(arn):
                    yield Grant("Allow", SELF, f"everything in {arn}", SELF, frozenset())


def _documents(value: Any) -> Iterator[Grant]:
    found = grants(value)
    if found is not None:
        yield from found
        return
    for item in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    ):
        yield from _documents(item)


def _permission(properties: Mapping[str, Any]) -> Grant:
    limits: list[Condition] = [
        ("StringEquals", key, frozenset([str(properties[name])]))
        for name, key in _PERMISSION_LIMITS.items()
        if name in properties
    ]
    principal = str(properties.get("Principal", ANYBODY))
    action = str(properties.get("Action", "")).lower()
    return Grant("Allow", principal, action, str(properties.get("FunctionName")), frozenset(limits))


def _attached(estate: Estate) -> dict[Address, list[Address]]:
    """An identity's policy -> the roles that have it."""
    found: dict[Address, list[Address]] = defaultdict(list)
    for address, resource in estate.resources.items():
        for name, sort in scrutinised(resource.kind).items():
            if sort == "ManagedPolicies":
                for place in sorted(references(resource.properties.get(name))):
                    found[Address(*place)].append(address)
            elif sort == "IdentityPolicyResource":
                named = [resource.properties.get(one) for one in ("Roles", "Users", "Groups")]
                found[address] += [Address(*place) for place in sorted(references(named))]
    return found


def _target(resource: Resource) -> Address:
    """Whom a resource's grants belong to: a permission to its function, else to itself."""
    if scrutinised(resource.kind).get("") == "LambdaPermission":
        for place in references(resource.properties.get("FunctionName")):
            return Address(*place)
    return resource.address


def account_of(estate: Estate, stack: str) -> str:
    """The account that a stack belongs to, or nothing if it is not known."""
    place = estate.stacks[stack].artifact.get("environment", "") if stack in estate.stacks else ""
    match = re.match(r"aws://(\d{12})/", place)
    return match[1] if match else ""
