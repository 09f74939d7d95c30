"""The list of harmless differences: narrow rules, each per property; everything else asks.

A rule sees one JSON path, both its values and both sides. No such path replaces its resource.
"""

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

from tools.impact.resources import schema
from tools.impact.templates import Address, Leaf, Side

FUNCTION = "AWS::Lambda::Function"
ALARM = "AWS::CloudWatch::Alarm"

# Updates of their tags have failed in the field (aws/aws-cdk#16266, #25409), and a failed update of
# the data stack rolls it back. By a role's tags a policy of the account may grant.
UNTAGGED = {"AWS::ElastiCache::User", "AWS::ElastiCache::UserGroup", "AWS::IAM::Role"}
# Folders of lambda/ whose functions neither read the token nor change data: test_quiet.py holds
# their roles' rights against that.
PLAIN_CODE = {"events", "reviews"}
WIDGETS = {"metric", "text", "alarm"}  # one of type custom calls a function, log runs queries
# Properties of a widget that are rows, or say how it shows them; others say of when and where.
LOOK = {"title", "view", "stacked", "legend", "yAxis", "metrics", "alarms", "annotations"}
# CloudFormation would put a secret or a file's text there, or CloudWatch call a function.
_RESOLVED = re.compile(r"\{\{|LAMBDA\s*\(|Fn::", re.IGNORECASE)
_LARGEST = 50_000_000  # bytes of one package's file; Lambda takes no more zipped


class Change(NamedTuple):
    """One path of one resource, or of a stack where ``kind`` is empty."""

    address: Address
    kind: str
    leaf: Leaf
    base: Side
    head: Side


def harmless(change: Change) -> str | None:
    """Why a change is harmless, or None where it must ask, as malformed values do."""
    if _RESOLVED.search(str(change.leaf)):
        return None
    for kind, path, reason, holds in RULES:
        found = re.fullmatch(path, change.leaf.path)
        try:
            if found and re.fullmatch(kind, change.kind) and holds(change, *found.groups()):
                return reason
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
    return None


def _is_text(change: Change) -> bool:
    texts = [one for one in change.leaf[1:] if one is not None]
    longest = 1024 if change.kind == ALARM else 255  # refused text rolls the whole update back
    return all("⟦" not in one and 0 < len(one.strip()) <= longest for one in texts)


def _is_plain_tag(change: Change, key: str) -> bool:
    """A tag that no target or condition of either side names, on types whose tags may change."""
    updatable = schema(change.kind)["tagging"]["tagUpdatable"] and change.kind not in UNTAGGED
    text = " ".join([*change.base.texts.values(), *change.head.texts.values()])
    selects = rf"tag[:/]{key}|tag-?key|conditionkey|resource-groups"
    return updatable and _is_text(change) and not re.search(selects, text, re.IGNORECASE)


def _is_plain_code(change: Change) -> bool:
    handler = str(change.head.properties(change.address).get("Handler"))
    return handler.split(".")[0] in PLAIN_CODE and not unknown_code(change.head, change.address)


def _shows_as_much(change: Change) -> bool:
    """Whether every metric and alarm of the dashboard remains, and no widget runs code."""
    both = (side.properties(change.address) for side in (change.base, change.head))
    bodies = [json.loads(one["DashboardBody"]) for one in both]
    before, after = (body.pop("widgets") for body in bodies)
    known = bodies[0] == bodies[1] and {one["type"] for one in before + after} <= WIDGETS
    return known and _shown(before) <= _shown(after)


def _shown(widgets: list[Any]) -> set[str]:
    """Rows of a dashboard without labels and colours, each with what else decides what it shows."""
    found = set()
    for one in (widget["properties"] for widget in widgets):
        source = {name: one[name] for name in one.keys() - LOOK}
        lines = one.get("annotations", {}).get("horizontal", [])
        for row in (*one.get("metrics", []), *one.get("alarms", []), *([line] for line in lines)):
            parts = [{**it, "label": "", "color": ""} if isinstance(it, dict) else it for it in row]
            found.add(json.dumps([source, parts], sort_keys=True))
    return found


def _is_longer(change: Change) -> bool:
    _, before, after = change.leaf
    return after in schema(change.kind)["properties"]["RetentionInDays"]["enum"] and after > before


def _only_notifies(change: Change) -> bool:
    """Whether it is a new alarm that does nothing but notify topics that alarms notify already."""
    _, before, after = change.leaf
    known = not before and after.keys() <= {"Type", "Properties", "Metadata"}
    known = known and after.get("Metadata", {}).keys() <= {"aws:cdk:path"}
    properties, name = after["Properties"], after["Properties"]["AlarmName"]
    known = known and properties.keys() <= schema(ALARM)["properties"].keys() - {"ActionsEnabled"}
    lists = [properties.get(f"{one}Actions", []) for one in ("Alarm", "OK", "InsufficientData")]
    there = [change.base.properties(one).get("AlarmActions", []) for one in change.base.of(ALARM)]
    notifies = lists[0] and set().union(*lists) <= set().union(*there)
    # Another prefix could be somebody else's; the health check counts by the beginning of a name.
    ours = re.fullmatch(rf"{_prefix(change.address)}[\w-]+", name)
    taken = any(name == one or name.startswith(f"{one}-") for one in _alarm_names(change.base))
    alone = not taken and _alarm_names(change.head).count(name) == 1
    return bool(known and notifies and ours and alone)


def _is_counted(change: Change, name: str) -> bool:
    """Whether the health check's count gains the true number of alarms of a new name."""
    _, before, after = change.leaf
    return before is None and 0 < after == _alarms(change.head, change.address, name)


def _is_measured(change: Change) -> bool:
    """Whether the review's list gains measures of new alarms, written like others in it."""
    _, before, after = change.leaf
    forms, severity = [*map(_form, before)], "(-warning|-critical)?"
    return [one for one in after if one in before] == before and all(
        _form(one) in forms
        and _alarms(change.head, change.address, one["name"], severity)
        > _alarms(change.base, change.address, one["name"], severity)
        for one in after
        if one not in before
    )


def _form(measure: dict[str, Any]) -> dict[str, Any]:
    """A measure, where a name, a figure or a list is its type: any other is as good."""
    free = {key: float if isinstance(one, int) else type(one) for key, one in measure.items()}
    fixed = {key for key, kind in free.items() if kind is str} - {"name", "published"}
    return free | {key: measure[key] for key in fixed}


def _alarms(side: Side, function: Address, name: str, severity: str = "") -> int:
    pattern = rf"{_prefix(function)}{re.escape(name)}{severity}(-shard-\d+)?(-part-\d+)?"
    return sum(bool(re.fullmatch(pattern, one)) for one in _alarm_names(side))


def _alarm_names(side: Side) -> list[str]:
    return [str(side.properties(one).get("AlarmName")) for one in side.of(ALARM)]


def _prefix(address: Address) -> str:
    return re.escape(address.stack.rpartition("-")[0] + "-")


def _is_cdks(change: Change) -> bool:
    path, *values = change.leaf
    keys = [key for one in values for key in one or ()] if path == "Metadata" else [path[9:]]
    return "⟦" not in str(values) and all(re.match("aws:(cdk|asset):", key) for key in keys)


# Text that no service reads. Not of rules of security groups: they are on the path to Redis. Not of
# users: every update of one may send its password along (docs/operate/rotation.md).
_DESCRIBED = (
    r"AWS::(CloudWatch::Alarm|ElastiCache::ReplicationGroup|Events::Rule|IAM::Role|KMS::Key"
    r"|Lambda::Function|SSM::Parameter|Scheduler::Schedule|SecretsManager::Secret)"
)
_TEXTS = (
    r"Properties\.(?:Alarm|ReplicationGroup)?Description"
    r"|Description|(?:Outputs|Parameters)\.\w+\.Description"
)
# Others, such as kubernetes.io/cluster/x, are of AWS, of the rotation's record, or of controllers.
_TAG = r"Properties\.Tags\.((?a:[\w-]+))"
_VARIABLES = r"Properties\.Environment\.Variables"
# Type, path, the reason, and the function that decides from the change and the path's groups.
RULES: tuple[tuple[str, str, str, Callable[..., bool]], ...] = (
    (rf"({_DESCRIBED})?", _TEXTS, "text for people", _is_text),
    (".+", _TAG, "a tag that nothing selects by", _is_plain_tag),
    (FUNCTION, r"Properties\.Code\.S3Key", "code that reads no token", _is_plain_code),
    ("AWS::CloudWatch::Dashboard", r"Properties\.DashboardBody\..+", "its look", _shows_as_much),
    ("AWS::Logs::LogGroup", r"Properties\.RetentionInDays", "longer retention", _is_longer),
    (ALARM, "", "a new alarm on topics that are there", _only_notifies),
    (FUNCTION, rf"{_VARIABLES}\.DESIRED\.alarms\.(.+)", "it counts the new alarm", _is_counted),
    (FUNCTION, rf"{_VARIABLES}\.MEASURES", "it reads the new alarm", _is_measured),
    (".+", r"Metadata(?:\..+)?", "CDK's metadata", _is_cdks),
)


def unknown_code(side: Side, function: Address) -> str:
    """Why a function's code is not an asset of the side's assembly with the handler; else empty."""
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
