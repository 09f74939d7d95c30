"""The list of what is harmless: narrow rules, each per property and with its reason.

What no rule names asks. A rule sees one JSON path, both its values and both sides, and answers with
a reason or None. It never sees a path whose change replaces the resource, or may.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tools.impact.facts import schema
from tools.impact.packages import code_is_told, package_of, sensitive
from tools.impact.templates import TOKEN, Address, Leaf, Side, references

ALARM = "AWS::CloudWatch::Alarm"
TOPIC = "AWS::SNS::Topic"
FUNCTION = "AWS::Lambda::Function"
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
    def values(self) -> tuple[Any, Any]:
        """Both values with references as text."""
        stack = self.address.stack
        return (
            self.base.plain(stack, self.leaf.before),
            self.head.plain(stack, self.leaf.after),
        )


def harmless(change: Change) -> str | None:
    """Why a change harms nobody, or None where it must ask, as what is malformed does."""
    try:
        return next(filter(None, (rule(change) for rule in RULES)), None)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _text(change: Change) -> str | None:
    sections = r"Description|(Outputs|Parameters)\.\w+\.Description"
    of_stack = not change.kind and re.fullmatch(sections, change.leaf.path)
    if not of_stack and (change.kind, change.leaf.path) not in TEXT:
        return None
    if change.kind == GROUP and _may_send_a_token(change):
        return None
    return "text for people" if all(_is_text(value) for value in change.values) else None


def _tags(change: Change) -> str | None:
    """Tags, of a resource or of a stack, that nothing here selects or decides by."""
    of_stack = change.leaf.path.startswith("options.tags")
    if of_stack:
        present = {
            body["Type"]
            for side in (change.base, change.head)
            for place, body in side.resources.items()
            if place.stack == change.address.stack
        }
    else:
        present = {change.kind}
        updatable = schema(change.kind).get("tagging", {}).get("tagUpdatable")
        if not updatable or not re.match(r"Properties\.Tags\b", change.leaf.path):
            return None
    if present & UNTAGGED or (GROUP in present and _may_send_a_token(change)):
        return None
    before, after = _tag_map(change, change.base), _tag_map(change, change.head)
    if before is None or after is None:
        return None
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    values = [one.get(key, "") for one in (before, after) for key in changed]
    # A colon: AWS's own tags, and those by which a rotation remembers where it is.
    if any(":" in key or _is_selected_by(key, change) for key in changed):
        return None
    return "tags that nothing selects by" if all(map(_is_text, values)) else None


def _code(change: Change) -> str | None:
    if (change.kind, change.leaf.path) != (FUNCTION, "Properties.Code.S3Key"):
        return None
    told = code_is_told(change.head, change.address)
    package = package_of(change.head, change.address)
    if told is not None or package in sensitive(change.base) | sensitive(change.head):
        return None
    return f"other code of {package}, which is in this assembly and reads no token"


def _dashboard(change: Change) -> str | None:
    at = (change.kind, change.leaf.path)
    if at != ("AWS::CloudWatch::Dashboard", "Properties.DashboardBody"):
        return None
    bodies = [json.loads(value) for value in change.values]
    widgets = [one["type"] for body in bodies for one in body["widgets"]]
    look = bodies[1]["widgets"] and set(widgets) <= _WIDGETS
    return "the dashboard's look" if look else None


def _new_alarm(change: Change) -> str | None:
    """An alarm more, if all it does is to notify topics that are there."""
    if change.kind != ALARM or change.leaf.path or change.leaf.before is not None:
        return None
    body = change.head.resources[change.address]
    if body.keys() - {"Type", "Properties", "Metadata"}:
        return None
    properties = change.head.properties(change.address)
    lists = [properties.get(f"{name}Actions", []) for name in ("Alarm", "OK", "InsufficientData")]
    topics = {f"⟦{place.stack}/{place.name}⟧" for place in _both(change, TOPIC)}
    names = {str(change.base.properties(one)["AlarmName"]) for one in _of(change.base, ALARM)}
    own = str(properties.get("AlarmName", ""))
    # The health check counts by the beginning of a name.
    taken = any(own == one or own.startswith(f"{one}-") for one in names)
    notifies = {target for one in lists for target in one} <= topics
    if taken or not notifies or not _is_text(properties.get("AlarmDescription")):
        return None
    return "a new alarm on topics that are there"


def _log_retention(change: Change) -> str | None:
    at = (change.kind, change.leaf.path)
    days = change.leaf.before, change.leaf.after
    if at != ("AWS::Logs::LogGroup", "Properties.RetentionInDays") or not all(
        type(one) is int for one in days
    ):
        return None
    return "logs are kept for longer" if days[1] > days[0] else None


def _metadata(change: Change) -> str | None:
    if change.kind == "AWS::CDK::Metadata":
        return "CDK's own record of its version"
    whole = change.leaf.path == "Metadata" and [change.leaf.before or {}, change.leaf.after or {}]
    if whole and all(key.startswith(("aws:cdk:", "aws:asset:")) for one in whole for key in one):
        return "CDK's metadata" if change.kind else None
    named = re.match(r"Metadata\.aws:(cdk|asset):", change.leaf.path)
    return "CDK's metadata" if change.kind and named else None


def _echo_of_an_alarm(change: Change) -> str | None:
    """The health check's count of alarms and the review's list gain those that are new."""
    if not change.leaf.path.endswith((".DESIRED", ".MEASURES")):
        return None
    names = [
        {str(side.properties(one).get("AlarmName")) for one in _of(side, ALARM)}
        for side in (change.base, change.head)
    ]
    gains = False
    was, becomes = map(json.loads, change.values)
    match change.kind, change.leaf.path.removeprefix("Properties.Environment.Variables."):
        case "AWS::Lambda::Function", "DESIRED":
            gains = _gained_counts(was, becomes, names[1])
        case "AWS::Lambda::Function", "MEASURES":
            gains = _gained_measures(was, becomes, names[1] - names[0])
    return "it reads the new alarm" if gains else None


def _gained_counts(before: Any, after: Any, alarms: set[str]) -> bool:
    """Whether all that is new is the true number of alarms of a name."""
    was, becomes = before["alarms"], after["alarms"]
    if {**before, "alarms": becomes} != after or was.items() - becomes.items():
        return False
    prefix = re.escape(str(after.get("alarm_prefix")))
    part = r"(-shard-\d+)?(-part-\d+)?"
    return all(
        becomes[name]
        == sum(bool(re.fullmatch(f"{prefix}{re.escape(name)}{part}", one)) for one in alarms)
        for name in becomes.keys() - was.keys()
    )


def _gained_measures(before: Any, after: Any, new: set[str]) -> bool:
    """Whether all that is new is what a new alarm watches."""
    more = [one["name"] for one in after if one not in before]
    return [one for one in after if one in before] == before and all(
        name and any(f"-{name}" in alarm for alarm in new) for name in more
    )


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


RULES: tuple[Callable[[Change], str | None], ...] = (
    _text,
    _tags,
    _code,
    _dashboard,
    _new_alarm,
    _log_retention,
    _metadata,
    _echo_of_an_alarm,
    _new_output,
)


def _is_text(value: Any) -> bool:
    """Text in which CloudFormation puts nothing but names: a secret would be resolved into it."""
    if value is None:
        return True
    return (
        isinstance(value, str)
        and "{{" not in value
        and all(_NAMES.search(attribute or "Id") for _, _, attribute in TOKEN.findall(value))
    )


def _may_send_a_token(change: Change) -> bool:
    """Any update of a group with an AUTH token may send the token (docs/operate/rotation.md)."""
    return any(
        "AuthToken" in side.resources[place].get("Properties", {})
        for side in (change.base, change.head)
        for place in _of(side, GROUP)
    )


def _tag_map(change: Change, side: Side) -> dict[str, Any] | None:
    if not change.kind:
        artifact = side.stacks[change.address.stack].artifact
        return dict(artifact.get("properties", {}).get("tags", {}))
    tags = side.properties(change.address).get("Tags", [])
    if isinstance(tags, dict):
        return tags
    plain = all(isinstance(one, dict) and one.keys() == {"Key", "Value"} for one in tags)
    return {one["Key"]: one["Value"] for one in tags} if plain else None


def _is_selected_by(key: str, change: Change) -> bool:
    """Whether a target or a condition of either side may look at a tag of this name."""
    text = " ".join(
        json.dumps(stack.body)
        for side in (change.base, change.head)
        for stack in side.stacks.values()
    )
    named = rf"tag[:/]{re.escape(key)}\b|tagkeys|tag-key|resource-groups"
    return re.search(named, text, re.IGNORECASE) is not None


def _of(side: Side, kind: str) -> Iterator[Address]:
    return (place for place, body in side.resources.items() if body["Type"] == kind)


def _both(change: Change, kind: str) -> set[Address]:
    return set(_of(change.base, kind)) & set(_of(change.head, kind))
