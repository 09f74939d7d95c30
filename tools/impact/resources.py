"""What replaces a resource, by the schemas of the pinned cfn-lint, and the plan's names for it."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tools.assembly import Document
from tools.impact.templates import Address

REGION = "us-east-1"
SUBJECTS = DATA, ACCESS, ALARMS, OPERATION = "Data", "Access", "Alarms", "Operation"

# By the logical id without CDK's hash. tests/tools/impact/test_report.py holds it against ours.
_NAMES = {
    "RedisGroup": "the Redis group",
    "Dashboard": "the dashboard",
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
def _paths(kind: str, which: str) -> tuple[tuple[str, ...], ...]:
    """The property paths of one of a schema's lists, such as ``createOnlyProperties``."""
    return tuple(
        tuple(path.removeprefix("/properties/").split("/")) for path in schema(kind).get(which, [])
    )


def create_only(kind: str, properties: Document) -> dict[str, list[Any]]:
    """The values, by path, whose change replaces a resource: ``createOnlyProperties``."""
    paths = _paths(kind, "createOnlyProperties")
    return {".".join(path): list(_values(properties, path)) for path in paths}


def own_name(kind: str) -> str:
    """The property that names a resource of the type, if a change of it replaces the resource."""
    names = _paths(kind, "primaryIdentifier")
    one = len(names) == 1 and names[0] in _paths(kind, "createOnlyProperties")
    return names[0][0] if one else ""


def _values(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if not path:
        yield value
    elif isinstance(value, list) and path[0] == "*":
        for item in value:
            yield from _values(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _values(value[path[0]], path[1:])
    elif isinstance(value, dict) and any(key.startswith(("Ref", "Fn::")) for key in value):
        yield value  # what only AWS resolves


def named(address: Address, body: Document) -> str:
    """The name of a resource for people: "queue of undelivered events", "alarm memory-critical"."""
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
    """The subject of a change of a resource, the first that fits."""
    if re.search(r"Polic|Principal|Role", path) and "DeletionPolicy" not in path:
        return ACCESS
    found = (name for name, kinds in _SUBJECTS if re.match(rf"AWS::({kinds})", kind))
    return next(found, OPERATION)
