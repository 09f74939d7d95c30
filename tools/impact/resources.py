"""What is known of resource types: which changes replace a resource, and what people call it.

The schemas are CloudFormation's, of the pinned cfn-lint.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tools.impact.templates import Address, Leaf

REGION = "us-east-1"
DATA, ACCESS, ALARMS, OPERATION = "Data", "Access", "Alarms", "Operation"
SUBJECTS = (DATA, ACCESS, ALARMS, OPERATION)

# By the logical id without CDK's hash. tests/tools/impact/test_report.py holds it against ours.
_NAMES = {
    "RedisGroup": "the Redis group",
    "TokenSecret": "the Redis token",
    "Key": "the key of the data",
    "KeyAlias": "name of the data's key",
    "User": "the Redis user",
    "UserGroup": "the Redis user group",
    "Parameters": "parameters of Redis",
    "AccessSecurityGroup": "security group of Redis",
    "AccessSubnetGroup": "subnets of Redis",
    "AccessFromApplication": "the application's way to Redis",
    "Events": "topic of ElastiCache's events",
    "EventsUnread": "queue of undelivered events",
    "LogsEngineLog": "engine log",
    "LogsSlowLog": "slow log",
    "NotificationsCritical": "topic of critical alarms",
    "NotificationsWarning": "topic of warnings",
    "NotificationsKey": "key of the alarm messages",
    "NotificationsPagerDuty": "PagerDuty's subscription",
    "NotificationsSlack": "the Slack channel",
    "RecoveryTokenSecret": "token of the recovery test",
    "Reports": "bucket of the reports",
    "TokenSchedule": "schedule of the token's rotation",
}
_SUBJECTS = (
    (DATA, r"ElastiCache|KMS|SecretsManager|S3::Bucket$|Backup|DynamoDB|RDS|EFS"),
    (ACCESS, r"IAM|EC2|SSO|STS|\w+::\w*(Policy|Permission)$|Lambda::(Url|Permission)|RAM|Cognito"),
    (ALARMS, r"CloudWatch|SNS|SQS|Chatbot|Events|SSMIncidents|Logs::\w+Filter|Logs::Destination"),
)

Path = tuple[str, ...]


@cache
def schema(kind: str) -> Mapping[str, Any]:
    """CloudFormation's schema of a type; empty for a type that it does not know."""
    # Its import takes a second, which a question that cannot be answered does not wait for.
    from cfnlint.schema import ResourceNotFoundError
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    try:
        found: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    except ResourceNotFoundError:
        return {}
    return found


@cache
def _paths(kind: str, which: str) -> tuple[Path, ...]:
    """The property paths of one of a schema's lists, such as ``createOnlyProperties``."""
    return tuple(
        tuple(path.removeprefix("/properties/").split("/")) for path in schema(kind).get(which, [])
    )


def replaces(kind: str, leaf: Leaf) -> bool:
    """Whether a change certainly replaces a resource, by the schema's ``createOnlyProperties``."""
    parts = tuple(re.sub(r"\[\d+\]", ".*", leaf.path).split("."))[1:]

    def touches(path: Path) -> bool:
        """Whether the leaf is at or below a schema's path, or above it with another value there."""
        below = path[len(parts) :]
        before, after = (list(_values(value, below)) for value in (leaf.before, leaf.after))
        return parts[: len(path)] == path or (path[: len(parts)] == parts and before != after)

    properties = leaf.path.startswith("Properties.")
    return properties and any(map(touches, _paths(kind, "createOnlyProperties")))


def create_only_values(kind: str, properties: Any) -> Iterator[tuple[str, Any]]:
    """What a resource has in the properties that replace it, by name."""
    for path in _paths(kind, "createOnlyProperties"):
        for value in _values(properties, path):
            yield ".".join(path), value


def own_name(kind: str) -> str | None:
    """The property that names a resource of the type, if a change of it replaces the resource."""
    names = _paths(kind, "primaryIdentifier")
    one = len(names) == 1 and names[0] in _paths(kind, "createOnlyProperties")
    return names[0][0] if one else None


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


def named(address: Address, body: dict[str, Any]) -> str:
    """What people call a resource: "queue of undelivered events", "alarm memory-critical"."""
    plain = re.sub(r"[0-9A-F]{8}$", "", address.name)
    if plain in _NAMES:
        return _NAMES[plain]
    kind = str(body.get("Type", "")).split("::")[-1]
    noun = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()
    properties = body.get("Properties", {})
    names = (properties.get(name) for name in ("AlarmName", "FunctionName", "Name", "LogGroupName"))
    own = next((name for name in names if isinstance(name, str)), None)
    if own:
        prefix = address.stack.rpartition("-")[0]
        return f"{noun} {own.rpartition('/')[2].removeprefix(f'{prefix}-')}"
    return f"{noun} {re.sub(r'(?<=[a-z0-9])(?=[A-Z])', ' ', plain).lower()}"


def subject(kind: str, path: str = "") -> str:
    """What a change of a resource is about first."""
    if re.search(r"Polic|Principal|Role", path) and "DeletionPolicy" not in path:
        return ACCESS
    found = (name for name, kinds in _SUBJECTS if re.match(rf"AWS::({kinds})", kind))
    return next(found, OPERATION)
