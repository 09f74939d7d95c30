"""What a resource is called in the report: the plan's words, not a logical id."""

import re
from typing import Any

from tools.impact.facts import stateful_kinds
from tools.impact.templates import Address

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
    prefix = address.stack.rpartition("-")[0]
    if own:
        return f"{noun} {own.rpartition('/')[2].removeprefix(f'{prefix}-')}"
    return f"{noun} {re.sub(r'(?<=[a-z0-9])(?=[A-Z])', ' ', plain).lower()}"


def subject(kind: str, path: str = "") -> str:
    """What a change of a resource is about first."""
    if re.search(r"Polic|Principal|Role", path) and "DeletionPolicy" not in path:
        return ACCESS
    for name, kinds in _SUBJECTS:
        if re.match(rf"AWS::({kinds})", kind):
            return name
    return DATA if kind in stateful_kinds() else OPERATION
