"""The list of harmless differences: narrow rules, each per property and with its reason.

Everything else asks. A rule sees one JSON path, both its values and both sides. None of these paths
is one whose change replaces its resource.
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
DASHBOARD = "AWS::CloudWatch::Dashboard"
TOPIC = "AWS::SNS::Topic"

# Updates of their tags have failed in the field (aws/aws-cdk#16266, #25409), and a failed update of
# the data stack rolls it back.
UNTAGGED = {"AWS::ElastiCache::User", "AWS::ElastiCache::UserGroup"}
# Folders of lambda/ whose functions neither read the token nor change data: test_quiet.py holds
# their roles' rights against that.
PLAIN_CODE = {"events", "reviews"}
WIDGETS = {"metric", "text", "alarm"}  # one of type custom calls a function, log runs queries
# CloudFormation would put a secret there, or CloudWatch call a function.
_RESOLVED = re.compile(r"\{\{|LAMBDA\s*\(", re.IGNORECASE)
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
    _, *values = change.leaf
    return all(one is None or (isinstance(one, str) and "⟦" not in one) for one in values)


def _is_plain_tag(change: Change, key: str) -> bool:
    """A tag that no target or condition of either side names, on types whose tags may change."""
    updatable = schema(change.kind)["tagging"]["tagUpdatable"] and change.kind not in UNTAGGED
    text = " ".join([*change.base.texts.values(), *change.head.texts.values()])
    selects = rf"tag[:/]{re.escape(key)}\b|tagkeys|tag-key|resource-groups"
    return updatable and _is_text(change) and not re.search(selects, text, re.IGNORECASE)


def _is_plain_code(change: Change) -> bool:
    handler = str(change.head.properties(change.address).get("Handler"))
    known = not unknown_code(change.head, change.address)
    return handler.split(".")[0] in PLAIN_CODE and known


def _shows_as_much(change: Change) -> bool:
    """Whether every metric and alarm of the dashboard remains, and no widget runs code."""
    before, after = (
        json.loads(side.properties(change.address)["DashboardBody"])["widgets"]
        for side in (change.base, change.head)
    )
    return {one["type"] for one in before + after} <= WIDGETS and _shown(before) <= _shown(after)


def _shown(widgets: list[Any]) -> set[str]:
    """Metrics, expressions and alarms of a dashboard, without their labels and colours."""
    found = set()
    for one in (widget["properties"] for widget in widgets):
        source = [one.get(name) for name in ("region", "stat", "period")]
        for row in (*one.get("metrics", []), *one.get("alarms", [])):
            parts = [{**it, "label": "", "color": ""} if isinstance(it, dict) else it for it in row]
            found.add(json.dumps([source, parts], sort_keys=True))
    return found


def _is_longer(change: Change) -> bool:
    _, before, after = change.leaf
    return {type(before), type(after)} == {int} and after > before


def _only_notifies(change: Change) -> bool:
    """Whether it is a new alarm that does nothing but notify topics of both sides."""
    _, before, after = change.leaf
    if before or after.keys() - {"Type", "Properties", "Metadata"}:
        return False
    properties = after["Properties"]
    lists = [properties.get(f"{name}Actions", []) for name in ("Alarm", "OK", "InsufficientData")]
    there = set(change.base.of(TOPIC)) & set(change.head.of(TOPIC))
    topics = {f"⟦{place.stack}/{place.name}⟧" for place in there}
    own = str(properties.get("AlarmName", ""))
    # The health check counts by the beginning of a name.
    taken = any(own == one or own.startswith(f"{one}-") for one in _alarm_names(change.base))
    return not taken and {target for one in lists for target in one} <= topics


def _is_counted(change: Change, name: str) -> bool:
    """Whether the health check's count gains the true number of alarms of a new name."""
    _, before, after = change.leaf
    return before is None and after == _alarms(change.head, change.address, name)


def _is_measured(change: Change) -> bool:
    """Whether the review's list gains the measures of new alarms, and nothing else changes."""
    _, before, after = change.leaf
    return [one for one in after if one in before] == before and all(
        _alarms(change.head, change.address, name) > _alarms(change.base, change.address, name)
        for name in (one["name"] for one in after if one not in before)
    )


def _alarms(side: Side, function: Address, name: str) -> int:
    whole = re.escape(f"{function.stack.rpartition('-')[0]}-{name}")
    pattern = rf"{whole}(-warning|-critical)?(-shard-\d+)?(-part-\d+)?"
    return sum(bool(re.fullmatch(pattern, one)) for one in _alarm_names(side))


def _alarm_names(side: Side) -> set[str]:
    return {str(side.properties(one).get("AlarmName")) for one in side.of(ALARM)}


def _is_cdks(change: Change) -> bool:
    path, *values = change.leaf
    keys = [key for one in values for key in one or ()] if path == "Metadata" else [path[9:]]
    return all(key.startswith(("aws:cdk:", "aws:asset:")) for key in keys)


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
_TAG = r"Properties\.Tags\.([^:]+)"  # with a colon: AWS's own, and the rotation's record
_VARIABLES = r"Properties\.Environment\.Variables"
# Type, path, the reason, and the function that decides from the change and the path's groups.
RULES: tuple[tuple[str, str, str, Callable[..., bool]], ...] = (
    (rf"({_DESCRIBED})?", _TEXTS, "text for people", _is_text),
    (".+", _TAG, "a tag that nothing selects by", _is_plain_tag),
    (FUNCTION, r"Properties\.Code\.S3Key", "code that reads no token", _is_plain_code),
    (DASHBOARD, r"Properties\.DashboardBody\..+", "the dashboard's look", _shows_as_much),
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
