"""The query protocol: form fields in, XML out. No list of shapes is needed for either."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from emulator.elasticache.errors import AwsError

NAMESPACE = "http://elasticache.amazonaws.com/doc/2015-02-02/"

# Lists whose items are not called like the list without its s (botocore's service model).
ITEM_NAMES = {
    "CacheNodeUpdateStatus": "CacheNodeUpdateStatus",
    "MemberClusters": "ClusterId",
    "NodeGroupUpdateStatus": "NodeGroupUpdateStatus",
    "ReplicaAvailabilityZones": "AvailabilityZone",
    "SecurityGroups": "member",
    "SupportedNetworkTypes": "member",
    "TagList": "Tag",
    "UserGroupIds": "member",
    "UserGroupIdsToAdd": "member",
    "UserGroupIdsToRemove": "member",
    "UserGroups": "member",
    "UserIds": "member",
    "UserIdsToAdd": "member",
    "UserIdsToRemove": "member",
    "Users": "member",
}
# The same name is a list of other items inside PendingModifiedValues.
PENDING_ITEM_NAMES = {"LogDeliveryConfigurations": "member"}

Params = dict[str, Any]


def parse(fields: Mapping[str, str]) -> Params:
    """Form fields as nested dictionaries and lists: `A.member.1.B=c` is {"A": [{"B": "c"}]}."""
    tree: Params = {}
    for name, value in fields.items():
        *path, last = name.split(".")
        node = tree
        for step in path:
            child = node.setdefault(step, {})
            if not isinstance(child, dict):
                raise AwsError("MalformedQueryString", f"{name} is both a value and a structure")
            node = child
        node[last] = value
    return {name: _lists(value) for name, value in tree.items()}


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if _is_numbered(node):
        return [_lists(node[key]) for key in sorted(node, key=int)]
    if len(node) == 1:
        (inner,) = node.values()
        if _is_numbered(inner):
            return _lists(inner)
    return {name: _lists(value) for name, value in node.items()}


def _is_numbered(node: Any) -> bool:
    return isinstance(node, dict) and bool(node) and all(key.isdecimal() for key in node)


def to_xml(action: str, result: Mapping[str, Any]) -> str:
    """A successful answer."""
    return (
        f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{_members(result, ITEM_NAMES)}'
        f"</{action}Result>{_metadata()}</{action}Response>"
    )


def error_to_xml(error: AwsError) -> str:
    """An answer that is an error."""
    who = "Sender" if error.http_status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{who}</Type>'
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )


def _metadata() -> str:
    return f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"


def _members(values: Mapping[str, Any], names: Mapping[str, str]) -> str:
    return "".join(
        _element(name, value, names) for name, value in values.items() if value is not None
    )


def _element(name: str, value: Any, names: Mapping[str, str]) -> str:
    if isinstance(value, Mapping):
        inside = {**names, **PENDING_ITEM_NAMES} if name == "PendingModifiedValues" else names
        return f"<{name}>{_members(value, inside)}</{name}>"
    if isinstance(value, list | tuple):
        item = names.get(name, name.removesuffix("s"))
        if name == "ReplicationGroups" and all(isinstance(each, str) for each in value):
            item = "member"  # their ids, in a user group
        return f"<{name}>{''.join(_element(item, each, names) for each in value)}</{name}>"
    return f"<{name}>{escape(_text(value))}</{name}>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value)
