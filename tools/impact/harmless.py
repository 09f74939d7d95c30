"""The list of what is harmless: narrow rules, each per property and with its reason.

What no rule names asks. A rule sees one JSON path, both its values and both sides, and answers with
a reason or None. It never sees a path whose change replaces the resource, or may.
"""

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_rules.arns import like
from tools.impact.resources import schema
from tools.impact.templates import TOKEN, Address, Leaf, Side, references

FUNCTION = "AWS::Lambda::Function"
ALARM = "AWS::CloudWatch::Alarm"
TOPIC = "AWS::SNS::Topic"
GROUP = "AWS::ElastiCache::ReplicationGroup"

# Text for people that no service reads. Not of rules of security groups: they are on the path to
# Redis. Not of users: every update of one may send its password along (docs/operate/rotation.md).
TEXT = {
    (ALARM, "Properties.AlarmDescription"),
    ("AWS::CloudWatch::CompositeAlarm", "Properties.AlarmDescription"),
    (GROUP, "Properties.ReplicationGroupDescription"),
    ("AWS::Events::Rule", "Properties.Description"),
    ("AWS::IAM::Role", "Properties.Description"),
    ("AWS::KMS::Key", "Properties.Description"),
    (FUNCTION, "Properties.Description"),
    ("AWS::SSM::Parameter", "Properties.Description"),
    ("AWS::Scheduler::Schedule", "Properties.Description"),
    ("AWS::SecretsManager::Secret", "Properties.Description"),
}
# Updates of their tags have failed in the field (aws/aws-cdk#16266, #25409), and a failed update of
# the data stack rolls it back.
UNTAGGED = {"AWS::ElastiCache::User", "AWS::ElastiCache::UserGroup"}
# What an output may name of a resource: never a value that it holds.
_NAMES = re.compile(r"(Arn|Id|Name)$")
# Whoever may do one of these reads the token or changes data. Sources: the Service Authorization
# Reference of each service.
SENSITIVE = (
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:RotateSecret",
    "secretsmanager:UpdateSecretVersionStage",
    "elasticache:CreateReplicationGroup",
    "elasticache:DeleteReplicationGroup",
    "elasticache:DeleteSnapshot",
    "elasticache:ModifyReplicationGroup",
    "elasticache:ModifyUser",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "iam:PutRolePolicy",
)
# AWS's own policies that allow none of them: logs and network interfaces.
_HARMLESS_POLICIES = ("AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole")
_LARGEST = 50_000_000  # bytes of one package's file; Lambda takes no more zipped
_WIDGETS = {"metric", "text", "alarm"}  # a widget of type custom calls a function, log runs queries


@dataclass(frozen=True)
class Change:
    """One path of one resource, or of a stack where ``kind`` is empty."""

    address: Address
    kind: str
    leaf: Leaf
    base: Side
    head: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        """What is there, and what is to be."""
        return self.base, self.head

    @property
    def values(self) -> tuple[Any, Any]:
        """Both values with references as text."""
        _, *values = self.leaf
        before, after = (
            side.plain(self.address.stack, value)
            for side, value in zip(self.sides, values, strict=True)
        )
        return before, after


def harmless(change: Change) -> str | None:
    """Why a change is harmless, or None where it asks, as malformed text does."""
    at = [rule for rule in (AT.get((change.kind, change.leaf.path)),) if rule]
    try:
        return next(filter(None, (rule(change) for rule in (*at, *ANYWHERE))), None)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _text(change: Change) -> str | None:
    if change.kind == GROUP and _may_send_a_token(change):
        return None
    return "text for people" if all(map(_is_text, change.values)) else None


def _text_of_a_stack(change: Change) -> str | None:
    sections = r"Description|(Outputs|Parameters)\.\w+\.Description"
    of_stack = not change.kind and re.fullmatch(sections, change.leaf.path)
    return _text(change) if of_stack else None


def _tags(change: Change) -> str | None:
    """Tags, of a resource or of a stack, that nothing here selects or decides by."""
    present = {change.kind}
    if change.leaf.path.startswith("options.tags"):
        present = {
            body["Type"]
            for side in change.sides
            for place, body in side.resources.items()
            if place.stack == change.address.stack
        }
    elif not re.match(r"Properties\.Tags\b", change.leaf.path) or not (
        schema(change.kind).get("tagging", {}).get("tagUpdatable")
    ):
        return None
    if present & UNTAGGED or (GROUP in present and _may_send_a_token(change)):
        return None
    before, after = (_tag_map(change, side) for side in change.sides)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    # A colon: AWS's own tags, and those by which a rotation remembers where it is.
    if any(":" in key or _is_selected_by(key, change) for key in changed):
        return None
    texts = all(_is_text(one.get(key, "")) for one in (before, after) for key in changed)
    return "tags that nothing selects by" if texts else None


def _code(change: Change) -> str | None:
    package = _package(change.head, change.address)
    told = not unknown_code(change.head, change.address)
    if told and not any(package in sensitive(side) for side in change.sides):
        return f"other code of {package}, which is in this assembly and reads no token"
    return None


def _dashboard(change: Change) -> str | None:
    before, after = (json.loads(value)["widgets"] for value in change.values)
    look = after and {one["type"] for one in before + after} <= _WIDGETS
    return "the dashboard's look" if look else None


def _log_retention(change: Change) -> str | None:
    before, after = change.values
    return (
        "logs are kept for longer"
        if {type(before), type(after)} == {int} and after > before
        else None
    )


def _counts(change: Change) -> str | None:
    """The health check's count of alarms gains the true number of those of a new name."""
    was, becomes = map(json.loads, change.values)
    more = dict(becomes["alarms"].items() - was["alarms"].items())
    if {**was, "alarms": {**was["alarms"], **more}} != becomes or more.keys() & was[
        "alarms"
    ].keys():
        return None
    for name, count in more.items():
        named = re.escape(f"{becomes.get('alarm_prefix')}{name}") + r"(-shard-\d+)?(-part-\d+)?"
        if count != sum(bool(re.fullmatch(named, one)) for one in _alarm_names(change.head)):
            return None
    return "it counts the new alarm"


def _measures(change: Change) -> str | None:
    """The review's list gains what a new alarm watches."""
    was, becomes = map(json.loads, change.values)
    more = [one["name"] for one in becomes if one not in was]
    new = _alarm_names(change.head) - _alarm_names(change.base)
    gains = [one for one in becomes if one in was] == was and all(
        name and any(f"-{name}" in alarm for alarm in new) for name in more
    )
    return "it reads the new alarm" if gains else None


def _new_alarm(change: Change) -> str | None:
    """An alarm more, if all it does is to notify topics that are there."""
    if change.kind != ALARM or change.leaf.path or change.leaf.before is not None:
        return None
    if change.head.resources[change.address].keys() - {"Type", "Properties", "Metadata"}:
        return None
    properties = change.head.properties(change.address)
    lists = [properties.get(f"{name}Actions", []) for name in ("Alarm", "OK", "InsufficientData")]
    there = set(change.base.of(TOPIC)) & set(change.head.of(TOPIC))
    topics = {f"⟦{place.stack}/{place.name}⟧" for place in there}
    own = str(properties.get("AlarmName", ""))
    # The health check counts by the beginning of a name.
    taken = any(own == one or own.startswith(f"{one}-") for one in _alarm_names(change.base))
    notifies = {target for one in lists for target in one} <= topics
    if taken or not notifies or not _is_text(properties.get("AlarmDescription")):
        return None
    return "a new alarm on topics that are there"


def _metadata(change: Change) -> str | None:
    path, *values = change.leaf
    if not change.kind or "{{" in json.dumps(
        values
    ):  # CloudFormation would resolve a secret into it
        return None
    if change.kind == "AWS::CDK::Metadata":
        return "CDK's own record of its version"
    keys = [key for one in values for key in one or ()] if path == "Metadata" else [path[9:]]
    ours = all(key.startswith(("aws:cdk:", "aws:asset:")) for key in keys)
    return "CDK's metadata" if path.startswith("Metadata") and ours else None


def _new_output(change: Change) -> str | None:
    """An output more that names a resource of ours, as CDK writes one for another stack."""
    new = not change.kind and change.leaf.before is None
    if not new or not re.fullmatch(r"Outputs\.\w+", change.leaf.path):
        return None
    value = change.head.plain(change.address.stack, change.leaf.after["Value"])
    found = TOKEN.fullmatch(value)
    if not found or not references(value) <= change.head.resources.keys():
        return None
    return "a new output that names a resource" if _NAMES.search(found[3] or "Id") else None


Rule = Callable[[Change], str | None]
AT: dict[tuple[str, str], Rule] = {
    **dict.fromkeys(TEXT, _text),
    (FUNCTION, "Properties.Code.S3Key"): _code,
    (FUNCTION, "Properties.Environment.Variables.DESIRED"): _counts,
    (FUNCTION, "Properties.Environment.Variables.MEASURES"): _measures,
    ("AWS::CloudWatch::Dashboard", "Properties.DashboardBody"): _dashboard,
    ("AWS::Logs::LogGroup", "Properties.RetentionInDays"): _log_retention,
}
ANYWHERE: tuple[Rule, ...] = (_text_of_a_stack, _tags, _new_alarm, _metadata, _new_output)


def _is_text(value: Any) -> bool:
    """Text in which CloudFormation puts nothing but names: a secret would be resolved into it."""
    return value is None or (
        isinstance(value, str)
        and "{{" not in value
        and all(_NAMES.search(attribute or "Id") for _, _, attribute in TOKEN.findall(value))
    )


def _may_send_a_token(change: Change) -> bool:
    """Any update of a group with an AUTH token may send the token (docs/operate/rotation.md)."""
    return any(
        "AuthToken" in side.resources[place].get("Properties", {})
        for side in change.sides
        for place in side.of(GROUP)
    )


def _tag_map(change: Change, side: Side) -> dict[str, Any]:
    """The tags of a resource or a stack. Raises what malformed ones raise, so that they ask."""
    if not change.kind:
        artifact = side.stacks[change.address.stack].artifact
        return dict(artifact.get("properties", {}).get("tags", {}))
    tags = side.properties(change.address).get("Tags", [])
    if isinstance(tags, dict):
        return tags
    if any(one.keys() != {"Key", "Value"} for one in tags):
        raise ValueError(tags)
    return {one["Key"]: one["Value"] for one in tags}


def _is_selected_by(key: str, change: Change) -> bool:
    """Whether a target or a condition of either side may look at a tag of this name."""
    text = " ".join(
        json.dumps(stack.body) for side in change.sides for stack in side.stacks.values()
    )
    named = rf"tag[:/]{re.escape(key)}\b|tagkeys|tag-key|resource-groups"
    return re.search(named, text, re.IGNORECASE) is not None


def _alarm_names(side: Side) -> set[str]:
    return {str(side.properties(one).get("AlarmName")) for one in side.of(ALARM)}


# --- Functions: whose code asks, and what is in their packages ------------------------------------


@cache
def sensitive(side: Side) -> frozenset[str]:
    """The packages of which a function may read the token or change data, or are unknown."""
    return frozenset(_package(side, one) for one in side.of(FUNCTION) if _is_sensitive(side, one))


def unknown_code(side: Side, function: Address) -> str:
    """Why a function's code cannot be read in the side's assembly; empty where it can.

    Its key must be an asset's of this assembly, in the bucket that the asset goes to, and the
    package must hold the handler.
    """
    properties = side.properties(function)
    code, asset = properties.get("Code", {}), side.asset(function)
    if asset is None or code.keys() != {"S3Bucket", "S3Key"} or code["S3Bucket"] != asset.bucket:
        return "its code is no asset of this assembly"
    handler = f"{str(properties.get('Handler')).rpartition('.')[0].replace('.', '/')}.py"
    return "" if handler in contents(side, function) else f"its package has no {handler}"


def contents(side: Side, function: Address) -> dict[str, str]:
    """Name -> digest of each file in a function's package; empty where it is not known."""
    asset = side.asset(function)
    try:
        with zipfile.ZipFile(asset.file if asset else "") as package:
            return {
                one.filename: hashlib.sha256(package.read(one)).hexdigest()
                for one in package.infolist()
                if one.file_size < _LARGEST
            }
    except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return {}


def allowed(value: Any) -> set[str]:
    """Which of SENSITIVE the policies in a plain value are about, as IAM matches actions.

    A NotAction, and what only AWS works out, is about all of them.
    """
    text = json.dumps(value).replace('\\"', '"')
    if '"Effect"' not in text:
        return set()
    named = re.findall(r'"Action":\s*(\[[^\]]*\]|"[^"]*"|.)', text, re.IGNORECASE)
    if re.search('"NotAction"|Fn::', text, re.IGNORECASE) or "{" in named:
        return set(SENSITIVE)
    patterns = re.findall(r'"([^"]*)"', " ".join(named))
    return {one for one in SENSITIVE for it in patterns if like(one.lower(), it.lower())}


def _package(side: Side, function: Address) -> str:
    """The folder of lambda/ that a function's code comes from: the first part of its handler."""
    return str(side.properties(function).get("Handler", "")).split(".")[0]


def _is_sensitive(side: Side, function: Address) -> bool:
    """By every policy of its role, and by whatever else in the stacks names that role."""
    roles = references(side.properties(function).get("Role"))
    if len(roles) != 1 or not roles <= side.resources.keys():
        return True
    (role,) = roles
    properties = side.properties(role)
    arns = properties.get("ManagedPolicyArns", [])
    others = [one for one in arns if not str(one).endswith(_HARMLESS_POLICIES)]
    if not all(references(one) for one in others):
        return True  # a policy of others
    documents: list[Any] = [properties, *map(side.properties, references(others))]
    for place, body in side.resources.items():
        if body["Type"] != FUNCTION and role in references(side.properties(place)):
            documents.append(side.properties(place))
    return any(map(allowed, documents))
